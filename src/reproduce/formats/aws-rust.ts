import { first, idOf, operationIn, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** The AWS SDK for Rust: `ErrorMetadata { code: Some("…"), message: Some("…"), extras: … }`, or its short form. */
export const awsRust: ReportFormat = {
  name: 'AWS SDK for Rust',
  find: (text) =>
    readEach(
      text,
      /\b(?:Error|ErrorMetadata) \{ code: (?:Some\()?"([\w.]{2,80})"/g,
      ([, code], after, before) => ({
        code,
        message: first(/\bmessage: (?:Some\()?"([^"\n]{0,1500})"/, after),
        status: statusOf(/\bStatusCode\((\d{3})\)/.exec(`${before}${after}`)?.[1]),
        requestId: idOf(/aws_request_id"?: ?"([^"]*)"/.exec(after)?.[1]),
        hostId: idOf(/s3_extended_request_id"?: ?"([^"]*)"/.exec(after)?.[1]),
        operation: operationIn(/(\w{3,60})Error \{/.exec(before)?.[1]),
        length: Math.min(after.length, 600),
      }),
    ),
};
