import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import { Attempts } from './attempts.ts';
import { type Candidate, matches, mismatch } from './match.ts';
import type { Rule } from './rule.ts';
import { judge, peekTrigger, pullTrigger, type Roll, type TriggerState } from './trigger.ts';

/** Decider of a request: the rules, the fault header or a session. The journal keeps it for its verdicts. */
export interface VerdictSource {
  /** Headers, in lower case, and query parameters that it looks at. */
  readonly headers: readonly string[];
  readonly query: readonly string[];
  /**
   * Returns its verdicts on a request.
   *
   * @param candidate `undefined`: the request was too long to be kept
   * @param states the states of its decision
   * @param earlier name of the rule that fired before it was asked
   */
  verdicts(
    candidate: Candidate | undefined,
    states: Decision['states'],
    earlier: string | undefined,
  ): Verdict[];
}

/** Rules of replaced sets that are kept for verdicts: some 4 kB each. */
const PAST_RULES = 20_000;

/** Rules in force, in the order in which they are asked, with their counts. A change of one rule makes a new set. */
export class RuleSet implements VerdictSource {
  /** `undefined`: forgotten, because many newer sets replaced this one. */
  #rules: readonly Rule[] | undefined;
  /** Seed of each file, by the name of the file. */
  readonly seeds: ReadonlyMap<string, number | string>;
  /** Attempts are counted only if some rule asks for them. */
  readonly attempts: Attempts | undefined;
  readonly headers: readonly string[];
  readonly query: readonly string[];
  /** Decision if no rule matched or was asked. All requests share it: an object for each would outlive its request. */
  readonly noMatch: Decision = { source: this, fired: undefined, states: undefined };

  /** Replaced sets, latest first, while the journal has an entry of theirs. */
  readonly #past: readonly WeakRef<RuleSet>[];

  /** @param before the set it replaces, which has counted attempts so far */
  constructor(rules: readonly Rule[], seeds: ReadonlyMap<string, number | string>, before?: RuleSet) {
    this.#rules = rules;
    this.#past = before ? before.#replaced() : [];
    this.seeds = seeds;
    this.headers = [...new Set(rules.flatMap(({ match }) => match.headers))];
    this.query = [...new Set(rules.flatMap(({ match }) => match.query))];
    const asksAttempt = rules.some((rule) => rule.match.asksAttempt);
    this.attempts = asksAttempt ? (before?.attempts ?? new Attempts()) : undefined;
  }

  get rules(): readonly Rule[] {
    return this.#rules ?? [];
  }

  /** Returns the verdicts of every rule; if the rules are forgotten, of those that matched. */
  verdicts(...[candidate, states, earlier]: Parameters<VerdictSource['verdicts']>): Verdict[] {
    const rules = this.#rules ?? [...(states?.keys() ?? [])];
    return verdictsOf(rules, candidate, (rule) => states?.get(rule), earlier);
  }

  /** Returns this set and those before it, and forgets the rules of the oldest. */
  #replaced(): readonly WeakRef<RuleSet>[] {
    let left = PAST_RULES;
    return [new WeakRef(this), ...this.#past].filter((each) => {
      const set = each.deref();
      if (set === undefined) return false;
      left -= set.rules.length;
      if (left < 0) set.#rules = undefined;
      return left >= 0;
    });
  }
}

/** Rule, or instruction of a session, that fires on a request. */
export interface FaultSource extends Pick<Rule, 'name' | 'provider' | 'faults' | 'settings'> {
  /** Label in the metrics; left out: its name. Instructions share one label, because new ones come without end. */
  readonly label?: string;
}

/** Rule or instruction that fires on a request, with the dice for its faults. */
export interface Fired {
  readonly rule: FaultSource;
  readonly roll: Roll;
}

/** Decision of one decider on a request, and what is needed to say why. */
export interface Decision {
  readonly source: VerdictSource;
  /** First rule that matched and fired. */
  readonly fired: Fired | undefined;
  /** State of each rule that matched, up to the one that fired; `undefined` if none matched. */
  readonly states: ReadonlyMap<Rule, TriggerState> | undefined;
}

/** Answer of one rule to whether it fires on a request, and the reason in English. */
export interface Verdict<Of = Pick<Rule, 'name'>> {
  readonly rule: Of;
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
  let states: Map<Rule, TriggerState> | undefined;
  for (const rule of set.rules) {
    if (!matches(rule.match, candidate)) continue;
    const { state, roll } = pullTrigger(rule.trigger, rule.counts, facts, now);
    states = (states ?? new Map()).set(rule, state);
    if (roll) return { source: set, fired: { rule, roll }, states };
  }
  return states === undefined ? set.noMatch : { source: set, fired: undefined, states };
}

/** Returns the verdict of every rule on a request that would come now; counts nothing. */
export function explain(set: RuleSet, facts: Facts, now = performance.now()): Verdict<Rule>[] {
  const attempt = set.attempts?.peek(facts, now) ?? facts.attempt;
  const candidate: Candidate = { facts, path: decode(facts.path), attempt };
  return verdictsOf(set.rules, candidate, (rule) => peekTrigger(rule.trigger, rule.counts, facts, now));
}

/** Reason where the journal did not keep the request. */
const TOO_LONG = 'it does not match; the request was too long to be kept, so the reason is not known';

/** Returns the verdict of every rule. `stateOf` returns `undefined` for a rule that was not asked or does not match. */
function verdictsOf(
  rules: readonly Rule[],
  candidate: Candidate | undefined,
  stateOf: (rule: Rule) => TriggerState | undefined,
  earlier?: string,
): Verdict<Rule>[] {
  let fired = earlier;
  return rules.map((rule) => {
    const reason = candidate && mismatch(rule.match, candidate);
    if (reason !== undefined) return { rule, fires: false, why: reason };
    if (fired !== undefined) return { rule, fires: false, why: earlierRuleFired(fired) };
    const state = stateOf(rule);
    if (state === undefined) return { rule, fires: false, why: TOO_LONG };
    const { fires, why } = judge(rule.trigger, state);
    if (fires) fired = rule.name;
    return { rule, fires, why };
  });
}

/** Says why a rule was not asked. */
export function earlierRuleFired(fired: string): string {
  return `an earlier rule fired: ${fired}`;
}

/** Tells the rules how a request ended. After a success, the next one like it is a first attempt again, not a retry. */
export function recordSuccess(set: RuleSet, facts: Facts, ok: boolean): void {
  if (ok && facts.attempt === undefined) set.attempts?.forget(facts);
}
