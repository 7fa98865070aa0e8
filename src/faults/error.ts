import { z } from 'zod';
import { type Entry, findEntry, type Provider } from '../catalog/catalog.ts';
import { ELEMENT_NAME } from '../catalog/dialect.ts';
import { type Document, type ErrorText, writeDocument } from '../catalog/document.ts';
import type { Problem } from '../diagnostics/problem.ts';
import { ID_TAIL } from '../exchange/marks.ts';
import type { Reply } from '../exchange/reply.ts';
import { subjectOf } from '../exchange/subject.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { FRAMING, without } from '../http/headers.ts';
import { duration } from '../notation/quantity.ts';
import { formatDuration } from '../notation/units.ts';
import type { Facts } from '../request/facts.ts';
import { answerAfterCommit, answerEarly, embed, openEnded } from './answering.ts';
import type { FaultAction, FaultContext, FaultKind } from './fault.ts';
import { notDocumented } from './not-documented.ts';
import { type Point, pointInWords, pointOr } from './point.ts';
import { headerProblems } from './rule-headers.ts';

/** Default of `after` for codes that mean "the client sent nothing for too long", in ms. */
const IDLE_WAIT = 1000;

/** Headers about the connection. They would promise something that is not kept. */
const CONNECTION_HEADERS = new Set(['keep-alive', 'proxy-connection', 'trailer', 'upgrade']);

/** Moment at which an error is sent: a point of the exchange, or inside a 200 that is sent at once. */
type Moment = Point | 'embedded';

const codeText = z.string({
  error: ({ input }) =>
    input === undefined
      ? undefined
      : 'an error is written as its code, such as SlowDown; "brownout catalog" lists them',
});

const settings = z.strictObject({
  code: codeText.describe("A code of the provider's catalog; `brownout catalog` lists them"),
  variant: z.string().optional().describe('Variant of the code, if the catalog has several rows of it'),
  message: z.string().optional().describe('Message instead of the documented one'),
  status: z.int().min(200).max(599).optional().describe('Status instead of the documented one'),
  reason: z.string().optional().describe('Reason phrase instead of the documented one'),
  headers: z.record(z.string(), z.string()).optional().describe('Response headers to add or to replace'),
  fields: z.record(z.string(), z.string()).optional().describe('Elements of the body to add or to replace'),
  retryAfter: duration
    .optional()
    .describe('Sends Retry-After, in whole seconds; only MinIO does so by itself'),
  location: z.string().optional().describe('Target of a redirect; 3xx codes need it'),
  at: pointOr('embedded', 'headers', 'body', 'commit')
    .optional()
    .describe(
      'headers: before the body is read. body:25%, body:5MiB, body:end: when so much of it has been read. commit: after the upstream said 2xx, the default of "stored, but …" codes. embedded: inside a 200',
    ),
  expect: z
    .enum(['final', 'continue'])
    .optional()
    .describe(
      'at: headers, to a client that waits for 100 Continue. final: the error instead of it, the default. continue: first the 100, then the error at once',
    ),
  withhold: duration
    .optional()
    .describe('Time that a client waits for 100 Continue, or for the error instead'),
  format: z.enum(['xml', 'json']).optional().describe("Body format instead of the provider's usual one"),
  after: duration.optional().describe('Time before the answer, in which nothing is read'),
  padding: duration
    .optional()
    .describe(
      'embedded: shortest time in which white space is sent; it goes on until the upstream has answered',
    ),
  trailingNewline: z.boolean().optional().describe('The body ends with a newline, or without one'),
});

type ErrorSettings = z.output<typeof settings>;
type Spec = string | ErrorSettings;

/** Answers with an error that the provider documents, exactly as that provider writes it. */
export const error = {
  name: 'error',
  summary: 'answers with a documented error of the provider',
  schema: z.union([codeText, settings]),
  compile(spec: Spec, provider: Provider): FaultAction | Problem[] {
    const set: ErrorSettings = typeof spec === 'string' ? { code: spec } : spec;
    const entry = findEntry(provider, set.code, set.variant);
    const problems = [
      ...(entry ? [] : [notDocumented(provider, set.code, set.variant)]),
      ...contradictions(set, entry, provider),
    ];
    const placed = typeof spec === 'string' ? problems.map((each) => ({ ...each, path: [] })) : problems;
    return entry && placed.length === 0 ? errorFault(set, entry, provider) : placed;
  },
} as const satisfies FaultKind<Spec>;

/** Returns the moment of an error. Without `at`, it follows from the catalog's row. */
function momentOf(set: ErrorSettings, entry: Entry): Moment {
  if (set.at !== undefined) return set.at;
  if (entry.status === 200 && !entry.stored) return 'embedded';
  return entry.stored ? { phase: 'commit', text: 'commit' } : { phase: 'headers', text: 'headers' };
}

