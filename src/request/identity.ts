import { type Facts, SELECTING_PARAMETERS } from './facts.ts';
import { decode, parseQuery, splitTarget } from './target.ts';

/*
 * Identities of a request: two requests with the same identity count as one. There are four, because each user relies on
 * something else: the dice on what is the same in every run, retries on what a client repeats byte for byte, replay on what
 * a journal keeps, and record on what the answer depends on. test/request/identity.test.ts has pairs of requests for each.
 */

/** The facts that a draw goes by. */
export type DrawSubject = Pick<Facts, 'operation' | 'bucket' | 'key' | 'part' | 'attempt' | 'selection'>;

/**
 * Names what a draw of the dice goes by: the same text in every run, on every replica, in any order of arrival.
 *
 * Unlike the other three it leaves out all that the upstream mints anew in each run (upload ids, version ids, tokens), and
 * what is signed or addressed in another way; and it has the attempt, but only as the SDK says it: one that we count
 * depends on which of two concurrent requests came first.
 */
export function drawIdentity(subject: DrawSubject): string {
  // JSON keeps field borders unambiguous: ("a", "bc") and ("ab", "c") are different texts.
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
 * Names what a client repeats when it tries a request again.
 *
 * Unlike the other three it goes by the target as sent, upload id and all: a retry repeats it, and another upload to the
 * same key is no retry. With virtual-hosted buckets the host has the bucket, which the target has not.
 */
export function retryIdentity({ method, host, target, range = '' }: Facts): string {
  return `${method} ${host} ${target} ${range}`;
}

/** The parameter of a part's number. */
export const PART_NUMBER = 'partNumber';

/** The highest part a rule can ask for. */
const HIGHEST_PART = 999_999_999;

/** A request as a journal has it. */
export interface JournaledRequest {
  readonly operation: string;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly part?: number | undefined;
  readonly method: string;
  readonly range?: string | undefined;
  readonly target: string;
}

/** The facts by which the requests of a recorded run are told apart. */
export interface ReplayIdentity {
  readonly operation: string;
  readonly bucket?: string;
  readonly key?: string;
  /** Percent-decoded; only where there is no key, which says more. */
  readonly path?: string;
  /** One that rules can ask for. */
  readonly part?: number;
  readonly method: string;
  readonly range?: string;
  /** The query parameters by which a client chooses, a part number that is none among them. */
  readonly chosen: Readonly<Record<string, string>>;
}

/**
 * Reads from a journal what the requests of a run have in common that rules can tell from the others.
 *
 * Unlike the dice it has the method and no attempt: the attempts of a request are told apart by counting. Unlike record it
 * knows no headers but Range, as a journal keeps no others.
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

/** The facts that decide which answer of the upstream a request gets. */
export interface RecordIdentity {
  readonly operation: string;
  /** Only where the operation is `Unknown`, and so says next to nothing. */
  readonly method?: string;
  /** Percent-decoded; only with the method. */
  readonly path?: string;
  readonly bucket: string;
  readonly key: string;
  readonly part?: number;
  readonly range?: string;
  /** The query parameters by which a client chooses, and the version. */
  readonly chosen: Readonly<Record<string, string>>;
  /** Names of its conditional headers: an entity tag or a time that was given once is another one the next time. */
  readonly conditions: readonly string[];
}

/**
 * Reads what the answer to a request depends on: a request that has the same of it would have met the same error.
 *
 * Unlike the other three it has the version and whether the request is conditional: with other ones the same object is
 * answered 200, 304, 404 or 412.
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
