import { z } from 'zod';
import { DURATION_HELP, parseDuration, parseSize, SIZE_HELP } from './units.ts';

/** A value in a notation of its own; the sentence its reader throws becomes the diagnostic. */
export function readBy<Given, Value>(schema: z.ZodType<Given, Given>, read: (given: Given) => Value) {
  return schema.transform((given, context): Value => {
    try {
      return read(given);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });
}

/** A duration in a rule file, read into ms. */
export const duration = readBy(z.string({ error: DURATION_HELP }), parseDuration).meta({
  description: 'A duration: 200ms, 2s, 1m or 1h',
});

/** A size in a rule file, read into bytes. */
export const size = readBy(z.union([z.string(), z.number()], { error: SIZE_HELP }), parseSize).meta({
  description: 'A size: 100B, 64KiB, 5MiB or 1GiB',
});
