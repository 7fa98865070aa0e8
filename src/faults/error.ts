import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type Entry, findEntry, type Provider } from '../catalog/catalog.ts';
import { elementName, headerName } from '../catalog/dialect.ts';
import { type Document, type ErrorText, type Subject, writeDocument } from '../catalog/document.ts';
import { ClientGone, type Exchange } from '../exchange.ts';
import { without } from '../headers.ts';
import { duration } from '../quantity.ts';
import type { Facts } from '../request/facts.ts';
import type { Answer, Fault, FaultKind, Next, Problem } from './fault.ts';

/** How long a code that means "you went quiet" waits before it is answered, where the rule says nothing, in ms. */
const IDLE = 1000;

/** How often white space is sent while an embedded error is held back, in ms. */
const PAD_EVERY = 100;

/** Headers whose value follows from the body. */
const FRAMING = new Set(['content-length', 'transfer-encoding']);

const MOMENTS = ['headers', 'commit', 'embedded'] as const;
type Moment = (typeof MOMENTS)[number];

const settings = z.strictObject({
  code: z.string().describe("A code of the provider's catalog; `brownout catalog` lists them"),
  variant: z.string().optional().describe('Which of several catalog rows of the code'),
  message: z.string().optional().describe('Another message than the documented one'),
  status: z.int().min(200).max(599).optional().describe('Another status than the documented one'),
  reason: z.string().optional().describe('Another reason phrase than the documented one'),
  headers: z.record(z.string(), z.string()).optional().describe('Response headers to add or to replace'),
  fields: z.record(z.string(), z.string()).optional().describe('Elements of the body to add or to replace'),
  retryAfter: duration
    .optional()
    .describe('Sends Retry-After, in whole seconds; only MinIO does so by itself'),
  location: z.string().optional().describe('Where a redirect leads; needed by 3xx codes'),
  at: z
    .enum(MOMENTS)
    .optional()
    .describe(
      'headers: before the body is read. commit: after the upstream said 2xx, the default of "stored, but …" codes. embedded: inside a 200',
    ),
  format: z.enum(['xml', 'json']).optional().describe("Another body format than the provider's usual one"),
  after: duration.optional().describe('Wait so long, reading nothing, before answering'),
  padding: duration
    .optional()
    .describe('embedded: send white space for so long, and until the upstream has answered'),
  trailingNewline: z.boolean().optional().describe('End the body with a newline, or without one'),
});

type Settings = z.output<typeof settings>;
type Spec = string | Settings;

/** Answers with an error the provider documents, exactly as that provider writes it. */
export const error: FaultKind<Spec> = {
  name: 'error',
  summary: 'answers with a documented error of the provider',
  schema: z.union([z.string(), settings]),
  compile(spec: Spec, provider: Provider): Fault | Problem[] {
    const set: Settings = typeof spec === 'string' ? { code: spec } : spec;
    const entry = findEntry(provider, set.code, set.variant);
    const problems = entry ? contradictions(set, entry, provider) : [notDocumented(set, provider)];
    const placed = typeof spec === 'string' ? problems.map((each) => ({ ...each, path: [] })) : problems;
    return entry && placed.length === 0 ? errorFault(set, entry, provider) : placed;
  },
};

function notDocumented(set: Settings, provider: Provider): Problem {
  const variants = provider.entries.filter((entry) => entry.code === findEntry(provider, set.code)?.code);
  if (set.variant !== undefined && variants.length > 0) {
    const known = variants.flatMap((entry) => entry.variant ?? []);
    const message = `code "${set.code}" of ${provider.name} has no variant "${set.variant}"`;
    return { path: ['variant'], message, unknown: { word: set.variant, known } };
  }
  const known = provider.entries.map((entry) => entry.code);
  return {
    path: ['code'],
    message: `${provider.name} documents no code "${set.code}"`,
    unknown: { word: set.code, known },
  };
}

/** When an error is sent, where the rule does not say: as the catalog's row implies. */
function momentOf(set: Settings, entry: Entry): Moment {
  return set.at ?? (entry.stored ? 'commit' : entry.status === 200 ? 'embedded' : 'headers');
}

function contradictions(set: Settings, entry: Entry, provider: Provider): Problem[] {
  const problems: Problem[] = [];
  const status = set.status ?? entry.status;
  const at = momentOf(set, entry);
  if (status >= 300 && status < 400 && status !== 304 && set.location === undefined) {
    const message = `"${entry.code}" is a ${status}, which needs a place to go. add "location: http://…"`;
    problems.push({ path: ['code'], message });
  }
  if (set.padding !== undefined && at !== 'embedded') {
    problems.push({ path: ['padding'], message: '"padding" goes with "at: embedded" only' });
  }
  if (set.after !== undefined && at !== 'headers') {
    problems.push({ path: ['after'], message: '"after" goes with "at: headers" only' });
  }
  const formats = Object.keys(provider.dialect.formats);
  if (set.format !== undefined && !formats.includes(set.format)) {
    const message = `${provider.name} writes no ${set.format}, only ${formats.join(' and ')}`;
    problems.push({ path: ['format'], message });
  }
  for (const name of Object.keys(set.fields ?? {}).filter((each) => !elementName.test(each))) {
    problems.push({ path: ['fields', name], message: `"${name}" cannot be the name of an element` });
  }
  for (const name of Object.keys(set.headers ?? {})) {
    if (!headerName.test(name)) {
      problems.push({ path: ['headers', name], message: `"${name}" cannot be the name of a header` });
    } else if (FRAMING.has(name.toLowerCase())) {
      problems.push({
        path: ['headers', name],
        message: `"${name}" frames the answer and is set by brownout`,
      });
    }
  }
  return problems;
}

