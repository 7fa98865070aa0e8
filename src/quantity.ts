import { z } from 'zod';
import { parseDuration, parseSize } from './units.ts';

/** A duration in a rule file, read into ms. */
export const duration = z
  .string()
  .transform(readBy(parseDuration))
  .meta({ description: 'A duration: 200ms, 2s, 1m or 1h' });

/** A size in a rule file, read into bytes. */
export const size = z
  .union([z.string(), z.number()])
  .transform(readBy(parseSize))
  .meta({ description: 'A size: 100B, 64KiB, 5MiB, 1GiB' });

function readBy<Text>(parse: (text: Text) => number) {
  return (text: Text, context: z.RefinementCtx): number => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  };
}
