import { z } from 'zod';

/** Control characters, line ends, half surrogate pairs, and characters that change the direction of the text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Tells whether a text can be quoted in a log line without escapes. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}

/** Message for an invalid seed. */
export const SEED_HELP = 'a seed is a number, or one line of plain text of up to 100 characters';

/** Schema of a seed from a flag, an option or the admin port. It is short enough for a log line. */
export const seedSchema = z.custom<number | string>(isSeed, { error: SEED_HELP });

function isSeed(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' && value.length >= 1 && value.length <= 100 && isPrintable(value);
}
