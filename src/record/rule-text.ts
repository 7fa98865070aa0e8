import { isDeepStrictEqual } from 'node:util';
import { endToEnd, isBodiless, pairsOf, without } from '../http/headers.ts';
import { globOf } from '../notation/glob.ts';
import { CONDITIONAL_HEADERS, recordIdentity } from '../request/identity.ts';
import { isRuleMethod } from '../rules/rule-schema.ts';
import { writeRuleFile } from '../rules/write.ts';
import { Secrets } from './secrets.ts';
import type { UpstreamError } from './upstream-error.ts';

/** A rule file that gives a recorded answer again, and the file of its body where that is no text or a long one. */
export interface RuleText {
  readonly text: string;
  readonly body: Buffer | undefined;
}

/** Bytes of a body that stands in the rule file itself. */
const LONGEST_TEXT = 32 * 1024;

/** Writes the rule; `name` is that of its file less the ending, and `name`.body that of its body. */
export function writeRule(seen: UpstreamError, name: string): RuleText {
  const { facts, provider, status } = seen;
  const secrets = new Secrets(seen);
  const notes =
    seen.injected === undefined ? [] : [`The rule that fired injected ${seen.injected}, which may be why.`];
  const body = keptBody(seen, secrets, notes);
  const inline = body && textOf(body);
  const respond = {
    status,
    reason: unicode(secrets.in(seen.reason)),
    ...headersOf(seen, body, secrets, notes),
    ...(inline !== undefined && inline !== '' && { body: inline }),
    ...(body !== undefined && inline === undefined && { bodyFile: `${name}.body` }),
  };
  const file = { provider, rules: [{ match: matchOf(seen, secrets), fault: { respond } }] };
  const lines = [
    `Recorded ${seen.time.toISOString()}, a real answer of the upstream to`,
    `  ${facts.method} ${new Secrets(seen).in(facts.target).replace(/[^ -~]/g, '?')}`,
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

/** The body less its secrets; `undefined` where it could not be kept. */
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

/** A body that can stand in a rule file without a byte being changed. */
function textOf(body: Buffer): string | undefined {
  if (body.length > LONGEST_TEXT) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return CONTROLS.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** What no text has in it but white space, and what YAML takes for the mark of a file's beginning. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]/;

function headersOf(seen: UpstreamError, body: Buffer | undefined, secrets: Secrets, notes: string[]) {
  if (seen.hasTrailers) notes.push('The trailers behind its body are left out.');
  const pairs = pairsOf(sentAgain(seen)).map(([name, value]): [string, string] => {
    // A length that is not true would have clients wait for what does not come.
    if (body === undefined && name.toLowerCase() === 'content-length') return [name, '0'];
    return [name, unicode(secrets.inHeader(name, value))];
  });
  if (pairs.length === 0) return {};
  const byName = new Map<string, string[]>();
  for (const [name, value] of pairs) byName.set(name, [...(byName.get(name) ?? []), value]);
  const regrouped = [...byName].flatMap(([name, values]) => values.map((value) => [name, value]));
  // A map cannot hold repeats that stand apart, and has numbers before names.
  const fitsMap =
    isDeepStrictEqual(regrouped, pairs) && pairs.every(([name]) => !/^(?:\d+|__proto__)$/.test(name));
  if (!fitsMap) return { headers: pairs.map(([name, value]) => `${name}: ${value}`) };
  const entries = [...byName].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return { headers: Object.fromEntries(entries) };
}

/** The headers of an answer, but for those of the upstream's own connection. */
function sentAgain({ headers, facts, status }: UpstreamError): string[] {
  const passed = new Set(pairsOf(endToEnd(headers, false)).map(([name]) => name.toLowerCase()));
  const isChunked = !isBodiless(facts.method, status) && !passed.has('content-length');
  return without(headers, (name) => !passed.has(name) && !(isChunked && name === 'transfer-encoding'));
}

/** Which requests meet it: those for the same thing, with the conditions that this one had and without those it had not. */
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

const OF_READS = { query: ['versionId'], headers: ['range', ...CONDITIONAL_HEADERS] };
const OF_WRITES = { query: [], headers: ['if-match', 'if-none-match'] };

/** What is asked to be absent, if it was: one and the same object can be met in all of these ways. */
const ABSENT: Readonly<
  Record<string, { readonly query: readonly string[]; readonly headers: readonly string[] }>
> = {
  GetObject: OF_READS,
  HeadObject: OF_READS,
  PutObject: OF_WRITES,
  CompleteMultipartUpload: OF_WRITES,
};

/** What goes out as UTF-8 has to come out of the same bytes; what is none goes out in two bytes a character. */
function unicode(bytes: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes;
  }
}
