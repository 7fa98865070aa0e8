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

/** Context in which a fault acts, and all that it can touch. Made for each injected fault, and bound to its kind. */
export interface FaultContext {
  readonly exchange: FaultyExchange;
  /** End of the request ids that the fault makes, which tells them from real ones. */
  readonly idTail: string;
  /** Draws from the dice: [0, 1), the same for the same request in every run. `detail` tells several draws apart. */
  roll(detail?: string): number;
  /** Records the settings that were used. They replace the settings that left something to the dice. */
  recordDraw(settings: unknown): void;
  /** Removes the fault from the exchange: its point is never reached, or there is nothing to change. */
  skip(): void;
  /**
   * Waits that many ms; without a number, until the client leaves. Throws `ClientGone` when the client leaves. During the
   * wait, its connection does not count as idle.
   */
  wait(ms?: number): Promise<void>;
  /** Waits in the same way, if the wait itself is the fault: it has acted, even if the client leaves meanwhile. */
  hold(ms?: number): Promise<void>;
}

/** Fault that was made from settings, without the name of its kind. It can be injected into any number of exchanges. */
export interface FaultAction {
  /** Documented code that it answers with, if it has one. */
  readonly code?: string;
  /** One line for people: `answers SlowDown 503 before the body is read`. */
  readonly summary: string;
  /** Phase in which it acts; if left out, it acts in all of the exchange. */
  readonly phase?: Phase;
  /** Place within a body, if that is fixed. */
  readonly place?: Place | undefined;
  /** It ends the exchange there. Faults at later moments do not happen. */
  readonly answers?: boolean;
  /** It may forward the request more than once. The other faults act once, around that. */
  readonly forwards?: boolean;
  /** It leaves something to the dice (`context.roll`). */
  readonly rolls?: boolean;
  /** Writes the answer that it would give to a request, for `brownout explain`. */
  preview?(facts: Facts): Document;
  /** Acts on one exchange. It may act before or after `next`, or not call `next` at all. */
  inject(context: FaultContext, next: Next): Promise<Answer>;
}

/** Fault as one rule sets it. */
export interface Fault extends FaultAction {
  /** Name of the kind: `error`, `delay`, … */
  readonly kind: string;
}

/** Facts about the place of a rule that its faults need. */
export interface CompileContext {
  /** Folder of the rule file, to which paths are relative; `undefined` for rules that are not in a file. */
  readonly folder: string | undefined;
}

/** Kind of fault. It is the only export of its file. */
export interface FaultKind<Spec> {
  readonly name: string;
  /** One sentence for `--help`, the docs and the JSON Schema. */
  readonly summary: string;
  readonly schema: z.ZodType<Spec>;
  /** Makes the fault from its settings and checks them against the provider's catalog. Returns their problems, if any. */
  compile(spec: Spec, provider: Provider, context: CompileContext): FaultAction | Problem[];
}
