import type { Exchange } from '../exchange.ts';
import type { Outcome } from '../outcome.ts';
import type { Facts } from '../request/facts.ts';
import { type Decision, RuleSet } from '../rules/decide.ts';
import type { Rule } from '../rules/rule.ts';
import { pullTrigger, type Turn } from '../rules/trigger.ts';
import { bears, type SessionKey } from './key.ts';
import type { Instruction, Plan } from './spec.ts';

/**
 * What became of an instruction: no request has taken it yet; one has and still goes on; its fault was injected (a
 * `forward` let pass); its fault did not come about, as the client left or the upstream failed first.
 */
export type InstructionState = 'waiting' | 'under way' | 'met' | 'passed over';

/** An instruction, and what became of it. */
export interface InstructionReport {
  /** As the plan states it. */
  readonly instruction: Instruction;
  readonly state: InstructionState;
  /** Id in the journal of the exchange that took it, once that has ended, and how it ended. */
  readonly exchange?: number;
  readonly outcome?: Outcome;
}

/** How a session stands. */
export interface SessionReport {
  readonly id: string;
  readonly key: SessionKey;
  readonly provider: string;
  readonly seed: number | string;
  /** Where clients of its own port point. */
  readonly url?: string;
  /** When it ends if no request comes, ISO 8601. */
  readonly expires: string;
  /** How many requests were its own, whether or not an instruction was left for them. */
  readonly exchanges: number;
  /** Whether every instruction was met. */
  readonly complete: boolean;
  readonly plan: Readonly<Record<string, readonly InstructionReport[]>>;
}

/** An instruction on its way from waiting to met. */
interface Step {
  readonly rule: Rule;
  /** Which instruction of the session was taken when this one was, counted from 1; 0: it waits. */
  taken: number;
  ended: { readonly exchange: number; readonly outcome: Outcome; readonly isMet: boolean } | undefined;
}

/** The instructions of one list, in order; those before `next` are taken. */
interface Queue {
  /** Where in the plan it stands. */
  readonly nth: number;
  readonly steps: readonly Step[];
  next: number;
}

const NONE: readonly Queue[] = [];

/** How things stood at an instruction that an earlier request had taken. */
const TAKEN: Turn = { n: 2, fired: 1, elapsed: 0, drawn: 0 };

/** Requests that belong together by a key, and the plan of what is to happen to them. */
export class Session {
  readonly id: string;
  /** Counts sessions: an older one is asked first. */
  readonly nth: number;
  readonly #plan: Plan;
  /** A rule for each instruction; verdicts are told from it. */
  readonly rules: RuleSet;
  /** By operation, or by operation and part. */
  readonly #queues = new Map<string, Queue>();
  readonly #steps = new Map<Rule, Step>();
  #taken = 0;
  #exchanges = 0;
  #underWay = 0;
  #lastSeen = Date.now();
  readonly #timer: NodeJS.Timeout;
  /** Where clients of its own port point. */
  url: string | undefined;

