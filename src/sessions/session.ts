import type { Exchange } from '../exchange/exchange.ts';
import { kindsOf } from '../exchange/injection.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { Facts } from '../request/facts.ts';
import { drawIdentity } from '../request/identity.ts';
import type { Decision, FaultSource, VerdictSource } from '../rules/decide.ts';
import { draw } from '../rules/dice.ts';
import { SESSION_LABEL } from '../rules/rule-schema.ts';
import { nothingLeft, taken, wantsOthers } from './fixed-verdict.ts';
import { matchesKey, type SessionKey } from './key.ts';
import type { CompiledInstruction, Instruction, InstructionList, Plan } from './spec.ts';

/**
 * What became of an instruction: no request has taken it yet; one has and still goes on; its faults acted (a `forward`
 * was let pass); not all of them came about.
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

/** How a session stands, in short. */
export interface SessionSummary {
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
  /** How many there are of each state. */
  readonly instructions: Readonly<Record<InstructionState, number>>;
}

/** How a session stands. */
export interface SessionReport extends SessionSummary {
  readonly plan: Readonly<Record<string, readonly InstructionReport[]>>;
}

/** An instruction that a request has taken. */
interface Step extends FaultSource {
  ended?: { readonly exchange: number; readonly outcome: Outcome; readonly isMet: boolean };
}

/** The instructions of one list, in order, and those that were taken: as many from its beginning. */
interface Queue {
  /** Where in the plan it stands. */
  readonly nth: number;
  readonly agenda: InstructionList;
  readonly steps: Step[];
}

const NONE: readonly Queue[] = [];

/** Requests that belong together by a key, and the plan of what is to happen to them. */
export class Session {
  readonly id: string;
  /** Counts sessions: an older one is asked first. */
  readonly nth: number;
  readonly #plan: Plan;
  /** By operation, or by operation and part, in the order of the plan. */
  readonly #queues = new Map<string, Queue>();
  /** Those whose requests go on. */
  readonly #underWay = new Set<FaultSource>();
  /** The decision where its plan has nothing for a request, or it is not asked. */
  readonly noMatch: Decision;
  readonly #spent: Decision;
  #exchanges = 0;
  #open = 0;
  #lastSeen = Date.now();
  readonly #timer: NodeJS.Timeout;
  /** Where clients of its own port point. */
  url: string | undefined;

