import type { IncomingHttpHeaders } from 'node:http';
import { alternatives } from '../diagnostics/zod-issues.ts';
import { compileGlob, type Glob } from '../notation/glob.ts';
import type { Facts } from '../request/facts.ts';
import { EXEMPT_OPERATIONS } from '../request/operation.ts';
import { isSecret, MASK } from '../request/secrets.ts';
import type { MatchSpec } from './rule-schema.ts';

/** Facts that rules look at. */
export type MatchFacts = Pick<
  Facts,
  | 'operation'
  | 'method'
  | 'part'
  | 'callback'
  | 'bucket'
  | 'accessKey'
  | 'key'
  | 'size'
  | 'client'
  | 'query'
  | 'headers'
>;

/** Request as rules see it: its facts, its decoded path and its attempt. */
export interface Candidate {
  readonly facts: MatchFacts;
  /** Percent-decoded. */
  readonly path: string;
  /** Number of the attempt, from the SDK or, if it sends none, counted; `undefined` if no rule needs it. */
  readonly attempt: number | undefined;
}

interface Condition {
  readonly holds: (candidate: Candidate) => boolean;
  /** Reason in English; called only if the condition does not hold. */
  readonly why: (candidate: Candidate) => string;
}

/** Requests that a rule is for. */
export interface Match {
  /** Its settings. */
  readonly spec: MatchSpec;
  readonly conditions: readonly Condition[];
  readonly asksAttempt: boolean;
  /** Headers, in lower case, and query parameters that it looks at. */
  readonly headers: readonly string[];
  readonly query: readonly string[];
}

/** Match that holds for every request, preflights and probes too. */
export const ANY_REQUEST: Match = { spec: {}, conditions: [], asksAttempt: false, headers: [], query: [] };

/** Compiles a match from its settings. Conditions that are cheap and seldom hold come first. */
export function compileMatch(spec: MatchSpec): Match {
  const conditions: Condition[] = [];
  const add = (...made: (Condition | undefined)[]) =>
    conditions.push(...made.filter((one) => one !== undefined));
  add(
    oneOf('operation', spec.operation, ({ facts }) => facts.operation),
    oneOf('method', spec.method, ({ facts }) => facts.method),
    inRanges('part', spec.part, ({ facts }) => facts.part),
    inRanges('attempt', spec.attempt, ({ attempt }) => attempt),
    callback(spec.callback),
    likeGlobs('bucket', spec.bucket, ({ facts }) => facts.bucket),
    likeGlobs('accessKey', spec.accessKey, ({ facts }) => facts.accessKey),
    likeGlobs('key', spec.key, ({ facts }) => facts.key),
    likeGlobs('path', spec.path, ({ path }) => path),
    size(spec.size),
    client(spec.client),
  );
  for (const [name, wanted] of Object.entries(spec.query ?? {})) {
    add(presence('query parameter', name, wanted, ({ facts }) => facts.query.get(name)));
  }
  for (const [name, wanted] of Object.entries(spec.headers ?? {})) {
    const lower = name.toLowerCase();
    add(presence('header', name, wanted, ({ facts }) => headerValue(facts.headers, lower)));
  }
  // A rule that names operations may name these, too.
  if (spec.operation === undefined) add(notExempt);
  return {
    spec,
    conditions,
    asksAttempt: spec.attempt !== undefined,
    headers: Object.keys(spec.headers ?? {}).map((name) => name.toLowerCase()),
    query: Object.keys(spec.query ?? {}),
  };
}

/** Returns true if all conditions of a match hold. */
export function matches(match: Match, candidate: Candidate): boolean {
  for (const condition of match.conditions) {
    if (!condition.holds(candidate)) return false;
  }
  return true;
}

/** Says in English which conditions do not hold; `undefined` if all do. */
export function mismatch(match: Match, candidate: Candidate): string | undefined {
  const failed = match.conditions.filter((condition) => !condition.holds(candidate));
  return failed.length === 0 ? undefined : failed.map((condition) => condition.why(candidate)).join('; ');
}

const notExempt: Condition = {
  holds: ({ facts }) => !EXEMPT_OPERATIONS.has(facts.operation),
  why: ({ facts }) => `${facts.operation} is matched only by a rule that names it`,
};

