import {
  idOf,
  known,
  messageOf,
  number,
  operationIn,
  type ReportFormat,
  readEach,
  statusOf,
} from '../error-match.ts';

/** Version 2 of the AWS SDK for Go: `operation error S3: PutObject, https response error StatusCode: 503, RequestID: …, api error SlowDown: …`. */
export const awsGo2: ReportFormat = {
  name: 'AWS SDK for Go 2',
  find: (text) =>
    readEach(
      text,
      /operation error\s{1,20}([\w ]{1,40}):\s{1,20}(\w{1,60}),/g,
      ([, service = '', operation], after) => {
        const status = statusOf(/StatusCode:\s{1,20}(\d{3})/.exec(after)?.[1]);
        const error =
          /api\s{1,20}error\s{1,20}([\w.]{1,80}):([^\n]{0,1500})/.exec(after) ??
          /HostID:\s{0,20}[^,\s]{0,200},\s{1,20}([A-Z]\w{1,80}):([^\n]{0,1500})/.exec(after);
        const attempts = number(/exceeded maximum number of attempts,\s{1,20}(\d+)/, after);
        return {
          ...(service === 'S3' ? { api: 's3' } : { foreign: `${service} ${operation}` }),
          operation: operationIn(operation),
          status,
          code: known(error?.[1]),
          message: messageOf(error?.[2]?.replace(/\s*(?:\[\]\}\]|')?\s*$/, '')),
          requestId: idOf(/RequestID:\s{1,20}([^,\s]*)/.exec(after)?.[1]),
          hostId: idOf(/HostID:\s{1,20}([^,\s]*)/.exec(after)?.[1]),
          retries: attempts === undefined ? undefined : attempts - 1,
          // Without a status there was no answer, and what there was instead stands behind.
          weight: status === undefined && error === null ? 'hint' : 'sure',
          length: error === null ? lengthOfHead(after) : error.index + error[0].length,
        };
      },
    ),
};

/** Without an error behind it, the sentence is what there is. */
function lengthOfHead(after: string): number {
  return Math.min(after.length, 300);
}
