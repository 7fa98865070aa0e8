import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import { Attempts } from './attempts.ts';
import { type Candidate, matches, mismatch } from './match.ts';
import type { Rule } from './rule.ts';
import { judge, peekTrigger, pullTrigger, type Roll, type Turn } from './trigger.ts';

/** Rules in force, in the order in which they are asked, and what they remember; swapped whole when one of them changes. */
export class RuleSet {
  readonly rules: readonly Rule[];
  /** The seed of each file, by the file's name. */
  readonly seeds: ReadonlyMap<string, number | string>;
  /** Attempts are counted only if some rule asks for them. */
  readonly attempts: Attempts | undefined;
  /** Headers, in lower case, and query parameters that its rules look at. */
  readonly headers: readonly string[];
  readonly query: readonly string[];
  /** The decision where none of the rules matched, or was asked; one for all, as an object for each would outlive its request. */
  readonly unmoved: Decision = { set: this, fired: undefined, turns: undefined };

  /** @param before the set it replaces, which has counted attempts so far */
  constructor(rules: readonly Rule[], seeds: ReadonlyMap<string, number | string>, before?: RuleSet) {
    this.rules = rules;
    this.seeds = seeds;
    this.headers = [...new Set(rules.flatMap(({ match }) => match.headers))];
    this.query = [...new Set(rules.flatMap(({ match }) => match.query))];
    const asksAttempt = rules.some((rule) => rule.match.asksAttempt);
    this.attempts = asksAttempt ? (before?.attempts ?? new Attempts()) : undefined;
  }
}

/** A rule that fires on a request, with the dice for its faults. */
export interface Fired {
  readonly rule: Rule;
  readonly roll: Roll;
}

/** What is to happen to a request, and what is needed to say why. */
export interface Decision {
  /** The rules that were asked. */
  readonly set: RuleSet;
  /** The first rule that matched and fired. */
  readonly fired: Fired | undefined;
  /** How things stood at each rule that matched, to the one that fired; `undefined` if none matched. */
  readonly turns: Pick<ReadonlyMap<Rule, Turn>, 'get'> | undefined;
}

/** What one rule says to a request, and the reason in English. */
export interface Verdict {
  readonly rule: Rule;
  readonly fires: boolean;
  readonly why: string;
}

/**
 * Asks the rules in order until one matches and fires. Counts the request; synchronous, so that no other request comes
 * between counting and firing. `now` is in ms of `performance.now()`; `attempt` is counted here where it is left out.
 */
export function decide(
  set: RuleSet,
  facts: Facts,
  now = performance.now(),
  attempt = set.attempts?.next(facts, now) ?? facts.attempt,
): Decision {
  const candidate: Candidate = { facts, path: decode(facts.path), attempt };
  let turns: Map<Rule, Turn> | undefined;
  for (const rule of set.rules) {
    if (!matches(rule.match, candidate)) continue;
    const { turn, roll } = pullTrigger(rule.trigger, rule.counts, facts, now);
    turns = (turns ?? new Map()).set(rule, turn);
    if (roll) return { set, fired: { rule, roll }, turns };
  }
  return turns === undefined ? set.unmoved : { set, fired: undefined, turns };
}

/** What every rule would say to the request if it came now; counts nothing. */
export function explain(set: RuleSet, facts: Facts, now = performance.now()): Verdict[] {
  const attempt = set.attempts?.peek(facts, now) ?? facts.attempt;
  const candidate: Candidate = { facts, path: decode(facts.path), attempt };
  return verdicts(set.rules, candidate, (rule) => peekTrigger(rule.trigger, rule.counts, facts, now));
}

/** What every rule says to a request, where things stand with it as `turnOf` says; `undefined`: it was not asked. */
export function verdicts(
  rules: readonly Rule[],
  candidate: Candidate,
  turnOf: (rule: Rule) => Turn | undefined,
): Verdict[] {
  let fired: Rule | undefined;
  return rules.map((rule) => {
    const reason = mismatch(rule.match, candidate);
    if (reason !== undefined) return { rule, fires: false, why: reason };
    const turn = fired === undefined ? turnOf(rule) : undefined;
    if (turn === undefined) return { rule, fires: false, why: `an earlier rule fired: ${fired?.name}` };
    const { fires, why } = judge(rule.trigger, turn);
    if (fires) fired = rule;
    return { rule, fires, why };
  });
}

/** Tells the rules how a request ended: after a success the next one like it is a first attempt again, not a retry. */
export function settled(set: RuleSet, facts: Facts, ok: boolean): void {
  if (ok && facts.attempt === undefined) set.attempts?.forget(facts);
}
