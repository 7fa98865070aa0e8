import { first, idOf, number, readEach, type Shape, statusOf } from '../sighting.ts';

/** What version 3 of the AWS SDK for JavaScript adds to an error: `'$metadata': { httpStatusCode: 503, attempts: 3, … }`. */
export const jsMetadata: Shape = {
  name: '$metadata of the AWS SDK for JavaScript 3',
  find: (text) =>
    readEach(text, /\$metadata['"]?: ?\{/g, (_, after) => {
      const close = after.indexOf('}');
      const inside = after.slice(0, close < 0 ? 800 : close);
      const rest = after.slice(inside.length, inside.length + 400);
      const status = statusOf(/httpStatusCode['"]?: ?(\d{3})/.exec(inside)?.[1]);
      const attempts = number(/attempts['"]?: ?(\d+)/, inside);
      if (status === undefined || status < 300) return undefined;
      return {
        status,
        code: first(/\bCode['"]?: ?['"]([A-Z][\w.]{2,80})['"]/, rest),
        requestId: idOf(/requestId['"]?: ?['"]([^'"]*)/.exec(inside)?.[1]),
        hostId: idOf(/extendedRequestId['"]?: ?['"]([^'"]*)/.exec(inside)?.[1]),
        retries: attempts === undefined ? undefined : attempts - 1,
        length: inside.length,
      };
    }),
};
