import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import type { Decision, Verdict, VerdictSource } from '../rules/decide.ts';
import { type Candidate, headerValue, type MatchFacts } from '../rules/match.ts';

/** Characters of a request that are kept at most. A key has 1024 bytes, which may be 3072 characters of a target. */
const LONGEST = 8192;

/**
 * What is kept of a request to tell later what every rule said to it. Written over for one request after the other:
 * what is made for a single one and outlives it costs more than all deciding.
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
  /** `undefined`: the request was too long to be kept. */
  #path: string | undefined;
  #attempt: number | undefined;
  // Not the decisions: their dice hold the whole head of the request.
  readonly #asked: VerdictSource[] = [];
  readonly #turns: Decision['states'][] = [];
  /** Values of the headers and query parameters that are looked at, one who was asked after the other. */
  readonly #values: (string | undefined)[] = [];

  /** Takes the place of what was kept before. */
  write(facts: Facts, attempt: number | undefined, decisions: readonly Decision[]): void {
    for (const [index, { source: asked, states: turns }] of decisions.entries()) {
      this.#asked[index] = asked;
      this.#turns[index] = turns;
    }
    // Not emptied first: a list that has been empty takes new memory.
    this.#asked.length = decisions.length;
    this.#turns.length = decisions.length;
    this.#attempt = attempt;
    const isShort = this.#keepValues(facts) <= LONGEST;
    this.#path = isShort ? facts.path : undefined;
    if (isShort) this.#keepFacts(facts);
    else this.#values.length = 0;
  }

  /** Keeps what headers and parameters say, and gives the length of all that would be kept in memory by what is kept. */
  #keepValues({ target, headers, query }: Facts): number {
    // A part of a text holds the whole of it: path, bucket, key, access key and parameters are parts of these.
    let length = target.length + (headers.authorization?.length ?? 0) + (headers.host?.length ?? 0);
    let at = 0;
    for (const asked of this.#asked) {
      for (const name of asked.headers) {
        const value = headerValue(headers, name);
        length += value?.length ?? 0;
        this.#values[at++] = value;
      }
      for (const name of asked.query) this.#values[at++] = query.get(name);
    }
    this.#values.length = at;
    return length;
  }

  #keepFacts(facts: MatchFacts): void {
    const kept = this.#facts;
    kept.operation = facts.operation;
    kept.method = facts.method;
    kept.part = facts.part;
    kept.callback = facts.callback;
    kept.bucket = facts.bucket;
    kept.accessKey = facts.accessKey;
    kept.key = facts.key;
    kept.size = facts.size;
    kept.client = facts.client;
  }

  /** Of each who was asked, in that order. */
  verdicts(): Verdict[] {
    const candidate = this.#candidate();
    let fired: string | undefined;
    return this.#asked.flatMap((asked, index) => {
      const said = asked.verdicts(candidate, this.#turns[index], fired);
      fired ??= said.find(({ fires }) => fires)?.rule.name;
      return said;
    });
  }

  #candidate(): Candidate | undefined {
    if (this.#path === undefined) return undefined;
    const headers = new Map<string, string | undefined>();
    const query = new Map<string, string | undefined>();
    let at = 0;
    for (const asked of this.#asked) {
      for (const name of asked.headers) headers.set(name, this.#values[at++]);
      for (const name of asked.query) query.set(name, this.#values[at++]);
    }
    const facts = { ...this.#facts, headers: Object.fromEntries(present(headers)), query: present(query) };
    return { facts, path: decode(this.#path), attempt: this.#attempt };
  }
}

function present(values: ReadonlyMap<string, string | undefined>): Map<string, string> {
  return new Map([...values].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
