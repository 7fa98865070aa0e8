import type { Exchange } from '../exchange/exchange.ts';
import { kindsOf } from '../exchange/injection.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { Facts } from '../request/facts.ts';
import { drawIdentity } from '../request/identity.ts';
import type { Decision, FaultSource, VerdictSource } from '../rules/decide.ts';
import { draw } from '../rules/dice.ts';
import { SESSION_LABEL } from '../rules/rule-schema.ts';
import { nextInstruction, notInPlan, planExhausted } from './fixed-verdict.ts';
import { matchesKey, type SessionKey } from './key.ts';
import type { CompiledInstruction, Instruction, InstructionList, Plan } from './spec.ts';

/**
 * State of an instruction. `waiting`: no request has taken it yet. `under way`: its request is in progress. `met`: its
 * faults acted, or its `forward` was forwarded. `passed over`: not all of its faults acted.
 */
export type InstructionState = 'waiting' | 'under way' | 'met' | 'passed over';

/** Instruction with its state. */
export interface InstructionReport {
  /** Instruction as the plan states it. */
  readonly instruction: Instruction;
  readonly state: InstructionState;
  /** Journal id and outcome of the exchange that took it; left out until that has ended. */
  readonly exchange?: number;
  readonly outcome?: Outcome;
}

/** State of a session, in short. */
export interface SessionSummary {
  readonly id: string;
  readonly key: SessionKey;
  readonly provider: string;
  readonly seed: number | string;
  /** URL of its own port; left out if it has none. */
  readonly url?: string;
  /** Time when it ends if no request comes, ISO 8601. */
  readonly expires: string;
  /** Number of requests that belong to it, with or without an instruction. */
  readonly exchanges: number;
  /** True if every instruction was met. */
  readonly complete: boolean;
  /** Number of instructions in each state. */
  readonly instructions: Readonly<Record<InstructionState, number>>;
}

/** State of a session, with each instruction. */
export interface SessionReport extends SessionSummary {
  readonly plan: Readonly<Record<string, readonly InstructionReport[]>>;
}

/** Instruction that a request has taken. */
interface Step extends FaultSource {
  ended?: { readonly exchange: number; readonly outcome: Outcome; readonly isMet: boolean };
}

/** Instructions of one list, and the steps of those that were taken, both in order. */
interface Queue {
  /** Index of the list in the plan. */
  readonly nth: number;
  readonly list: InstructionList;
  readonly steps: Step[];
}

const NONE: readonly Queue[] = [];

/** Requests that belong together by a key, and the plan for them. */
export class Session {
  readonly id: string;
  /** Number of the session: an older one is asked first. */
  readonly nth: number;
  readonly #plan: Plan;
  /** Queues by operation, or by operation and part, in the order of the plan. */
  readonly #queues = new Map<string, Queue>();
  /** Steps whose requests are in progress. */
  readonly #underWay = new Set<FaultSource>();
  /** Decision if its plan has no list for a request, or if it is not asked. */
  readonly noMatch: Decision;
  readonly #exhausted: Decision;
  #exchanges = 0;
  #open = 0;
  #lastSeen = Date.now();
  readonly #timer: NodeJS.Timeout;
  /** URL of its own port; `undefined` if it has none. */
  url: string | undefined;

