import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import { Attempts } from './attempts.ts';
import { type Candidate, matches, mismatch } from './match.ts';
import type { Rule } from './rule.ts';
import { judge, peekTrigger, pullTrigger, type Roll, type TriggerState } from './trigger.ts';

/** Who was asked what is to happen to a request: rules, or a session. The journal keeps it, for its verdicts. */
export interface VerdictSource {
  /** Headers, in lower case, and query parameters that it looks at. */
  readonly headers: readonly string[];
  readonly query: readonly string[];
  /**
   * What it said.
   *
   * @param candidate `undefined`: the request was too long to be kept
   * @param states those of its decision
   * @param earlier name of the rule that had fired before it was asked
   */
  verdicts(
    candidate: Candidate | undefined,
    states: Decision['states'],
    earlier: string | undefined,
  ): Verdict[];
}

/** Rules of sets that were replaced which are kept for verdicts: some 4 kB each, where they are no longer in force. */
const PAST_RULES = 20_000;

/** Rules in force, in the order in which they are asked, and what they remember; swapped whole when one of them changes. */
export class RuleSet implements VerdictSource {
  /** `undefined`: forgotten, long after they were in force. */
  #rules: readonly Rule[] | undefined;
  /** The seed of each file, by the file's name. */
  readonly seeds: ReadonlyMap<string, number | string>;
  /** Attempts are counted only if some rule asks for them. */
  readonly attempts: Attempts | undefined;
  readonly headers: readonly string[];
  readonly query: readonly string[];
  /** The decision where none of the rules matched, or was asked; one for all, as an object for each would outlive its request. */
  readonly noMatch: Decision = { source: this, fired: undefined, states: undefined };

  /** Those that were replaced, latest first, as long as the journal has an entry of theirs. */
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

  /** Of every rule; of those that matched only, where the rules are forgotten. */
  verdicts(...[candidate, turns, earlier]: Parameters<VerdictSource['verdicts']>): Verdict[] {
    const rules = this.#rules ?? [...(turns?.keys() ?? [])];
    return verdictsOf(rules, candidate, (rule) => turns?.get(rule), earlier);
  }

  /** This set and those before it. The rules of the latest are kept. */
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

/** What fires on a request: a rule, or an instruction of a session. */
export interface FaultSource extends Pick<Rule, 'name' | 'provider' | 'faults' | 'settings'> {
  /** What the metrics call it; left out: by its name. Those that come and go without end share one. */
  readonly label?: string;
}

/** A rule or an instruction that fires on a request, with the dice for its faults. */
export interface Fired {
  readonly rule: FaultSource;
  readonly roll: Roll;
}

/** What is to happen to a request, and what is needed to say why. */
export interface Decision {
  readonly source: VerdictSource;
  /** The first that matched and fired. */
  readonly fired: Fired | undefined;
  /** How things stood at each rule that matched, to the one that fired; `undefined` if none matched. */
  readonly states: ReadonlyMap<Rule, TriggerState> | undefined;
}

/** What one rule says to a request, and the reason in English. */
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
    const { turn, roll } = pullTrigger(rule.trigger, rule.counts, facts, now);
    states = (states ?? new Map()).set(rule, turn);
    if (roll) return { source: set, fired: { rule, roll }, states: states };
  }
  return states === undefined ? set.noMatch : { source: set, fired: undefined, states: states };
}

/** What every rule would say to the request if it came now; counts nothing. */
export function explain(set: RuleSet, facts: Facts, now = performance.now()): Verdict<Rule>[] {
  const attempt = set.attempts?.peek(facts, now) ?? facts.attempt;
  const candidate: Candidate = { facts, path: decode(facts.path), attempt };
  return verdictsOf(set.rules, candidate, (rule) => peekTrigger(rule.trigger, rule.counts, facts, now));
}

/** Said in the place of a reason that hangs on more of the request than was kept. */
const TOO_LONG = 'it does not match; the request was too long to be kept, and with it why';

/** What every rule says to a request, where things stand with it as `turnOf` says; `undefined`: it was not asked, or does not match. */
function verdictsOf(
  rules: readonly Rule[],
  candidate: Candidate | undefined,
  turnOf: (rule: Rule) => TriggerState | undefined,
  earlier?: string,
): Verdict<Rule>[] {
  let fired = earlier;
  return rules.map((rule) => {
    const reason = candidate && mismatch(rule.match, candidate);
    if (reason !== undefined) return { rule, fires: false, why: reason };
    if (fired !== undefined) return { rule, fires: false, why: afterwards(fired) };
    const turn = turnOf(rule);
    if (turn === undefined) return { rule, fires: false, why: TOO_LONG };
    const { fires, why } = judge(rule.trigger, turn);
    if (fires) fired = rule.name;
    return { rule, fires, why };
  });
}

/** Why a rule was not asked. */
export function afterwards(fired: string): string {
  return `an earlier rule fired: ${fired}`;
}

/** Tells the rules how a request ended: after a success the next one like it is a first attempt again, not a retry. */
export function recordSuccess(set: RuleSet, facts: Facts, ok: boolean): void {
  if (ok && facts.attempt === undefined) set.attempts?.forget(facts);
}
