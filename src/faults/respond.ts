import { readFileSync, statSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../diagnostics/problem.ts';
import type { Reply } from '../exchange/reply.ts';
import { FRAMING, isBodiless } from '../http/headers.ts';
import { formatSize } from '../notation/units.ts';
import { answerAfterCommit } from './answering.ts';
import type { FaultAction, FaultKind } from './fault.ts';
import { pointIn } from './point.ts';
import { headerProblem } from './rule-headers.ts';

/** Largest `bodyFile`, in bytes. The file stays in memory as long as its rule is in force. */
const LARGEST_BODY = 16 * 1024 ** 2;

const settings = z.strictObject({
  status: z
    .int()
    .min(200, { error: '1xx is not a final answer: a status is 200 to 999' })
    .max(999)
    .describe('HTTP status'),
  reason: z.string().optional().describe('Reason phrase; left out: the standard one'),
  headers: z
    .union([
      z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)])),
      z.array(z.string().regex(/^[^:]+:/, { error: 'a header line is written "Name: value"' })),
    ])
    .optional()
    .describe(
      'Response headers, in this order and letter case; a list repeats a header. Or a list of lines "Name: value"',
    ),
  body: z.string().optional().describe('The body, in UTF-8'),
  bodyFile: z.string().optional().describe('A file with the body; relative to the rule file'),
  at: pointIn('headers', 'commit')
    .optional()
    .describe(
      'headers: before the request is forwarded, the default. commit: after the upstream has said 2xx',
    ),
});

type RespondSettings = z.output<typeof settings>;

/** Answers with the bytes that the rule has. */
export const respond = {
  name: 'respond',
  summary: 'answers with literal bytes: a status, headers and a body of your own',
  schema: settings,
  compile(set, _, { folder }): FaultAction | Problem[] {
    const body = bodyOf(set, folder);
    const problems = [...('problem' in body ? [body.problem] : []), ...problemsOf(set)];
    if (problems.length > 0 || 'problem' in body) return problems;
    const isLate = set.at?.phase === 'commit';
    const written = (method: string) => write(set, body.bytes, method);
    return {
      summary: `answers ${`${set.status} ${reasonOf(set)}`.trim()} ${isLate ? 'after the upstream has succeeded' : 'before the body is read'}`,
      phase: isLate ? 'commit' : 'headers',
      answers: true,
      preview: ({ method }) => ({ ...written(method), requestId: '' }),
      async inject(context, next) {
        const { exchange } = context;
        const { method } = exchange.facts;
        if (isLate) return answerAfterCommit(context, next, () => written(method));
        exchange.answer(written(method));
        return undefined;
      },
    };
  },
} as const satisfies FaultKind<RespondSettings>;

/** Reads the bytes of the body, or returns the problem. The file is not read again until the rules are loaded again. */
function bodyOf(
  { body = '', bodyFile }: RespondSettings,
  folder: string | undefined,
): { readonly bytes: Buffer } | { readonly problem: Problem } {
  if (bodyFile === undefined) return { bytes: Buffer.from(body) };
  const problem = (message: string, kind: Problem['kind'] = 'bad-file') => ({
    problem: { path: ['bodyFile'], kind, message },
  });
  if (folder === undefined) return problem('rules that are not in a file cannot name one. use "body"');
  const path = resolve(folder, bodyFile);
  try {
    const about = statSync(path);
    if (!about.isFile()) return problem(`"${bodyFile}" is not a file`);
    if (about.size > LARGEST_BODY) {
      const message = `"${bodyFile}" has ${formatSize(about.size)}; it may have ${formatSize(LARGEST_BODY)}`;
      return problem(message, 'too-large');
    }
    return { bytes: readFileSync(path) };
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing) return problem(`there is no file "${bodyFile}" beside the rule file`);
    return problem(`"${bodyFile}" cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function problemsOf(set: RespondSettings): Problem[] {
  const problems: Problem[] = [];
  const hasBody = set.bodyFile !== undefined || (set.body ?? '') !== '';
  if (set.body !== undefined && set.bodyFile !== undefined) {
    const message = 'an answer has one body: "body" or "bodyFile", not both';
    problems.push({ path: ['bodyFile'], kind: 'contradiction', message });
  }
  if (hasBody && isBodiless(undefined, set.status)) {
    const path = [set.bodyFile === undefined ? 'body' : 'bodyFile'];
    const message = `a ${set.status} has no body (RFC 9110, section 6.4.1)`;
    problems.push({ path, kind: 'bad-answer', message });
  }
  if (set.reason !== undefined && CONTROL_CHARACTERS.test(set.reason)) {
    const message = 'a reason phrase is one line without control characters';
    problems.push({ path: ['reason'], kind: 'bad-answer', message });
  }
  const fields = fieldsOf(set);
  const names = fields.map(({ name }) => name);
  return [
    ...problems,
    ...fields.flatMap(({ at, name, value }) =>
      headerProblem(['headers', at], name, () => refusalReason(name, value, names)),
    ),
  ];
}

/** Header as it is sent, and its place in the settings. */
interface Field {
  readonly at: string | number;
  readonly name: string;
  readonly value: string;
}

function fieldsOf({ headers = {} }: RespondSettings): Field[] {
  if (!Array.isArray(headers)) {
    return Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((each) => ({ at: name, name, value: each })),
    );
  }
  return headers.map((line, at) => {
    const colon = line.indexOf(':');
    return { at, name: line.slice(0, colon), value: line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '') };
  });
}

/** Characters that a line of a head cannot have: control characters other than tabs (RFC 9110, section 5.5). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000a-\u001f\u007f]/;

function refusalReason(name: string, value: string, names: readonly string[]): string | undefined {
  if (CONTROL_CHARACTERS.test(value)) return `the value of "${name}" has control characters`;
  const lower = name.toLowerCase();
  if (lower === 'trailer') return 'a literal answer has no trailers';
  if (lower !== 'transfer-encoding') return undefined;
  const repeats = names.filter((each) => each.toLowerCase() === lower).length > 1;
  if (repeats || value.toLowerCase() !== 'chunked') return 'a body can be sent as it is, or "chunked"';
  return names.some((each) => each.toLowerCase() === 'content-length')
    ? '"Content-Length" and "Transfer-Encoding" both frame the body. leave one out'
    : undefined;
}

/** Writes the answer to a request of this method. If the rule does not frame the body, Content-Length is added. */
function write(set: RespondSettings, body: Buffer, method: string): Reply {
  const isBare = isBodiless(method, set.status);
  const fields = fieldsOf(set);
  const headers = fields.flatMap(({ name, value }) => [name, asBytes(value)]);
  const framing = fields.filter(({ name }) => FRAMING.has(name.toLowerCase()));
  if (framing.length === 0 && !isBare) headers.push('Content-Length', String(body.length));
  // After a wrong length, the client would wait for more, or would read the rest as the next answer.
  const lies = ({ name, value }: Field) =>
    name.toLowerCase() === 'content-length' && Number(value) !== body.length;
  return {
    status: set.status,
    reason: asBytes(reasonOf(set)),
    headers,
    body: isBare ? Buffer.alloc(0) : body,
    close: !isBare && framing.some(lies),
    isLiteral: true,
  };
}

function reasonOf({ status, reason }: RespondSettings): string {
  return reason ?? STATUS_CODES[status] ?? '';
}

/** Encodes a text as UTF-8 for Node, which writes each character of a head as one byte. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