  /** @param expired called when no request has come for the time that the plan states */
  constructor(id: string, nth: number, plan: Plan, expired: (session: Session) => void) {
    this.id = id;
    this.nth = nth;
    this.#plan = plan;
    for (const [index, list] of plan.lists.entries()) {
      this.#queues.set(queueName(list), { nth: index, list, steps: [] });
    }
    const names = plan.lists.map(({ name }) => name);
    this.noMatch = decision(notInPlan(`session ${id}`, names));
    this.#exhausted = decision(planExhausted(`session ${id}`));
    // It does not end while one of its requests is in progress.
    const endUnlessBusy = () => (this.#open > 0 ? this.#touch() : expired(this));
    this.#timer = setTimeout(endUnlessBusy, plan.expires).unref();
  }

  get key(): SessionKey {
    return this.#plan.key;
  }

  /** Size of its plan in characters. */
  get size(): number {
    return this.#plan.size;
  }

  /** Number of its instructions. */
  get length(): number {
    return lengthOf(this.#plan);
  }

  /** Returns true if a request matches the key; the port is not checked here. */
  owns(facts: Facts): boolean {
    return matchesKey(facts, this.#plan.key);
  }

  /** Counts a request of its own when it begins. */
  enter(): void {
    this.#exchanges += 1;
    this.#open += 1;
    this.#touch();
  }

  /** Takes the next instruction for a request, if there is one. This is a look-up, so a long plan costs no more. */
  decide(facts: Facts): Decision {
    const queues = this.#queuesFor(facts);
    const queue = queues.find(({ list, steps }) => steps.length < list.instructions.length);
    const instruction = queue?.list.instructions[queue.steps.length];
    if (queue === undefined || instruction === undefined)
      return queues.length === 0 ? this.noMatch : this.#exhausted;
    return this.#take(queue, instruction, facts);
  }

  /** Returns true if the source is an instruction of this session whose request is in progress. */
  has(fired: FaultSource | undefined): boolean {
    return fired !== undefined && this.#underWay.has(fired);
  }

  /** Records the end of a request of its own; `fired` may be an instruction of this session or any other source. */
  leave(exchange: Exchange, outcome: Outcome, id: number, fired: FaultSource | undefined): void {
    this.#open -= 1;
    this.#touch();
    if (fired === undefined || !this.#underWay.delete(fired)) return;
    const step: Step = fired; // only steps of this session are in #underWay
    step.ended = { exchange: id, outcome, isMet: wasMet(step, exchange, outcome) };
  }

  /** Returns its state without the plan, which may be long. */
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

  /** Returns its state with the plan. */
  report(): SessionReport {
    const lists = [...this.#queues.values()].map(({ list: { name, instructions }, steps }) => [
      name,
      instructions.map(({ stated }, index) => reportOf(stated, steps[index])),
    ]);
    return { ...this.summary(), plan: Object.fromEntries(lists) };
  }

  /** Stops its timer when the session has ended. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #touch(): void {
    this.#lastSeen = Date.now();
    this.#timer.refresh();
  }

  /** Returns the queue for the part and the queue for any part, in the order of the plan. */
  #queuesFor({ operation, part }: Facts): readonly Queue[] {
    const own = part === undefined ? undefined : this.#queues.get(queueName({ operation, part }));
    const any = this.#queues.get(operation);
    if (own && any) return any.nth < own.nth ? [any, own] : [own, any];
    return own ? [own] : any ? [any] : NONE;
  }

  #take({ list, steps }: Queue, { faults, settings }: CompiledInstruction, facts: Facts): Decision {
    const place = `${list.name}, ${steps.length + 1} of ${list.instructions.length}`;
    const { provider, seed } = this.#plan;
    const step = { name: `session ${this.id}: ${place}`, label: SESSION_LABEL, provider, faults, settings };
    steps.push(step);
    this.#underWay.add(step);
    // The draw must not depend on the id, which differs in each run.
    const roll = (what: string) => draw(seed, `${place}\n${what}`, drawIdentity(facts), 1);
    return { source: nextInstruction(step.name), fired: { rule: step, roll }, states: undefined };
  }
}

/** Counts the instructions of a plan. */
export function lengthOf({ lists }: Plan): number {
  return lists.reduce((sum, { instructions }) => sum + instructions.length, 0);
}

function queueName({ operation, part }: Pick<InstructionList, 'operation' | 'part'>): string {
  return part === undefined ? operation : `${operation}#${part}`;
}

function decision(asked: VerdictSource): Decision {
  return { source: asked, fired: undefined, states: undefined };
}

/** Returns true if all faults of an instruction acted; if the client left, those until then. */
function wasMet({ faults }: FaultSource, { injection }: Exchange, outcome: Outcome): boolean {
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
