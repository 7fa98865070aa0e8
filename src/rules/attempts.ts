import type { Facts } from '../request/facts.ts';
import { retryIdentity } from '../request/identity.ts';
import { LruMap } from './lru-map.ts';

/** An attempt that comes later than this (ms) is a new request, not a retry: SDKs wait 20 s at most between two. */
const RETRY_WITHIN = 60_000;
const REQUESTS_KEPT = 10_000;

/** Counts the attempts of a request for clients that do not count them themselves; times are in ms of one clock. */
export class Attempts {
  readonly #last = new LruMap<{ readonly count: number; readonly at: number }>(REQUESTS_KEPT);

  /** Counts the request in and says which attempt it is, 1-based. */
  next(facts: Facts, now: number): number {
    const count = this.peek(facts, now);
    if (facts.attempt === undefined) this.#last.set(retryIdentity(facts), { count, at: now });
    return count;
  }

  /** Which attempt it would be; counts nothing. */
  peek(facts: Facts, now: number): number {
    if (facts.attempt !== undefined) return facts.attempt;
    const last = this.#last.get(retryIdentity(facts));
    return last === undefined || now - last.at > RETRY_WITHIN ? 1 : last.count + 1;
  }

  /** Which attempt the latest request like this one was. */
  latest(facts: Facts): number | undefined {
    return facts.attempt ?? this.#last.get(retryIdentity(facts))?.count;
  }

  /** The request succeeded: the next one like it is a first attempt again. */
  forget(facts: Facts): void {
    this.#last.delete(retryIdentity(facts));
  }
}
