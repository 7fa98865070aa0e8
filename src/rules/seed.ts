import { z } from 'zod';

/** Control characters, line ends, halves of a character, and what turns the direction of a line that quotes the text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text can be quoted in a line of a log as it is. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}

/** A seed that is given while the proxy runs: like that of a rule file, but no longer than is good in a line of the log. */
export const seedSchema = z.union([z.number(), z.string().min(1).max(100).refine(isPrintable)]);

/** For whoever gave something else. */
export const WHAT_A_SEED_IS = 'a seed is a number, or one line of plain text of up to 100 characters';
