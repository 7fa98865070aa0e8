import type { Facts } from '../request/facts.ts';
import { retryIdentity } from '../request/identity.ts';
import { LruMap } from './lru-map.ts';

/** Longest time in ms between two attempts. A later request is a new one: SDKs wait 20 s at most. */
const RETRY_WITHIN = 60_000;
const REQUESTS_KEPT = 10_000;

/** Counter of attempts, for clients that do not count them themselves. Times are in ms of one clock. */
export class Attempts {
  readonly #last = new LruMap<{ readonly count: number; readonly at: number }>(REQUESTS_KEPT);

  /** Counts the request and returns the number of its attempt, 1-based. */
  next(facts: Facts, now: number): number {
    const count = this.peek(facts, now);
    if (facts.attempt === undefined) this.#last.set(retryIdentity(facts), { count, at: now });
    return count;
  }

  /** Returns the number that {@link next} would return; counts nothing. */
  peek(facts: Facts, now: number): number {
    if (facts.attempt !== undefined) return facts.attempt;
    const last = this.#last.get(retryIdentity(facts));
    return last === undefined || now - last.at > RETRY_WITHIN ? 1 : last.count + 1;
  }

  /** Returns the attempt number of the latest request like this one. */
  latest(facts: Facts): number | undefined {
    return facts.attempt ?? this.#last.get(retryIdentity(facts))?.count;
  }

  /** Forgets a request that succeeded: the next one like it is a first attempt again. */
  forget(facts: Facts): void {
    this.#last.delete(retryIdentity(facts));
  }
}
