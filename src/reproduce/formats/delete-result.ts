import { type ReportFormat, readEach } from '../error-match.ts';
import { elementsIn } from './xml.ts';

/** The answer to a DeleteObjects some of whose keys could not be deleted. */
export const deleteResult: ReportFormat = {
  name: 'DeleteResult with errors',
  find: (text) =>
    readEach(text, /<DeleteResult[\s>]/g, (_, after) => {
      const close = after.indexOf('</DeleteResult>');
      const inside = after.slice(0, close < 0 ? undefined : close);
      const errors = [...inside.matchAll(/<Error>(.{0,2000}?)<\/Error>/gs)].map(
        ([, error = '']) => new Map(elementsIn(error)),
      );
      const first = errors[0];
      if (first === undefined) return undefined;
      const code = first.get('Code');
      const keys = errors
        .filter((error) => error.get('Code') === code)
        .flatMap((error) => error.get('Key') ?? []);
      return {
        operation: 'DeleteObjects',
        status: 200,
        code,
        message: first.get('Message'),
        refusedKeys: keys,
        length: inside.length,
      };
    }),
};
