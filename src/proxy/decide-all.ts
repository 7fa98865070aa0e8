import type { Exchange } from '../exchange/exchange.ts';
import { type Decision, decide, type Fired, type RuleSet } from '../rules/decide.ts';
import type { Session } from '../sessions/session.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { HeaderFaults } from './header-faults.ts';

/** Deciders that a proxy asks about a request. */
export interface Deciders {
  /** Asked first; `undefined`: requests cannot ask for faults. */
  readonly headerFaults: HeaderFaults | undefined;
  readonly sessions: Sessions;
  /** Returns the rules in force now; asked last. */
  rules(): RuleSet;
}

/** Decision of all deciders on a request. */
export interface Ruling {
  /** Rule or instruction that fires; `undefined`: the request is forwarded. */
  readonly fired: Fired | undefined;
  /** Decision of each decider, in the order of asking; the journal makes its verdicts from them. */
  readonly decisions: readonly Decision[];
  /** Sessions that the request belongs to, oldest first. */
  readonly owners: readonly Session[];
  /** Reason why the request cannot have the fault that its header asks for; then no other decider is asked. */
  readonly refusal: string | undefined;
}

/** Rulings if no rule matches and only rules are asked. Each set has one: an object per request would outlive its request. */
const NO_MATCH = new WeakMap<RuleSet, Ruling>();

/**
 * Asks the header of a request, then its sessions, oldest first, then the rules, until one fires. The others get a
 * decision too, so that the journal can say why they were not asked. Counts the request. It is synchronous, so that no
 * other request comes between counting and firing.
 *
 * @param port the session whose port the request came in by
 */
export function decideAll(
  deciders: Deciders,
  { request, facts, attempt, startedAt }: Exchange,
  port: Session | undefined,
): Ruling {
  const { headerFaults, sessions } = deciders;
  const rules = deciders.rules();
  const headerFault = headerFaults?.requestedBy(request, facts);
  if (typeof headerFault === 'string') {
    return { fired: undefined, decisions: [], owners: [], refusal: headerFault };
  }
  const owners = sessions.ownersOf(facts, port);
  if (headerFault === undefined && owners.length === 0) {
    const decision = decide(rules, facts, startedAt, attempt);
    return decision === rules.noMatch ? noMatchOf(rules) : rulingOf([decision], owners);
  }
  const decisions: Decision[] = [];
  const ask = (decider: { readonly noMatch: Decision }, decideNow: () => Decision) =>
    decisions.push(decisions.some(({ fired }) => fired) ? decider.noMatch : decideNow());
  if (headerFault) ask(headerFault, () => decide(headerFault, facts, startedAt, attempt));
  for (const owner of owners) ask(owner, () => owner.decide(facts));
  ask(rules, () => decide(rules, facts, startedAt, attempt));
  return rulingOf(decisions, owners);
}

function rulingOf(decisions: readonly Decision[], owners: readonly Session[]): Ruling {
  const fired = decisions.find((each) => each.fired)?.fired;
  return { fired, decisions, owners, refusal: undefined };
}

function noMatchOf(rules: RuleSet): Ruling {
  const known = NO_MATCH.get(rules);
  if (known) return known;
  const ruling = rulingOf([rules.noMatch], []);
  NO_MATCH.set(rules, ruling);
  return ruling;
}
