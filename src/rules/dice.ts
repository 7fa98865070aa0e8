import { hash, randomInt } from 'node:crypto';

/** What a draw is made of besides seed, rule and count: what tells one request from another in every run. */
export interface DrawSubject {
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly part: number | undefined;
  readonly attempt: number | undefined;
  /** Which part of it, such as its Range; '' for all of it. */
  readonly selection: string;
}

/** The upload id is left out on purpose: the upstream mints a new one in each run, so a repeated run would meet other faults. */
function encode(subject: DrawSubject): string {
  // JSON keeps field borders unambiguous: ("a", "bc") and ("ab", "c") are different texts.
  return JSON.stringify([
    subject.operation,
    subject.bucket ?? null,
    subject.key ?? null,
    subject.part ?? null,
    subject.attempt ?? null,
    ...(subject.selection === '' ? [] : [subject.selection]),
  ]);
}

/**
 * One throw of the dice, in [0, 1): a hash of what the request is, not "the next random number", so that the same
 * request meets the same fate in any order. `nth` (1-based) tells requests apart that are alike in all else.
 */
export function draw(seed: number | string, rule: string, subject: DrawSubject, nth: number): number {
  const digest = hash('sha256', JSON.stringify([String(seed), rule, nth]) + encode(subject), 'hex');
  // 52 bits: all that fit a double below 1 with even spacing.
  return Number.parseInt(digest.slice(0, 13), 16) / 2 ** 52;
}

/** A seed for a run that was given none: 32 bits, short enough to be read out and typed again. */
export function newSeed(): number {
  return randomInt(2 ** 32);
}