function errorFault(set: Settings, entry: Entry, provider: Provider): Fault {
  const text: ErrorText = {
    code: entry.code,
    status: set.status ?? entry.status,
    reason: set.reason ?? (set.status === undefined ? entry.reason : undefined),
    message: set.message ?? entry.message,
    fields: set.fields,
    headers: set.location === undefined ? set.headers : { Location: set.location, ...set.headers },
    format: set.format,
    retryAfter: set.retryAfter === undefined ? undefined : Math.ceil(set.retryAfter / 1000),
    trailingNewline: set.trailingNewline,
  };
  const write = (facts: Facts, as: Partial<ErrorText> = {}): Document =>
    writeDocument(provider, { ...text, ...as }, subjectOf(facts), new Date());
  const at = momentOf(set, entry);
  const named = { kind: 'error', code: entry.code, answers: true };
  if (at === 'embedded') {
    const writeEmbedded = (facts: Facts) =>
      write(facts, { status: 200, reason: 'OK', trailingNewline: set.trailingNewline ?? false });
    return {
      ...named,
      phase: 'commit',
      summary: `${entry.code} inside a 200`,
      preview: writeEmbedded,
      inject: (exchange, next) => embed(exchange, next, writeEmbedded(exchange.facts), set.padding),
    };
  }
  if (at === 'commit') {
    return {
      ...named,
      phase: 'commit',
      summary: `${entry.code} ${text.status} after the upstream has succeeded`,
      preview: write,
      inject: (exchange, next) => answerAfterCommit(exchange, next, write(exchange.facts), provider),
    };
  }
  return {
    ...named,
    phase: 'headers',
    summary: `${entry.code} ${text.status} before the body is read`,
    preview: write,
    inject: (exchange) => answerAtOnce(exchange, () => write(exchange.facts), entry, set.after),
  };
}

async function answerAtOnce(
  exchange: Exchange,
  write: () => Document,
  entry: Entry,
  after: number | undefined,
): Promise<Answer> {
  const wait = after ?? (entry.idle ? IDLE : 0);
  if (wait > 0) await exchange.wait(wait);
  const document = write();
  exchange.requestId = document.requestId;
  exchange.answer(document, entry.idle);
  return undefined;
}

async function answerAfterCommit(
  exchange: Exchange,
  next: Next,
  document: Document,
  provider: Provider,
): Promise<Answer> {
  const upstream = await next();
  if (!upstream || !isSuccess(upstream)) {
    // Nothing was stored, so "stored, but" would be a lie.
    exchange.passOver();
    return upstream;
  }
  await exchange.discard(upstream);
  exchange.requestId = document.requestId;
  exchange.answer({ ...document, headers: [...document.headers, ...keptFrom(upstream, provider, document)] });
  return undefined;
}

async function embed(
  exchange: Exchange,
  next: Next,
  document: Document,
  padding: number | undefined,
): Promise<Answer> {
  // The length is not known before the upstream has answered, and the connection has to outlast the answer.
  const headers = without(document.headers, (name) => name === 'content-length' || name === 'connection');
  exchange.requestId = document.requestId;
  exchange.askForBody();
  exchange.begin({ status: 200, reason: 'OK', headers });
  const pad =
    padding === undefined ? undefined : setInterval(() => exchange.send(Buffer.from('\r\n')), PAD_EVERY);
  try {
    if (pad) exchange.send(Buffer.from('\r\n'));
    const [upstream] = await Promise.all([next().catch(unlessClientGone), exchange.wait(padding ?? 0)]);
    if (upstream) await exchange.discard(upstream);
  } finally {
    clearInterval(pad);
  }
  exchange.send(document.body);
  exchange.response.end();
  return undefined;
}

/** The 200 is out: whatever became of the upstream, the client gets the embedded error, and the journal the truth. */
function unlessClientGone(reason: unknown): undefined {
  if (reason instanceof ClientGone) throw reason;
  return undefined;
}

/** What of the upstream's answer to a stored object the provider leaves in place. */
function keptFrom(upstream: IncomingMessage, { dialect }: Provider, document: Document): string[] {
  const sent = new Set(document.headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  return without(upstream.rawHeaders, (name) => !dialect.keepOnCommit.includes(name) || sent.has(name));
}

function isSuccess(answer: IncomingMessage): boolean {
  return Math.floor((answer.statusCode ?? 0) / 100) === 2;
}

/** What of a request an error document speaks of. */
export function subjectOf(facts: Facts): Subject {
  const { method, host, bucket, key, part, uploadId, scheme } = facts;
  return { method, host, bucket, key, part, uploadId, awsSigned: scheme === 'aws-v4' || scheme === 'aws-v2' };
}
