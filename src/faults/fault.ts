import type { z } from 'zod';
import type { Provider } from '../catalog/catalog.ts';
import type { Document } from '../catalog/document.ts';
import type { Problem } from '../diagnostics/problem.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import type { Facts } from '../request/facts.ts';
import type { Phase, Place } from './point.ts';

/** Answer of the upstream that is still to be relayed to the client; `undefined` if a fault has answered instead. */
export type Answer = UpstreamAnswer | undefined;

/** Runs the rest of the chain: the faults after this one, then the request to the upstream. */
export type Next = () => Promise<Answer>;

/** Part of an exchange that a fault may touch. */
type FaultyExchange = Pick<
  Exchange,
  | 'request'
  | 'facts'
  | 'upload'
  | 'download'
  | 'uploadOverride'
  | 'closeAs'
  | 'awaitsContinue'
  | 'upstreamStatus'
  | 'upstreamCode'
  | 'askForBody'
  | 'receive'
  | 'answer'
  | 'begin'
  | 'send'
  | 'end'
  | 'cut'
>;

/** All that a fault can touch; made for each fault that is injected, and bound to its kind. */
export interface FaultContext {
  readonly exchange: FaultyExchange;
  /** End of the request ids it makes up, by which they can be told from real ones. */
  readonly idTail: string;
  /** Draws from the dice: [0, 1), the same for the same request in every run. `detail` tells several draws apart. */
  roll(detail?: string): number;
  /** Writes down the settings that were really used, in place of those that left something to the dice. */
  recordDraw(settings: unknown): void;
  /** Takes the fault back: its point is never reached, or there is nothing to change. */
  skip(): void;
  /**
   * Waits so many ms, or without a number until the client leaves; throws `ClientGone` when it leaves. Meanwhile its
   * connection does not count as idle.
   */
  wait(ms?: number): Promise<void>;
  /** Waits likewise, where the wait is the fault: it has acted, even if the client leaves meanwhile. */
  hold(ms?: number): Promise<void>;
}

/** Fault without the name of its kind, as its settings make it; can be injected into any number of exchanges. */
export interface FaultAction {
  /** Documented code that it answers with, if it does. */
  readonly code?: string;
  /** One line for people: `answers SlowDown 503 before the body is read`. */
  readonly summary: string;
  /** Phase in which it acts; left out: all of the exchange. */
  readonly phase?: Phase;
  /** Place within a body, if that is fixed. */
  readonly place?: Place | undefined;
  /** It ends the exchange there: nothing that comes later on the time axis happens. */
  readonly answers?: boolean;
  /** It may forward the request more than once; the other faults act around that, once. */
  readonly forwards?: boolean;
  /** It leaves something to the dice (`context.roll`). */
  readonly rolls?: boolean;
  /** Writes the answer that it would give to a request; for `brownout explain`. */
  preview?(facts: Facts): Document;
  /** Acts on one exchange; `next` may be called before, after, or not at all. */
  inject(context: FaultContext, next: Next): Promise<Answer>;
}

/** Fault as one rule sets it. */
export interface Fault extends FaultAction {
  /** Name of the kind: `error`, `delay`, … */
  readonly kind: string;
}

/** Place of a rule, as far as a fault needs it. */
export interface CompileContext {
  /** Folder of the rule file, where relative paths start; `undefined` for rules that are in no file. */
  readonly folder: string | undefined;
}

/** Kind of fault: the one export of its file. */
export interface FaultKind<Spec> {
  readonly name: string;
  /** One sentence for `--help`, the docs and the JSON Schema. */
  readonly summary: string;
  readonly schema: z.ZodType<Spec>;
  /** Makes the fault of its settings, checked against the provider's catalog, or returns their problems. */
  compile(spec: Spec, provider: Provider, surroundings: CompileContext): FaultAction | Problem[];
}
