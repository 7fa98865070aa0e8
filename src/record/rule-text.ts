import { isDeepStrictEqual } from 'node:util';
import { endToEnd, isBodiless, pairsOf, without } from '../http/headers.ts';
import { globOf } from '../notation/glob.ts';
import { CONDITIONAL_HEADERS, recordIdentity } from '../request/identity.ts';
import { isRuleMethod } from '../rules/rule-schema.ts';
import { writeRuleFile } from '../rules/write.ts';
import { Secrets } from './secrets.ts';
import type { UpstreamError } from './upstream-error.ts';

/** Rule file that repeats a recorded answer, with the file of its body if the body is not text or is long. */
export interface RuleText {
  readonly text: string;
  readonly body: Buffer | undefined;
}

/** Largest body in bytes that is written into the rule file itself. */
const LONGEST_TEXT = 32 * 1024;

/** Writes the rule of a recorded error. `name` is the name of its file without the ending; the body goes to `name`.body. */
export function writeRule(error: UpstreamError, name: string): RuleText {
  const { facts, provider, status } = error;
  const secrets = new Secrets(error);
  const notes =
    error.injected === undefined ? [] : [`The rule that fired injected ${error.injected}, which may be why.`];
  const body = keptBody(error, secrets, notes);
  const inline = body && textOf(body);
  const respond = {
    status,
    reason: decodeUtf8(secrets.in(error.reason)),
    ...headersOf(error, body, secrets, notes),
    ...(inline !== undefined && inline !== '' && { body: inline }),
    ...(body !== undefined && inline === undefined && { bodyFile: `${name}.body` }),
  };
  const file = { provider, rules: [{ match: matchOf(error, secrets), fault: { respond } }] };
  const lines = [
    `Recorded ${error.time.toISOString()}, a real answer of the upstream to`,
    `  ${facts.method} ${new Secrets(error).in(facts.target).replace(/[^ -~]/g, '?')}`,
    'To have it given again, byte for byte:',
    `  brownout serve --upstream memory: --stealth --rules ${name}.yaml`,
  ];
  const { removed } = secrets;
  if (removed.length > 0)
    lines.push(`Secrets taken out, an X for each letter or digit: ${removed.join(', ')}.`);
  return {
    text: writeRuleFile(file, { head: [...lines, ...notes] }),
    body: inline === undefined ? body : undefined,
  };
}

/** Returns the body without its secrets; `undefined` if it could not be kept. */
function keptBody(
  { body, headers, facts, status }: UpstreamError,
  secrets: Secrets,
  notes: string[],
): Buffer | undefined {
  if (isBodiless(facts.method, status)) return Buffer.alloc(0);
  if (body === undefined) {
    notes.push('Its body is left out: it is larger than 1MiB.');
    return undefined;
  }
  const coding = pairsOf(headers).find(([name]) => name.toLowerCase() === 'content-encoding')?.[1];
  if (body.length > 0 && coding !== undefined && coding !== 'identity') {
    notes.push(`Its body is left out: it is encoded (${coding}), and secrets could not be told in it.`);
    return undefined;
  }
  return Buffer.from(secrets.in(body.toString('latin1')), 'latin1');
}

/** Returns a body as text for a rule file; `undefined` if YAML would change a byte of it. */
function textOf(body: Buffer): string | undefined {
  if (body.length > LONGEST_TEXT) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return CONTROLS.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Control characters other than white space, and the byte order mark. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern finds them
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]/;

function headersOf(error: UpstreamError, body: Buffer | undefined, secrets: Secrets, notes: string[]) {
  if (error.hasTrailers) notes.push('The trailers behind its body are left out.');
  const pairs = pairsOf(recordedHeaders(error)).map(([name, value]): [string, string] => {
    // With a wrong length clients would wait for bytes that do not come.
    if (body === undefined && name.toLowerCase() === 'content-length') return [name, '0'];
    return [name, decodeUtf8(secrets.inHeader(name, value))];
  });
  if (pairs.length === 0) return {};
  const byName = new Map<string, string[]>();
  for (const [name, value] of pairs) byName.set(name, [...(byName.get(name) ?? []), value]);
  const regrouped = [...byName].flatMap(([name, values]) => values.map((value) => [name, value]));
  // A map cannot hold repeated headers that stand apart, and puts numeric names first.
  const fitsMap =
    isDeepStrictEqual(regrouped, pairs) && pairs.every(([name]) => !/^(?:\d+|__proto__)$/.test(name));
  if (!fitsMap) return { headers: pairs.map(([name, value]) => `${name}: ${value}`) };
  const entries = [...byName].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return { headers: Object.fromEntries(entries) };
}

/** Returns the headers of an answer without those of the upstream's connection. */
function recordedHeaders({ headers, facts, status }: UpstreamError): string[] {
  const passed = new Set(pairsOf(endToEnd(headers, false)).map(([name]) => name.toLowerCase()));
  const isChunked = !isBodiless(facts.method, status) && !passed.has('content-length');
  return without(headers, (name) => !passed.has(name) && !(isChunked && name === 'transfer-encoding'));
}

/** Makes the match: requests for the same object or list, with the same conditional headers. */
function matchOf({ facts }: UpstreamError, secrets: Secrets) {
  const glob = (text: string) => globOf(secrets.inGlob(text));
  const { operation, method, path, bucket, key, part, range, chosen, conditions } = recordIdentity(facts);
  const { query: absentQuery = [], headers: absentHeaders = [] } = ABSENT[operation] ?? {};
  const query = {
    ...Object.fromEntries(absentQuery.map((name) => [name, false])),
    ...Object.fromEntries(Object.entries(chosen).map(([name, value]) => [name, glob(value) || true])),
  };
  const headers = {
    ...Object.fromEntries(absentHeaders.map((name) => [name, false])),
    ...(range !== undefined && { range: glob(range) || true }),
    ...Object.fromEntries(conditions.map((name) => [name, true])),
  };
  return {
    operation,
    ...(isRuleMethod(method) && { method }),
    ...(path !== undefined && { path: glob(path) }),
    ...(bucket !== '' && { bucket: glob(bucket) }),
    ...(key !== '' && { key: glob(key) }),
    ...(part !== undefined && { part }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(Object.keys(headers).length > 0 && { headers }),
  };
}

const ABSENT_IN_READS = { query: ['versionId'], headers: ['range', ...CONDITIONAL_HEADERS] };
const ABSENT_IN_WRITES = { query: [], headers: ['if-match', 'if-none-match'] };

/** Parameters and headers that must be absent if the request had none: they make another request for the same object. */
const ABSENT: Readonly<
  Record<string, { readonly query: readonly string[]; readonly headers: readonly string[] }>
> = {
  GetObject: ABSENT_IN_READS,
  HeadObject: ABSENT_IN_READS,
  PutObject: ABSENT_IN_WRITES,
  CompleteMultipartUpload: ABSENT_IN_WRITES,
};

/** Decodes bytes as UTF-8 if they are; rules write UTF-8. Other bytes stay one character each. */
function decodeUtf8(bytes: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes;
  }
}
