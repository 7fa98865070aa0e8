import { type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** Status and reason in front of a body: rclone's `503 Slow Down: <?xml …`, boto's `S3ResponseError: 200 OK`. */
export const statusLine: ReportFormat = {
  name: 'status before a body (rclone, boto)',
  find: (text) =>
    readEach(
      text,
      /(?<!\d)([2-5]\d\d) ([A-Z][A-Za-z' -]{1,40}):?\s{0,4}(?=<\?xml|<Error|<html|<!DOCTYPE)/g,
      ([, digits, reason], _, before) => ({
        api: /\bS3ResponseError|\bs3 \w{1,20}: $/.test(before.slice(-80)) ? 's3' : undefined,
        status: statusOf(digits),
        reason: reason?.trim(),
      }),
    ),
};
