import type { z } from 'zod';
import type { Provider } from '../catalog/catalog.ts';
import type { Document } from '../catalog/document.ts';
import type { Problem } from '../diagnostics/problem.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import type { Facts } from '../request/facts.ts';
import type { Phase, Place } from './point.ts';

/** The upstream's answer, still to be relayed to the client; `undefined` when a fault has answered instead. */
export type Answer = UpstreamAnswer | undefined;

/** The rest of the chain: the faults after this one, then forwarding to the upstream. */
export type Next = () => Promise<Answer>;

/** The part of an exchange that a fault may touch. */
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
  /** The documented code it answers with, where it answers with one. */
  readonly code?: string;
  /** One line for people: `answers SlowDown 503 before the body is read`. */
  readonly summary: string;
  /** When it acts; left out: throughout the exchange. */
  readonly phase?: Phase;
  /** And where within a body, if that is fixed. */
  readonly place?: Place | undefined;
  /** It ends the exchange there: what would come after, on the way to the upstream or from it, does not. */
  readonly answers?: boolean;
  /** It forwards the request itself, maybe more than once; the others act around that, once. */
  readonly forwards?: boolean;
  /** It leaves something to the dice (`context.roll`). */
  readonly rolls?: boolean;
  /** The answer it would give to such a request; for `brownout explain`. */
  preview?(facts: Facts): Document;
  inject(context: FaultContext, next: Next): Promise<Answer>;
}

/** A fault as one rule sets it. */
export interface Fault extends FaultAction {
  /** Name of the kind: `error`, `delay`, … */
  readonly kind: string;
}

/** Place of a rule, as far as a fault needs it. */
export interface CompileContext {
  /** Folder that relative paths start from: that of the rule file; `undefined` where rules came otherwise and name no files. */
  readonly folder: string | undefined;
}

/** A kind of fault: the one thing a file in this folder exports. */
export interface FaultKind<Spec> {
  readonly name: string;
  /** One sentence for `--help`, the docs and the JSON Schema. */
  readonly summary: string;
  readonly schema: z.ZodType<Spec>;
  /** Checks the settings against the provider's catalog and makes the fault, or says what is wrong with them. */
  compile(spec: Spec, provider: Provider, surroundings: CompileContext): FaultAction | Problem[];
}