  /** @param expired called when no request has come for as long as the plan says */
  constructor(id: string, nth: number, plan: Plan, expired: (session: Session) => void) {
    this.id = id;
    this.nth = nth;
    this.#plan = plan;
    const rules = plan.agendas.flatMap((agenda) => agenda.rules);
    this.rules = new RuleSet(rules, new Map([[`session ${id}`, plan.seed]]));
    for (const [index, { operation, part, rules: own }] of plan.agendas.entries()) {
      const steps = own.map((rule): Step => ({ rule, taken: 0, ended: undefined }));
      for (const step of steps) this.#steps.set(step.rule, step);
      this.#queues.set(queueName(operation, part), { nth: index, steps, next: 0 });
    }
    // While a request of its own goes on, it does not end.
    const look = () => (this.#underWay > 0 ? this.#touch() : expired(this));
    this.#timer = setTimeout(look, plan.expires).unref();
  }

  get key(): SessionKey {
    return this.#plan.key;
  }

  /** Whether a request bears the key; which port it came in at is not asked. */
  owns(facts: Facts): boolean {
    return bears(facts, this.#plan.key);
  }

  /** Counts in a request that is its own. */
  enter(): void {
    this.#exchanges += 1;
    this.#underWay += 1;
    this.#touch();
  }

  /** Takes the next instruction for a request, if there is one left: a look-up, however long the plan is. */
  decide(facts: Facts, now: number): Decision {
    const queues = this.#queuesFor(facts);
    if (queues.length === 0) return this.rules.unmoved;
    const before = this.#taken;
    const step = take(queues[0]) ?? take(queues[1]);
    if (step === undefined) return { set: this.rules, fired: undefined, turns: this.#turnsAfter(before) };
    const { rule } = step;
    const { turn, roll } = pullTrigger(rule.trigger, rule.counts, facts, now);
    this.#taken = before + 1;
    step.taken = this.#taken;
    return {
      set: this.rules,
      fired: roll && { rule, roll },
      turns: this.#turnsAfter(before, new Map([[rule, turn]])),
    };
  }

  /** Notes how a request that was its own has ended, and which rule fired on it, of this session or not. */
  leave(exchange: Exchange, id: number, fired: Rule | undefined): void {
    this.#underWay -= 1;
    this.#touch();
    const step = fired && this.#steps.get(fired);
    if (step) step.ended = { exchange: id, outcome: exchange.outcome, isMet: cameAbout(step.rule, exchange) };
  }

  report(): SessionReport {
    const { key, provider, seed, expires, agendas } = this.#plan;
    const steps = [...this.#steps.values()];
    return {
      id: this.id,
      key,
      provider,
      seed,
      ...(this.url !== undefined && { url: this.url }),
      expires: new Date(this.#lastSeen + expires).toISOString(),
      exchanges: this.#exchanges,
      complete: steps.every(({ ended }) => ended?.isMet),
      plan: Object.fromEntries(
        agendas.map(({ name, operation, part }) => [
          name,
          (this.#queues.get(queueName(operation, part))?.steps ?? []).map(reportOf),
        ]),
      ),
    };
  }

  /** Stops the clock; the session is over. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #touch(): void {
    this.#lastSeen = Date.now();
    this.#timer.refresh();
  }

  /** The list for the very part and that for any, in the order of the plan. */
  #queuesFor({ operation, part }: Facts): readonly Queue[] {
    const own = part === undefined ? undefined : this.#queues.get(queueName(operation, part));
    const any = this.#queues.get(operation);
    if (own && any) return any.nth < own.nth ? [any, own] : [own, any];
    return own ? [own] : any ? [any] : NONE;
  }

  /** How things stood at each instruction after so many had been taken; told when asked, as that is seldom. */
  #turnsAfter(taken: number, own?: ReadonlyMap<Rule, Turn>): Decision['turns'] {
    return {
      get: (rule) => {
        const step = this.#steps.get(rule);
        const isTaken = step !== undefined && step.taken > 0 && step.taken <= taken;
        return isTaken ? TAKEN : own?.get(rule);
      },
    };
  }
}

function queueName(operation: string, part: number | undefined): string {
  return part === undefined ? operation : `${operation}#${part}`;
}

function take(queue: Queue | undefined): Step | undefined {
  const step = queue?.steps[queue.next];
  if (queue && step) queue.next += 1;
  return step;
}

/** Whether all that an instruction says was done, as the journal has it. */
function cameAbout({ faults }: Rule, { injection, outcome }: Exchange): boolean {
  if (faults.length === 0) return outcome === 'forwarded';
  return outcome === 'injected' && injection?.fault === faults.map(({ kind }) => kind).join('+');
}

function reportOf({ rule, taken, ended }: Step): InstructionReport {
  const instruction = rule.spec as Instruction; // as stated in the plan, which was checked
  if (ended) {
    const { exchange, outcome, isMet } = ended;
    return { instruction, state: isMet ? 'met' : 'passed over', exchange, outcome };
  }
  return { instruction, state: taken > 0 ? 'under way' : 'waiting' };
}
