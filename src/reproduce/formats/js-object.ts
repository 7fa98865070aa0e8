import { first, idOf, number, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** Fields that version 3 of the AWS SDK adds to an error, followed by the code; or the code field of any SDK. */
const MARKS =
  /\$metadata['"]?: ?\{[^}]{0,800}\}?(?:[^}]{0,400}?\bCode['"]?: ?['"]([A-Z][\w.]{2,80})['"])?|(?<![\w.])[cC]ode: '([A-Z][\w.]{2,80})'/g;

/** Errors of JavaScript SDKs as Node prints them: `{ [InvalidPart: …] code: 'InvalidPart', statusCode: 400, … }`, `{ '$metadata': { httpStatusCode: 503, … } }`. */
export const jsObject: ReportFormat = {
  name: 'error object of a JavaScript SDK',
  find: (text) =>
    readEach(text, MARKS, ([mark, first3, other], after, before) => {
      const isMetadata = mark.startsWith('$');
      const code = first3 ?? other;
      const near = isMetadata ? mark : `${before.slice(-600)}${after.slice(0, 900)}`;
      const status = statusOf(/\b(?:status|statusCode|httpStatusCode)['"]?: ?(\d{3})/.exec(near)?.[1]);
      const requestId = idOf(
        /\b(?:requestId|RequestId|requestid|amzRequestid)['"]?: ?['"]([^'"]*)['"]/.exec(near)?.[1],
      );
      const isFailure = isMetadata
        ? (status ?? 0) >= 300 || code !== undefined
        : (status ?? requestId) !== undefined;
      if (!isFailure) return undefined;
      const attempts = number(/\battempts['"]?: ?(\d+)/, near);
      return {
        code,
        status,
        requestId,
        message: code === undefined || isMetadata ? undefined : messageNear(code, before, near),
        hostId: idOf(/\b(?:hostId|HostId|hostid|extendedRequestId)['"]?: ?['"]([^'"]*)['"]/.exec(near)?.[1]),
        retries: attempts === undefined ? undefined : attempts - 1,
        length: isMetadata ? mark.length : after.slice(0, 900).length,
      };
    }),
};

/** Behind the code, or by its name. */
function messageNear(code: string, before: string, near: string): string | undefined {
  return (
    first(new RegExp(`\\b${code}(?:Error)?: ([^\\]\\n]{1,600})(?:\\]|\\n|$)`), before) ??
    first(/\b[mM]essage: ['"`]([^\n]{1,600}?)['"`],?\n/, near)
  );
}
