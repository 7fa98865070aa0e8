import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import { Attempts } from './attempts.ts';
import { type Candidate, matches, mismatch } from './match.ts';
import type { Rule } from './rule.ts';
import { pullTrigger, type Roll, tryTrigger } from './trigger.ts';

/** All rules in force, in the order in which they are asked, and what they remember; swapped whole on a reload. */
export class RuleSet {
  readonly rules: readonly Rule[];
  /** The seed of each file, by the file's name. */
  readonly seeds: ReadonlyMap<string, number | string>;
  /** When the rules were loaded, in ms of `performance.now()`. */
  readonly since: number;
  /** Attempts are counted only if some rule asks for them. */
  readonly attempts: Attempts | undefined;

  constructor(
    rules: readonly Rule[],
    seeds: ReadonlyMap<string, number | string>,
    since = performance.now(),
  ) {
    this.rules = rules;
    this.seeds = seeds;
    this.since = since;
    this.attempts = rules.some((rule) => rule.match.asksAttempt) ? new Attempts() : undefined;
  }
}

/** What is to happen to a request. */
export interface Decision {
  readonly rule: Rule;
  readonly roll: Roll;
}

/** What one rule says to a request, and the reason in English. */
interface Verdict {
  readonly rule: Rule;
  readonly fires: boolean;
  readonly why: string;
}

/**
 * The first rule that matches and fires, or `undefined` if none does. Counts the request; synchronous, so that no other
 * request comes between counting and firing. `now` is in ms of `performance.now()`.
 */
export function decide(set: RuleSet, facts: Facts, now = performance.now()): Decision | undefined {
  const attempt = set.attempts?.next(facts, now) ?? facts.attempt;
  const candidate: Candidate = { facts, path: decode(facts.path), attempt };
  for (const rule of set.rules) {
    if (!matches(rule.match, candidate)) continue;
    const roll = pullTrigger(rule.trigger, rule.counts, facts, now - set.since);
    if (roll) return { rule, roll };
  }
  return undefined;
}

/** What every rule would say to the request if it came now; counts nothing. */
export function explain(set: RuleSet, facts: Facts, now = performance.now()): Verdict[] {
  const attempt = set.attempts?.peek(facts, now) ?? facts.attempt;
  const candidate: Candidate = { facts, path: decode(facts.path), attempt };
  let fired: Rule | undefined;
  return set.rules.map((rule) => {
    const reason = mismatch(rule.match, candidate);
    if (reason !== undefined) return { rule, fires: false, why: reason };
    if (fired !== undefined) return { rule, fires: false, why: `an earlier rule fired: ${fired.name}` };
    const { fires, why } = tryTrigger(rule.trigger, rule.counts, facts, now - set.since);
    if (fires) fired = rule;
    return { rule, fires, why };
  });
}

/** Tells the rules how a request ended: after a success the next one like it is a first attempt again, not a retry. */
export function settled(set: RuleSet, facts: Facts, ok: boolean): void {
  if (ok && facts.attempt === undefined) set.attempts?.forget(facts);
}
