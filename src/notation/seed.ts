import { z } from 'zod';

/** Control characters, line ends, halves of a character, and what turns the direction of a line that quotes the text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text can be quoted in a line of a log as it is. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}

/** For whoever gave something else. */
export const WHAT_A_SEED_IS = 'a seed is a number, or one line of plain text of up to 100 characters';

/** A seed that is given otherwise than in a rule file: no longer than is good in a line of the log. */
export const seedSchema = z.custom<number | string>(isSeed, { error: WHAT_A_SEED_IS });

function isSeed(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' && value.length >= 1 && value.length <= 100 && isPrintable(value);
}