/** Finds settings that contradict each other or the row. Without a row, only the checks that need none are made. */
function contradictions(set: ErrorSettings, entry: Entry | undefined, provider: Provider): Problem[] {
  const problems: Problem[] = [];
  if (entry?.code === 'N/A') {
    const message = `"N/A" means that ${provider.name} documents no code. use the code of another row`;
    problems.push({ path: ['code'], kind: 'unknown-code', message });
  }
  const status = set.status ?? entry?.status ?? 400;
  if (status >= 300 && status < 400 && status !== 304 && set.location === undefined) {
    const message = `"${entry?.code ?? set.code}" is a ${status}, which needs a target. add "location: http://…"`;
    problems.push({ path: ['code'], kind: 'missing-key', message, dependsOn: 'location' });
  }
  if (status === 205) {
    const message = 'a 205 has no body (RFC 9110, section 15.3.6)';
    problems.push({ path: ['status'], kind: 'bad-answer', message });
  }
  const moment = set.at ?? (entry && momentOf(set, entry));
  if (moment !== undefined) problems.push(...ineffectiveSettings(set, moment));
  const formats = Object.keys(provider.dialect.formats);
  if (set.format !== undefined && !formats.includes(set.format)) {
    const message = `${provider.name} writes no ${set.format}, only ${formats.join(' and ')}`;
    problems.push({ path: ['format'], kind: 'contradiction', message });
  }
  for (const name of Object.keys(set.fields ?? {}).filter((each) => !ELEMENT_NAME.test(each))) {
    const message = `"${name}" cannot be the name of an element`;
    problems.push({ path: ['fields', name], kind: 'bad-answer', message });
  }
  return [...problems, ...headerProblems(set.headers, refusalReason)];
}

function refusalReason(header: string): string | undefined {
  const name = header.toLowerCase();
  if (FRAMING.has(name)) return `"${header}" frames the answer and is set by brownout`;
  if (CONNECTION_HEADERS.has(name)) return `"${header}" is about the connection and not about the error`;
  return name.startsWith('x-brownout-') ? `"${header}" is a mark of brownout itself` : undefined;
}

/** Finds settings that have no effect at the moment of the error. */
function ineffectiveSettings(set: ErrorSettings, moment: Moment): Problem[] {
  const phase = moment === 'embedded' ? moment : moment.phase;
  const only = (name: keyof ErrorSettings, phases: readonly string[], at: string): Problem[] =>
    set[name] === undefined || phases.includes(phase)
      ? []
      : [
          {
            path: [name],
            kind: 'contradiction',
            message: `"${name}" goes with "at: ${at}" only`,
            dependsOn: 'at',
          },
        ];
  const problems = [
    ...only('padding', ['embedded'], 'embedded'),
    ...only('after', ['headers'], 'headers'),
    ...only('expect', ['headers', 'body'], 'headers'),
    ...only('withhold', ['headers', 'body'], 'headers" and "at: body:…'),
  ];
  if (set.expect === 'final' && phase === 'body') {
    const message = '"expect: final" answers before the body is asked for, but "at: body:…" reads the body';
    problems.push({ path: ['expect'], kind: 'contradiction', message, dependsOn: 'at' });
  }
  return problems;
}

function errorFault(set: ErrorSettings, entry: Entry, provider: Provider): FaultAction {
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
  const write: Write = (facts, as = {}, tail = ID_TAIL) =>
    writeDocument(provider, { ...text, ...as }, subjectOf(facts), new Date(), { tail });
  return { code: entry.code, answers: true, ...actionAt(set, entry, provider, write) };
}

/** Function that writes the error as the answer to a request. Its request id ends in `tail`. */
type Write = (facts: Facts, as?: Partial<ErrorText>, tail?: string) => Document;

/** Makes the parts of the fault that depend on the moment of the error. */
function actionAt(
  set: ErrorSettings,
  entry: Entry,
  provider: Provider,
  write: Write,
): Pick<FaultAction, 'phase' | 'place' | 'summary' | 'preview' | 'inject'> {
  const at = momentOf(set, entry);
  const written = ({ exchange, idTail }: FaultContext, as?: Partial<ErrorText>) =>
    write(exchange.facts, as, idTail);
  const named = `${entry.code} ${set.status ?? entry.status}`;
  if (at === 'embedded') {
    const as = { status: 200, reason: 'OK', trailingNewline: set.trailingNewline ?? false };
    return {
      phase: 'commit',
      summary: `answers ${entry.code} inside a 200`,
      preview: (facts) => openEnded(write(facts, as)),
      inject: (context, next) => embed(context, next, written(context, as), set.padding),
    };
  }
  if (at.phase === 'commit') {
    return {
      phase: 'commit',
      summary: `answers ${named} after the upstream has succeeded`,
      preview: (facts) => write(facts),
      inject: (context, next) =>
        answerAfterCommit(
          context,
          next,
          () => written(context),
          (upstream, written) => keptHeaders(upstream, provider, written),
        ),
    };
  }
  const early = {
    place: 'place' in at ? at.place : undefined,
    continueDelay: set.withhold ?? 0,
    sendContinueFirst: set.expect === 'continue',
    wait: set.after ?? (entry.idle ? IDLE_WAIT : 0),
    close: entry.idle,
  };
  return {
    phase: at.phase,
    place: early.place,
    summary: `answers ${named} ${earlyInWords(at, early.wait)}`,
    preview: (facts) => write(facts),
    inject: (context, next) => answerEarly(context, next, () => written(context), early),
  };
}

/** Says in words at which moment an early error is sent; `wait` is in ms. */
function earlyInWords(at: Point, wait: number): string {
  const silence = `after ${formatDuration(wait)} in which nothing is read`;
  if (at.phase === 'headers') return wait > 0 ? silence : 'before the body is read';
  return wait > 0 ? `${pointInWords(at)}, ${silence}` : pointInWords(at);
}

/** Returns the headers of the upstream's answer that the provider sends with a "stored, but …" error. */
function keptHeaders(upstream: UpstreamAnswer, { dialect }: Provider, written: Reply): string[] {
  const sent = new Set(written.headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  return without(upstream.rawHeaders, (name) => !dialect.keepOnCommit.includes(name) || sent.has(name));
}
