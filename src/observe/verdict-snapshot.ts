import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import type { Decision, Verdict, VerdictSource } from '../rules/decide.ts';
import { type Candidate, headerValue, type MatchFacts } from '../rules/match.ts';

/** Longest request that is kept, in characters. A key has 1024 bytes, which may be 3072 characters of a target. */
const LONGEST = 8192;

/**
 * Snapshot of a request from which its verdicts are computed later. It is overwritten for one request after the other: a
 * new object per request that outlives it would cost more than all deciding.
 */
export class VerdictSnapshot {
  readonly #facts: { -readonly [Name in keyof Omit<MatchFacts, 'query' | 'headers'>]: MatchFacts[Name] } = {
    operation: 'Unknown',
    method: '',
    part: undefined,
    callback: false,
    bucket: undefined,
    accessKey: undefined,
    key: undefined,
    size: undefined,
    client: '',
  };
  /** Path of the request; `undefined` if the request was too long to be kept. */
  #path: string | undefined;
  #attempt: number | undefined;
  // The decisions themselves are not kept: their dice hold the whole head of the request.
  readonly #sources: VerdictSource[] = [];
  readonly #states: Decision['states'][] = [];
  /** Values of the headers and query parameters that the sources read, one source after the other. */
  readonly #values: (string | undefined)[] = [];

  /** Replaces the snapshot by that of another request. */
  write(facts: Facts, attempt: number | undefined, decisions: readonly Decision[]): void {
    for (const [index, { source, states }] of decisions.entries()) {
      this.#sources[index] = source;
      this.#states[index] = states;
    }
    // Cut at the end and not emptied first: an array that was empty allocates memory again.
    this.#sources.length = decisions.length;
    this.#states.length = decisions.length;
    this.#attempt = attempt;
    const isShort = this.#keepValues(facts) <= LONGEST;
    this.#path = isShort ? facts.path : undefined;
    if (isShort) this.#keepFacts(facts);
    else this.#values.length = 0;
  }

  /** Keeps the values of headers and parameters. Returns the length of all texts that the snapshot would keep in memory. */
  #keepValues({ target, headers, query }: Facts): number {
    // A substring keeps its whole string in memory. Path, bucket, key, access key and parameters are substrings of these.
    let length = target.length + (headers.authorization?.length ?? 0) + (headers.host?.length ?? 0);
    let at = 0;
    for (const source of this.#sources) {
      for (const name of source.headers) {
        const value = headerValue(headers, name);
        length += value?.length ?? 0;
        this.#values[at++] = value;
      }
      for (const name of source.query) this.#values[at++] = query.get(name);
    }
    this.#values.length = at;
    return length;
  }

  #keepFacts(facts: MatchFacts): void {
    const copy = this.#facts;
    copy.operation = facts.operation;
    copy.method = facts.method;
    copy.part = facts.part;
    copy.callback = facts.callback;
    copy.bucket = facts.bucket;
    copy.accessKey = facts.accessKey;
    copy.key = facts.key;
    copy.size = facts.size;
    copy.client = facts.client;
  }

  /** Returns the verdicts of all sources, in the order in which they were asked. */
  verdicts(): Verdict[] {
    const candidate = this.#candidate();
    let fired: string | undefined;
    return this.#sources.flatMap((source, index) => {
      const verdicts = source.verdicts(candidate, this.#states[index], fired);
      fired ??= verdicts.find(({ fires }) => fires)?.rule.name;
      return verdicts;
    });
  }

  #candidate(): Candidate | undefined {
    if (this.#path === undefined) return undefined;
    const headers = new Map<string, string | undefined>();
    const query = new Map<string, string | undefined>();
    let at = 0;
    for (const source of this.#sources) {
      for (const name of source.headers) headers.set(name, this.#values[at++]);
      for (const name of source.query) query.set(name, this.#values[at++]);
    }
    const facts = {
      ...this.#facts,
      headers: Object.fromEntries(withoutMissing(headers)),
      query: withoutMissing(query),
    };
    return { facts, path: decode(this.#path), attempt: this.#attempt };
  }
}

function withoutMissing(values: ReadonlyMap<string, string | undefined>): Map<string, string> {
  return new Map([...values].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
