import { first, idOf, number, readEach, type Shape, statusOf } from '../sighting.ts';

/** Errors of JavaScript SDKs as Node prints them: `{ [InvalidPart: …] code: 'InvalidPart', statusCode: 400, … }`. */
export const jsObject: Shape = {
  name: 'error object of a JavaScript SDK',
  find: (text) =>
    readEach(text, /(?<![\w.])[cC]ode: '([A-Z][\w.]{2,80})'/g, ([, code = ''], after, before) => {
      const near = `${before.slice(-600)}${after.slice(0, 900)}`;
      const status = statusOf(/\b(?:status|statusCode|httpStatusCode): (\d{3})/.exec(near)?.[1]);
      const requestId = idOf(/\b(?:requestId|RequestId|requestid|amzRequestid): '([^']*)'/.exec(near)?.[1]);
      if (status === undefined && requestId === undefined) return undefined;
      const message =
        first(new RegExp(`\\b${code}(?:Error)?: ([^\\]\\n]{1,600})(?:\\]|\\n|$)`), before) ??
        first(/\b[mM]essage: ['"`]([^\n]{1,600}?)['"`],?\n/, near);
      const attempts = number(/\battempts: (\d+)/, near);
      return {
        code,
        status,
        requestId,
        message,
        hostId: idOf(/\b(?:hostId|HostId|hostid|extendedRequestId): '([^']*)'/.exec(near)?.[1]),
        retries: attempts === undefined ? undefined : attempts - 1,
        length: after.slice(0, 900).length,
      };
    }),
};
