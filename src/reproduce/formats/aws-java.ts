import {
  type ErrorFields,
  first,
  idOf,
  known,
  number,
  type ReportFormat,
  readEach,
  requestTo,
  statusOf,
} from '../error-match.ts';
import { codeAndMessage, rowsOfCode } from '../known.ts';

/** Exceptions of the AWS SDK for Java: `… (Service: Amazon S3; Status Code: 503; Error Code: SlowDown; Request ID: …)`. */
export const awsJava: ReportFormat = {
  name: 'AWS SDK for Java',
  find: (text) =>
    readEach(
      text,
      /\(Service: ([^;,()\n]{1,40})[;,] Status Code: (\d{3})/g,
      ([, service = '', status], after, before) => {
        const close = after.indexOf(')');
        const inside = after.slice(0, close < 0 ? 1000 : close);
        const { kind, message } = thrownIn(before);
        const attempts = number(/^\) \(SDK Attempt Count: (\d+)\)/, after.slice(inside.length));
        return {
          ...(/^(?:Amazon )?S3$/i.test(service) ? { api: 's3' } : { foreign: service }),
          status: statusOf(status),
          code: first(/Error Code: ([A-Za-z][\w.]*)/, inside) ?? codeOf(kind),
          // An answer to HEAD has the status in place of the code, and its reason in place of the message.
          message: /Error Code: \d{3} /.test(inside) ? undefined : known(message?.split('; request: ', 1)[0]),
          ...requestIn(message),
          requestId: idOf(/Request ID: ([^;,]*)/.exec(inside)?.[1]),
          hostId: idOf(/Extended Request ID: ([^;,]*)/.exec(inside)?.[1]),
          retries: attempts === undefined ? undefined : attempts - 1,
          reach: message === undefined ? 0 : message.length,
          length: inside.length,
        };
      },
    ),
};

/** Version 2 names the code by the class of the exception, and by nothing where it has no class. */
function codeOf(kind: string | undefined): string | undefined {
  return kind === undefined || /^(?:|S3|AmazonS3|AmazonService|AwsService|Sdk|SdkService)$/.test(kind)
    ? undefined
    : kind;
}

/** The innermost exception of a line; Hadoop puts the code in the place of its class: `…):SlowDown: Please …`. */
function thrownIn(before: string): {
  readonly kind?: string | undefined;
  readonly message?: string | undefined;
} {
  const line = before.split('\n').at(-1) ?? '';
  const at = line.lastIndexOf('Exception: ');
  if (at >= 0) {
    return {
      kind: /[A-Za-z0-9]{0,60}$/.exec(line.slice(0, at))?.[0],
      message: line.slice(at + 'Exception: '.length),
    };
  }
  const error = codeAndMessage(line);
  return error !== undefined && rowsOfCode(error.code).length > 0
    ? { kind: error.code, message: error.message }
    : {};
}

/** Databricks says what was asked for: `Bad Request; request: HEAD https://b.s3.amazonaws.com dir/k {} …`. */
function requestIn(message: string | undefined): ErrorFields {
  const [, method, host, key = ''] =
    /; request: ([A-Z]{3,7}) (https?:\/\/[^\s/]{1,253})\/? (\S{0,1024}) ?\{/.exec(message ?? '') ?? [];
  return host === undefined ? {} : requestTo(`${host}/${key}`, method);
}
