import { z } from 'zod';
import { DURATION_HELP, parseDuration, parseSize, SIZE_HELP } from './units.ts';

/**
 * Extends a schema by a parser of a notation. The message that the parser throws becomes the diagnostic. Its kind is
 * `out-of-range` for a RangeError, otherwise `bad-notation`; `issue` can name another one.
 */
export function parsedWith<Given, Value>(
  schema: z.ZodType<Given, Given>,
  read: (given: Given) => Value,
  issue?: { readonly params: { readonly kind: string } },
) {
  return schema.transform((given, context): Value => {
    try {
      return read(given);
    } catch (error) {
      const params = { kind: error instanceof RangeError ? 'out-of-range' : 'bad-notation' };
      const message = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', message, params, ...issue });
      return z.NEVER;
    }
  });
}

/** Schema of a duration in a rule file, parsed into ms. */
export const duration = parsedWith(z.string({ error: DURATION_HELP }), parseDuration).meta({
  description: 'A duration: 200ms, 2s, 1m or 1h',
});

/** Schema of a size in a rule file, parsed into bytes. */
export const size = parsedWith(z.union([z.string(), z.number()], { error: SIZE_HELP }), parseSize).meta({
  description: 'A size: 100B, 64KiB, 5MiB or 1GiB',
});
