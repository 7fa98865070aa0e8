import { formatDuration } from '../notation/units.ts';
import type { Facts } from '../request/facts.ts';
import { drawIdentity } from '../request/identity.ts';
import { draw } from './dice.ts';
import { LruMap } from './lru-map.ts';
import type { TriggerSpec } from './rule-schema.ts';

/** Scopes that each rule remembers: about 20 MB for so many keys. docs/rules.md states it. */
const SCOPES_KEPT = 100_000;
const IDENTITIES_KEPT = 50_000;

interface Tally {
  /** Matching requests that reached the rule. */
  readonly seen: number;
  readonly fired: number;
}

/** Counts of one rule since it was loaded. A rule whose text has not changed keeps them on a reload. */
export class Counts {
  /** Time when counting began, in ms of `performance.now()`. */
  readonly since: number;
  /** Requests that matched the rule and on which no earlier rule fired. */
  matched = 0;
  fired = 0;
  readonly scopes = new LruMap<Tally>(SCOPES_KEPT);
  readonly identities = new LruMap<number>(IDENTITIES_KEPT);

  constructor(since = performance.now()) {
    this.since = since;
  }
}

/** Values that a trigger checks, for one request at one rule. */
export interface TriggerState {
  /** Number of this request in its scope, 1-based. `after` shifts it: skipped requests have 0 or less. */
  readonly n: number;
  /** Number of times that the rule has fired in this scope. */
  readonly fired: number;
  /** ms since the rule was loaded. */
  readonly elapsed: number;
  /** Drawn number in [0, 1). */
  readonly drawn: number;
}

interface Check {
  readonly holds: (state: TriggerState) => boolean;
  /** Reason in English; called only if the check does not hold. */
  readonly why: (state: TriggerState) => string;
}

/** Conditions under which a rule fires on the requests that it matches. */
export interface Trigger {
  /** Its settings. */
  readonly spec: TriggerSpec;
  readonly checks: readonly Check[];
  readonly scopeOf: (facts: Facts) => string;
  readonly after: number;
  /** Seed of its draws. */
  readonly seed: number | string;
  readonly rule: string;
  /** Absent if no draw is needed, also at 0 and 1: a draw costs more than all other checks together. */
  readonly probability: number | undefined;
  /** True if a fault of the rule draws from the dice. */
  readonly rolls: boolean;
}

/** Draws a number in [0, 1) for a fault; each `what` draws its own number. */
export type Roll = (what: string) => number;

/** Compiles a trigger from its settings; `seed` and `rule` (a name) go into the dice. */
export function compileTrigger(
  spec: TriggerSpec,
  seed: number | string,
  rule: string,
  rolls: boolean,
): Trigger {
  const { probability, after = 0, first, every, limit, window, per = 'rule' } = spec;
  const checks: Check[] = [];
  const scope = (word: string) => (per === 'rule' ? '' : ` ${word} this ${SCOPES[per]}`);
  const count = (holds: Check['holds'], fires: string) =>
    checks.push({ holds, why: (state) => `request ${state.n + after}${scope('of')}, fires ${fires}` });
  if (after > 0) count((state) => state.n > 0, `from request ${after + 1} on`);
  if (first !== undefined) {
    const only = first === 1 ? `request ${after + 1}` : `requests ${after + 1} to ${after + first}`;
    count((state) => state.n <= first, `on ${only} only`);
  }
  if (every !== undefined) {
    const some = [1, 2, 3].map((times) => after + times * every).join(', ');
    count((state) => state.n % every === 0, `on requests ${some}, …`);
  }
  if (limit !== undefined) {
    const why = `limit of ${limit} reached${scope('for')}`;
    checks.push({ holds: (state) => state.fired < limit, why: () => why });
  }
  if (window !== undefined) checks.push(windowCheck(window));
  if (probability === 0) checks.push({ holds: () => false, why: () => 'probability is 0' });
  const drawn = probability !== undefined && probability > 0 && probability < 1 ? probability : undefined;
  if (drawn !== undefined) {
    checks.push({
      holds: (state) => state.drawn < drawn,
      why: (state) => `drew ${shortDraw(state.drawn, drawn)}, needs < ${drawn}`,
    });
  }
  return { spec, checks, scopeOf: SCOPE_OF[per], after, seed, rule, probability: drawn, rolls };
}