type FactReader<Value> = (candidate: Candidate) => Value;

function oneOf(
  what: string,
  wanted: readonly string[] | undefined,
  read: FactReader<string>,
): Condition | undefined {
  if (wanted === undefined) return undefined;
  const [only] = wanted;
  return {
    holds:
      wanted.length === 1
        ? (candidate) => read(candidate) === only
        : (candidate) => wanted.includes(read(candidate)),
    why: (candidate) => `${what} is ${shown(read(candidate))}, rule wants ${alternatives(wanted.map(shown))}`,
  };
}

function likeGlobs(
  what: string,
  wanted: readonly string[] | undefined,
  read: FactReader<string | undefined>,
  { segments = true, secret = false } = {},
): Condition | undefined {
  if (wanted === undefined) return undefined;
  const globs: readonly Glob[] = wanted.map((pattern) => compileGlob(pattern, { segments }));
  return {
    holds: (candidate) => {
      const value = read(candidate);
      return value !== undefined && globs.some((like) => like(value));
    },
    why: (candidate) => {
      const value = read(candidate);
      const is = secret && value !== undefined ? MASK : shown(value);
      return `${what} is ${is}, rule wants ${alternatives(wanted.map(shown))}`;
    },
  };
}

function presence(
  place: 'header' | 'query parameter',
  name: string,
  wanted: readonly string[] | boolean,
  read: FactReader<string | undefined>,
): Condition | undefined {
  const what = `${place} ${name}`;
  // Header and query values have no segments: a star that stops at a slash would surprise in a User-Agent.
  if (typeof wanted !== 'boolean')
    return likeGlobs(what, wanted, read, { segments: false, secret: isSecret(name) });
  return {
    holds: (candidate) => (read(candidate) !== undefined) === wanted,
    why: () =>
      wanted ? `${what} is absent, rule wants it present` : `${what} is present, rule wants it absent`,
  };
}

function inRanges(
  what: string,
  wanted: MatchSpec['part'],
  read: FactReader<number | undefined>,
): Condition | undefined {
  if (wanted === undefined) return undefined;
  return {
    holds: (candidate) => {
      const value = read(candidate);
      return value !== undefined && wanted.some(({ from, to }) => value >= from && value <= to);
    },
    why: (candidate) =>
      `${what} is ${shown(read(candidate))}, rule wants ${alternatives(wanted.map(({ text }) => text))}`,
  };
}

function size(wanted: MatchSpec['size']): Condition | undefined {
  if (wanted === undefined) return undefined;
  const text = alternatives(wanted.map(({ operator, bytes }) => `${operator} ${bytes} bytes`));
  return {
    holds: ({ facts }) =>
      facts.size !== undefined && wanted.some((condition) => condition.test(facts.size ?? 0)),
    why: ({ facts }) =>
      `size is ${facts.size === undefined ? 'unknown' : `${facts.size} bytes`}, rule wants ${text}`,
  };
}

function client(wanted: MatchSpec['client']): Condition | undefined {
  if (wanted === undefined) return undefined;
  return {
    holds: ({ facts }) => wanted.some((range) => range.has(facts.client)),
    why: ({ facts }) =>
      `client is ${shown(facts.client)}, rule wants ${alternatives(wanted.map(({ text }) => text))}`,
  };
}

function callback(wanted: boolean | undefined): Condition | undefined {
  if (wanted === undefined) return undefined;
  return {
    holds: ({ facts }) => facts.callback === wanted,
    why: () => `the request asks for ${wanted ? 'no' : 'a'} callback, rule wants ${wanted ? 'one' : 'none'}`,
  };
}

/** Returns the value of a header by its name in lower case; repeated ones are one value (RFC 9110, section 5.3). */
export function headerValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  // A header may be called `constructor`, which every object has.
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Writes a value of a request as one short line of plain text. */
function shown(value: string | number | undefined): string {
  if (value === undefined || value === '') return value === '' ? 'empty' : 'absent';
  const text = String(value).replace(/\p{Cc}/gu, '\ufffd');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
