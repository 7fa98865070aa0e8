import { hash, randomInt } from 'node:crypto';

/**
 * Draws a number in [0, 1). It is a hash of the request's `drawIdentity`, not "the next random number": the same request
 * draws the same number in any order. `nth` (1-based) tells requests of one identity apart.
 */
export function draw(seed: number | string, rule: string, identity: string, nth: number): number {
  const digest = hash('sha256', JSON.stringify([String(seed), rule, nth]) + identity, 'hex');
  // 52 bits: all that fit a double below 1 with even spacing.
  return Number.parseInt(digest.slice(0, 13), 16) / 2 ** 52;
}

/** Draws a seed for a run that was given none: 32 bits, short enough to be read out and typed again. */
export function newSeed(): number {
  return randomInt(2 ** 32);
}
