import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { Provider } from '../catalog/catalog.ts';
import type { Document } from '../catalog/document.ts';
import type { Problem } from '../diagnostics/problem.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Facts } from '../request/facts.ts';
import type { Phase, Place } from './point.ts';

/** The upstream's answer, still to be relayed to the client; `undefined` when a fault has answered instead. */
export type Answer = IncomingMessage | undefined;

/** The rest of the chain: the faults after this one, then forwarding to the upstream. */
export type Next = () => Promise<Answer>;

/** A fault as one rule sets it, ready to be injected into any number of exchanges. */
export interface Fault {
  /** Name of the kind: `error`, `delay`, … */
  readonly kind: string;
  /** The documented code it answers with, where it answers with one. */
  readonly code: string | undefined;
  /** One line for people: `SlowDown 503 before the body is read`. */
  readonly summary: string;
  /** When it acts; left out: throughout the exchange. */
  readonly phase?: Phase;
  /** And where within a body, if that is fixed. */
  readonly place?: Place | undefined;
  /** It ends the exchange there: what would come after, on the way to the upstream or from it, does not. */
  readonly answers?: boolean;
  /** It forwards the request itself, maybe more than once; the others act around that, once. */
  readonly forwards?: boolean;
  /** It leaves something to the dice (`exchange.roll`). */
  readonly rolls?: boolean;
  /** The answer it would give to such a request; for `brownout explain`. */
  preview?(facts: Facts): Document;
  inject(exchange: Exchange, next: Next): Promise<Answer>;
}

/** What a fault may need of the place its rule stands in. */
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
  compile(spec: Spec, provider: Provider, surroundings: CompileContext): Fault | Problem[];
}