  /** @param expired called when no request has come for as long as the plan says */
  constructor(id: string, nth: number, plan: Plan, expired: (session: Session) => void) {
    this.id = id;
    this.nth = nth;
    this.#plan = plan;
    for (const [index, agenda] of plan.agendas.entries()) {
      this.#queues.set(queueName(agenda), { nth: index, agenda, steps: [] });
    }
    const names = plan.agendas.map(({ name }) => name);
    this.noMatch = decision(wantsOthers(`session ${id}`, names));
    this.#spent = decision(nothingLeft(`session ${id}`));
    // While a request of its own goes on, it does not end.
    const look = () => (this.#open > 0 ? this.#touch() : expired(this));
    this.#timer = setTimeout(look, plan.expires).unref();
  }

  get key(): SessionKey {
    return this.#plan.key;
  }

  /** In characters. */
  get size(): number {
    return this.#plan.size;
  }

  /** How many instructions it has. */
  get length(): number {
    return lengthOf(this.#plan);
  }

  /** Whether a request bears the key; which port it came in at is not asked. */
  owns(facts: Facts): boolean {
    return matchesKey(facts, this.#plan.key);
  }

  /** Counts in a request that is its own. */
  enter(): void {
    this.#exchanges += 1;
    this.#open += 1;
    this.#touch();
  }

  /** Takes the next instruction for a request, if there is one left: a look-up, however long the plan is. */
  decide(facts: Facts): Decision {
    const queues = this.#queuesFor(facts);
    const queue = queues.find(({ agenda, steps }) => steps.length < agenda.orders.length);
    const order = queue?.agenda.orders[queue.steps.length];
    if (queue === undefined || order === undefined) return queues.length === 0 ? this.noMatch : this.#spent;
    return this.#take(queue, order, facts);
  }

  /** Whether it is an instruction of this session that fired on a request which goes on. */
  has(fired: FaultSource | undefined): boolean {
    return fired !== undefined && this.#underWay.has(fired);
  }

  /** Notes how a request that was its own has ended, and what fired on it, of this session or not. */
  leave(exchange: Exchange, outcome: Outcome, id: number, fired: FaultSource | undefined): void {
    this.#open -= 1;
    this.#touch();
    if (fired === undefined || !this.#underWay.delete(fired)) return;
    const step: Step = fired; // one of its own, or it would not have been under way
    step.ended = { exchange: id, outcome, isMet: cameAbout(step, exchange, outcome) };
  }

  /** Without the plan, which may be long. */
  summary(): SessionSummary {
    const { key, provider, seed, expires } = this.#plan;
    const instructions = { waiting: this.length, 'under way': 0, met: 0, 'passed over': 0 };
    for (const { steps } of this.#queues.values()) {
      instructions.waiting -= steps.length;
      for (const step of steps) instructions[stateOf(step)] += 1;
    }
    return {
      id: this.id,
      key,
      provider: provider.name,
      seed,
      ...(this.url !== undefined && { url: this.url }),
      expires: new Date(this.#lastSeen + expires).toISOString(),
      exchanges: this.#exchanges,
      complete: instructions.met === this.length,
      instructions,
    };
  }

  report(): SessionReport {
    const lists = [...this.#queues.values()].map(({ agenda: { name, orders }, steps }) => [
      name,
      orders.map(({ stated }, index) => reportOf(stated, steps[index])),
    ]);
    return { ...this.summary(), plan: Object.fromEntries(lists) };
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
    const own = part === undefined ? undefined : this.#queues.get(queueName({ operation, part }));
    const any = this.#queues.get(operation);
    if (own && any) return any.nth < own.nth ? [any, own] : [own, any];
    return own ? [own] : any ? [any] : NONE;
  }

  #take({ agenda, steps }: Queue, { faults, settings }: CompiledInstruction, facts: Facts): Decision {
    const place = `${agenda.name}, ${steps.length + 1} of ${agenda.orders.length}`;
    const { provider, seed } = this.#plan;
    const step = { name: `session ${this.id}: ${place}`, label: SESSION_LABEL, provider, faults, settings };
    steps.push(step);
    this.#underWay.add(step);
    // Without the id, which is another one in each run.
    const roll = (what: string) => draw(seed, `${place}\n${what}`, drawIdentity(facts), 1);
    return { source: taken(step.name), fired: { rule: step, roll }, states: undefined };
  }
}

/** How many instructions a plan has. */
export function lengthOf({ agendas }: Plan): number {
  return agendas.reduce((sum, { orders }) => sum + orders.length, 0);
}

function queueName({ operation, part }: Pick<InstructionList, 'operation' | 'part'>): string {
  return part === undefined ? operation : `${operation}#${part}`;
}

function decision(asked: VerdictSource): Decision {
  return { source: asked, fired: undefined, states: undefined };
}

/** Whether all that an instruction says was done: as the journal has it, or until the client left. */
function cameAbout({ faults }: FaultSource, { injection }: Exchange, outcome: Outcome): boolean {
  if (faults.length === 0) return outcome === 'forwarded';
  if (outcome === 'client-left') return faults.every(({ kind }) => injection?.wasActive(kind));
  return outcome === 'injected' && injection?.fault === kindsOf(faults);
}

function stateOf({ ended }: Step): InstructionState {
  if (ended === undefined) return 'under way';
  return ended.isMet ? 'met' : 'passed over';
}

function reportOf(instruction: Instruction, step: Step | undefined): InstructionReport {
  if (step === undefined) return { instruction, state: 'waiting' };
  const { exchange, outcome } = step.ended ?? {};
  return {
    instruction,
    state: stateOf(step),
    ...(exchange !== undefined && { exchange }),
    ...(outcome !== undefined && { outcome }),
  };
}
