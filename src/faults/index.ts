import type { z } from 'zod';
import { corrupt } from './corrupt.ts';
import { delay } from './delay.ts';
import { duplicate } from './duplicate.ts';
import { error } from './error.ts';
import type { FaultKind } from './fault.ts';
import { partial } from './partial.ts';
import { reset } from './reset.ts';
import { respond } from './respond.ts';
import { stall } from './stall.ts';
import { throttle } from './throttle.ts';
import { truncate } from './truncate.ts';

const KINDS = [delay, throttle, stall, duplicate, respond, error, partial, reset, truncate, corrupt] as const;

/**
 * All kinds of faults, in the order in which the faults of one rule act. The rule schema, `serve --help` and the tests of
 * the docs read this list.
 */
export const FAULT_KINDS: readonly FaultKind<unknown>[] = KINDS;

/** Settings as a program writes them. They are never changed, so their lists may be read-only (`as const`). */
export type Stated<Spec> = Spec extends readonly (infer Item)[]
  ? readonly Stated<Item>[]
  : Spec extends object
    ? { readonly [Key in keyof Spec]: Stated<Spec[Key]> }
    : Spec;

/** Faults of a rule as its file states them: settings by kind. */
export type FaultSettings = {
  readonly [Kind in (typeof KINDS)[number] as Kind['name']]?: Stated<z.input<Kind['schema']>> | undefined;
};
