import { type Facts, SELECTING_PARAMETERS } from './facts.ts';
import { decode, parseQuery, splitTarget } from './target.ts';

/*
 * Identities of a request: two requests with the same identity count as one. There are four, because each user needs other
 * facts. The dice need facts that are the same in every run. Retries need facts that a client repeats byte for byte. Replay
 * needs facts that a journal keeps. Record needs facts that the answer depends on. test/request/identity.test.ts has pairs
 * of requests for each.
 */

/** Facts that a draw of the dice depends on. */
export type DrawSubject = Pick<Facts, 'operation' | 'bucket' | 'key' | 'part' | 'attempt' | 'selection'>;

/**
 * Identifies a request for the dice: the same text in every run, on every replica, in any order of arrival.
 *
 * Unlike the other three, it leaves out values that the upstream makes in each run (upload ids, version ids, tokens), the
 * signature and the style of the address. It has the attempt, but only as the SDK says it: a number that we count would
 * depend on the order of two concurrent requests.
 */
export function drawIdentity(subject: DrawSubject): string {
  // JSON keeps the fields apart: ("a", "bc") and ("ab", "c") are different texts.
  return JSON.stringify([
    subject.operation,
    subject.bucket ?? null,
    subject.key ?? null,
    subject.part ?? null,
    subject.attempt ?? null,
    ...(subject.selection === '' ? [] : [subject.selection]),
  ]);
}

/**
 * Identifies a request for the counting of its attempts.
 *
 * Unlike the other three, it uses the target as sent, with the upload id: a retry repeats it, and another upload to the
 * same key is not a retry. The host is needed because a virtual-hosted bucket is only there.
 */
export function retryIdentity({ method, host, target, range = '' }: Facts): string {
  return `${method} ${host} ${target} ${range}`;
}

/** Query parameter with the number of a part. */
export const PART_NUMBER = 'partNumber';

/** Highest part number that a rule can match. */
const HIGHEST_PART = 999_999_999;

/** Request as a journal has it. */
export interface JournaledRequest {
  readonly operation: string;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly part?: number | undefined;
  readonly method: string;
  readonly range?: string | undefined;
  readonly target: string;
}

/** Facts that tell the requests of a recorded run apart. */
export interface ReplayIdentity {
  readonly operation: string;
  readonly bucket?: string;
  readonly key?: string;
  /** Path, percent-decoded; only if there is no key. */
  readonly path?: string;
  /** Part number, if a rule can match it. */
  readonly part?: number;
  readonly method: string;
  readonly range?: string;
  /** Query parameters that the client chooses, and a part number that no rule can match. */
  readonly chosen: Readonly<Record<string, string>>;
}

/**
 * Identifies a request of a journal by facts that rules can match.
 *
 * Unlike the identity for the dice, it has the method and no attempt: the attempts of a request are counted. Unlike the
 * identity for record, it has no header but Range: a journal keeps no others.
 */
export function replayIdentity(request: JournaledRequest): ReplayIdentity {
  const { operation, bucket, key, part = 0, method, range, target } = request;
  const { path, query } = splitTarget(target);
  const isPart = part >= 1 && part <= HIGHEST_PART;
  return {
    operation,
    ...(bucket !== undefined && { bucket }),
    ...(key === undefined ? { path: decode(path) } : { key }),
    ...(isPart && { part }),
    method,
    ...(range !== undefined && { range }),
    chosen: valuesOf(
      isPart ? SELECTING_PARAMETERS : [...SELECTING_PARAMETERS, PART_NUMBER],
      parseQuery(query),
    ),
  };
}

/** Headers that make a request conditional (RFC 9110, section 13.1). */
export const CONDITIONAL_HEADERS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];

/** Facts that the upstream's answer depends on. */
export interface RecordIdentity {
  readonly operation: string;
  /** Method, only if the operation is `Unknown`. */
  readonly method?: string;
  /** Path, percent-decoded; only with the method. */
  readonly path?: string;
  readonly bucket: string;
  readonly key: string;
  readonly part?: number;
  readonly range?: string;
  /** Query parameters that the client chooses, and the version. */
  readonly chosen: Readonly<Record<string, string>>;
  /** Names of its conditional headers. Their values are left out: entity tags and times differ between runs. */
  readonly conditions: readonly string[];
}

/**
 * Identifies a request by facts that its answer depends on: requests with the same identity would get the same error.
 *
 * Unlike the other three, it has the version and the names of the conditional headers: the answer to a request for the
 * same object is 200, 304, 404 or 412 depending on them.
 */
export function recordIdentity(facts: Facts): RecordIdentity {
  const { method, operation, bucket = '', key = '', part, path, range, query, headers } = facts;
  return {
    operation,
    ...(operation === 'Unknown' && { method, path: decode(path) }),
    bucket,
    key,
    ...(part !== undefined && { part }),
    ...(range !== undefined && { range }),
    chosen: valuesOf([...SELECTING_PARAMETERS, 'versionId'], query),
    conditions: CONDITIONAL_HEADERS.filter((name) => headers[name] !== undefined),
  };
}

function valuesOf(
  names: readonly string[],
  query: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {};
  for (const name of names) {
    const value = query.get(name);
    if (value !== undefined) chosen[name] = value;
  }
  return chosen;
}