const SCOPE_OF: Readonly<Record<NonNullable<TriggerSpec['per']>, (facts: Facts) => string>> = {
  rule: () => '',
  key: (facts) => `${facts.bucket ?? ''}/${facts.key ?? ''}`,
  bucket: (facts) => facts.bucket ?? '',
  client: (facts) => facts.client,
  accessKey: (facts) => facts.accessKey ?? '',
};

/** Names in English of the scopes that a trigger can count by. */
export const SCOPES: Readonly<Record<keyof typeof SCOPE_OF, string>> = {
  rule: 'rule',
  key: 'key',
  bucket: 'bucket',
  client: 'client',
  accessKey: 'access key',
};

function windowCheck(window: NonNullable<TriggerSpec['window']>): Check {
  const from = window.from ?? 0;
  const length = window.for ?? Number.POSITIVE_INFINITY;
  const period = window.every ?? Number.POSITIVE_INFINITY;
  const opens = [
    from === 0 ? 'at once' : `after ${formatDuration(from)}`,
    ...(window.for === undefined ? [] : [` for ${formatDuration(length)}`]),
    ...(window.every === undefined ? [] : [`, again every ${formatDuration(period)}`]),
  ].join('');
  return {
    holds: ({ elapsed }) => elapsed >= from && (elapsed - from) % period < length,
    // Rounded down: a window that is nearly open is not open.
    why: ({ elapsed }) =>
      `${formatDuration(Math.floor(elapsed))} after the rule was loaded, its window opens ${opens}`,
  };
}

/** Writes a drawn number with two digits, or in full where two digits would equal the bound. */
function shortDraw(drawn: number, probability: number): string {
  const short = drawn.toFixed(2);
  return Number(short) < probability === drawn < probability && Number(short) !== probability
    ? short
    : String(drawn);
}

/** Counts the request. Returns its state and, if the rule fires, the dice for its faults. */
export function pullTrigger(
  trigger: Trigger,
  counts: Counts,
  facts: Facts,
  now: number,
): { readonly state: TriggerState; readonly roll: Roll | undefined } {
  counts.matched++;
  const scope = trigger.scopeOf(facts);
  const tally = counts.scopes.get(scope);
  const identity = trigger.probability === undefined && !trigger.rolls ? '' : drawIdentity(facts);
  const nth = identity === '' ? 0 : countIdentity(counts, identity);
  const state = stateOf(trigger, tally, now - counts.since, identity, nth);
  const fires = trigger.checks.every((check) => check.holds(state));
  if (fires) counts.fired++;
  counts.scopes.set(scope, { seen: (tally?.seen ?? 0) + 1, fired: state.fired + (fires ? 1 : 0) });
  const roll: Roll = (what) =>
    draw(trigger.seed, `${trigger.rule}\n${what}`, identity || drawIdentity(facts), nth);
  return { state, roll: fires ? roll : undefined };
}

/** Returns the state that the request would have if it came now; counts nothing. */
export function peekTrigger(trigger: Trigger, counts: Counts, facts: Facts, now: number): TriggerState {
  const identity = drawIdentity(facts);
  const nth = (counts.identities.get(identity) ?? 0) + 1;
  return stateOf(trigger, counts.scopes.get(trigger.scopeOf(facts)), now - counts.since, identity, nth);
}

/** Decides if a trigger fires in this state, with the reason in English. */
export function judge(
  { checks, probability }: Trigger,
  state: TriggerState,
): { fires: boolean; why: string } {
  const failed = checks.filter((check) => !check.holds(state));
  if (failed.length > 0) return { fires: false, why: failed.map((check) => check.why(state)).join('; ') };
  const why =
    probability === undefined
      ? 'it matches'
      : `drew ${shortDraw(state.drawn, probability)}, needs < ${probability}`;
  return { fires: true, why };
}

function stateOf(
  trigger: Trigger,
  tally: Tally | undefined,
  elapsed: number,
  identity: string,
  nth: number,
): TriggerState {
  return {
    n: (tally?.seen ?? 0) + 1 - trigger.after,
    fired: tally?.fired ?? 0,
    elapsed,
    drawn: trigger.probability === undefined ? 0 : draw(trigger.seed, trigger.rule, identity, nth),
  };
}

function countIdentity({ identities }: Counts, identity: string): number {
  const nth = (identities.get(identity) ?? 0) + 1;
  identities.set(identity, nth);
  return nth;
}
