import { formatDuration } from '../notation/units.ts';
import type { Facts } from '../request/facts.ts';
import { drawIdentity } from '../request/identity.ts';
import { draw } from './dice.ts';
import { LruMap } from './lru-map.ts';
import type { TriggerSpec } from './rule-schema.ts';

/** Of each rule; about 20 MB if a rule meets so many keys. docs/rules.md states it. */
const SCOPES_KEPT = 100_000;
const ALIKE_KEPT = 50_000;

interface Tally {
  /** Matching requests that reached the rule. */
  readonly seen: number;
  readonly fired: number;
}

/** What one rule has counted since it was loaded; a reload leaves it to a rule whose text has not changed. */
export class Counts {
  /** When counting began, in ms of `performance.now()`. */
  readonly since: number;
  /** Requests that matched the rule and that no earlier rule took. */
  matched = 0;
  fired = 0;
  readonly scopes = new LruMap<Tally>(SCOPES_KEPT);
  readonly alike = new LruMap<number>(ALIKE_KEPT);

  constructor(since = performance.now()) {
    this.since = since;
  }
}

/** What a trigger looks at: how things stand for one request at one rule. */
export interface TriggerState {
  /** This request is the n-th of its scope, 1-based, those that `after` skips left out (then 0 or less). */
  readonly n: number;
  /** How often the rule has fired in this scope. */
  readonly fired: number;
  /** ms since the rule was loaded. */
  readonly elapsed: number;
  /** In [0, 1). */
  readonly drawn: number;
}

interface Check {
  readonly holds: (turn: TriggerState) => boolean;
  /** In English; asked only when it does not hold, save for the dice. */
  readonly why: (turn: TriggerState) => string;
}

/** When a rule fires on the requests it matches. */
export interface Trigger {
  /** Its settings. */
  readonly spec: TriggerSpec;
  readonly checks: readonly Check[];
  readonly scopeOf: (facts: Facts) => string;
  readonly after: number;
  /** What goes into a draw, besides the request. */
  readonly seed: number | string;
  readonly rule: string;
  /** Absent where the draw is for nothing, at 0 and 1 too: it costs more than all other checks together. */
  readonly probability: number | undefined;
  /** A fault of the rule leaves something to the dice. */
  readonly rolls: boolean;
}

/** Draws from the dice for a fault: a number in [0, 1), another one for each thing that is drawn for. */
export type Roll = (what: string) => number;

/** Makes a trigger of its settings; `seed` and `rule` (a name) go into the dice. */
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
    checks.push({ holds, why: (turn) => `request ${turn.n + after}${scope('of')}, fires ${fires}` });
  if (after > 0) count((turn) => turn.n > 0, `from request ${after + 1} on`);
  if (first !== undefined) {
    const only = first === 1 ? `request ${after + 1}` : `requests ${after + 1} to ${after + first}`;
    count((turn) => turn.n <= first, `on ${only} only`);
  }
  if (every !== undefined) {
    const some = [1, 2, 3].map((times) => after + times * every).join(', ');
    count((turn) => turn.n % every === 0, `on requests ${some}, …`);
  }
  if (limit !== undefined) {
    const why = `limit of ${limit} reached${scope('for')}`;
    checks.push({ holds: (turn) => turn.fired < limit, why: () => why });
  }
  if (window !== undefined) checks.push(windowCheck(window));
  if (probability === 0) checks.push({ holds: () => false, why: () => 'probability is 0' });
  const drawn = probability !== undefined && probability > 0 && probability < 1 ? probability : undefined;
  if (drawn !== undefined) {
    checks.push({
      holds: (turn) => turn.drawn < drawn,
      why: (turn) => `drew ${shortDraw(turn.drawn, drawn)}, needs < ${drawn}`,
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

/** Words for the things that a trigger can count by. */
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
    // Rounded down: what is nearly open is not open.
    why: ({ elapsed }) =>
      `${formatDuration(Math.floor(elapsed))} after the rule was loaded, its window opens ${opens}`,
  };
}

/** Two digits say enough, unless they would read as the bound itself. */
function shortDraw(drawn: number, probability: number): string {
  const short = drawn.toFixed(2);
  return Number(short) < probability === drawn < probability && Number(short) !== probability
    ? short
    : String(drawn);
}

/** Counts the request in: how things stood for it and, if the rule fires on it, the dice for what its faults leave to them. */
export function pullTrigger(
  trigger: Trigger,
  counts: Counts,
  facts: Facts,
  now: number,
): { readonly turn: TriggerState; readonly roll: Roll | undefined } {
  counts.matched++;
  const scope = trigger.scopeOf(facts);
  const tally = counts.scopes.get(scope);
  const identity = trigger.probability === undefined && !trigger.rolls ? '' : drawIdentity(facts);
  const nth = identity === '' ? 0 : countIdentity(counts, identity);
  const turn = turnOf(trigger, tally, now - counts.since, identity, nth);
  const fires = trigger.checks.every((check) => check.holds(turn));
  if (fires) counts.fired++;
  counts.scopes.set(scope, { seen: (tally?.seen ?? 0) + 1, fired: turn.fired + (fires ? 1 : 0) });
  const roll: Roll = (what) =>
    draw(trigger.seed, `${trigger.rule}\n${what}`, identity || drawIdentity(facts), nth);
  return { turn, roll: fires ? roll : undefined };
}

/** How things would stand for the request if it came now; counts nothing. */
export function peekTrigger(trigger: Trigger, counts: Counts, facts: Facts, now: number): TriggerState {
  const identity = drawIdentity(facts);
  const nth = (counts.alike.get(identity) ?? 0) + 1;
  return turnOf(trigger, counts.scopes.get(trigger.scopeOf(facts)), now - counts.since, identity, nth);
}

/** Whether a trigger fires as things stand, with the reason in English. */
export function judge({ checks, probability }: Trigger, turn: TriggerState): { fires: boolean; why: string } {
  const failed = checks.filter((check) => !check.holds(turn));
  if (failed.length > 0) return { fires: false, why: failed.map((check) => check.why(turn)).join('; ') };
  const why =
    probability === undefined
      ? 'it matches'
      : `drew ${shortDraw(turn.drawn, probability)}, needs < ${probability}`;
  return { fires: true, why };
}

function turnOf(
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

function countIdentity({ alike }: Counts, identity: string): number {
  const nth = (alike.get(identity) ?? 0) + 1;
  alike.set(identity, nth);
  return nth;
}
