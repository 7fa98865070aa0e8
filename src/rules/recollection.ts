import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import { type Decision, type Verdict, verdicts } from './decide.ts';
import { headerValue, type Seen } from './match.ts';

/**
 * What is kept of a request to tell later what every rule said to it. Written over for one request after the other:
 * what is made for a single one and outlives it costs more than all deciding.
 */
export class Recollection {
  readonly #facts: { -readonly [Name in keyof Omit<Seen, 'query' | 'headers'>]: Seen[Name] } = {
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
  #path = '';
  #attempt: number | undefined;
  readonly #decisions: Decision[] = [];
  /** Values of the headers and query parameters that the rules look at, set by set. */
  readonly #values: (string | undefined)[] = [];

  /** Takes the place of what was kept before. */
  write(facts: Facts, attempt: number | undefined, decisions: readonly Decision[]): void {
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
    this.#path = facts.path;
    this.#attempt = attempt;
    let at = 0;
    for (const decision of decisions) {
      for (const name of decision.set.headers) this.#values[at++] = headerValue(facts.headers, name);
      for (const name of decision.set.query) this.#values[at++] = facts.query.get(name);
    }
    // Not emptied first: a list that has been empty takes new memory.
    this.#values.length = at;
    for (const [index, decision] of decisions.entries()) this.#decisions[index] = decision;
    this.#decisions.length = decisions.length;
  }

  /** Of each set that was asked, in the order of asking. */
  verdicts(): Verdict[] {
    const headers = new Map<string, string | undefined>();
    const query = new Map<string, string | undefined>();
    let at = 0;
    for (const { set } of this.#decisions) {
      for (const name of set.headers) headers.set(name, this.#values[at++]);
      for (const name of set.query) query.set(name, this.#values[at++]);
    }
    const facts: Seen = {
      ...this.#facts,
      headers: Object.fromEntries(present(headers)),
      query: present(query),
    };
    const candidate = { facts, path: decode(this.#path), attempt: this.#attempt };
    const rules = this.#decisions.flatMap(({ set }) => set.rules);
    return verdicts(rules, candidate, (rule) => {
      for (const { turns } of this.#decisions) {
        const turn = turns?.get(rule);
        if (turn) return turn;
      }
      return undefined;
    });
  }
}

function present(values: ReadonlyMap<string, string | undefined>): Map<string, string> {
  return new Map([...values].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
