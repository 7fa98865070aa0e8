import {
  type ErrorFields,
  known,
  messageOf,
  operationIn,
  type ReportFormat,
  readEach,
  statusOf,
} from '../error-match.ts';

/** Arrow and what is built on the AWS SDK for C++: `AWS Error SLOW_DOWN during PutObject operation: …`. */
export const arrow: ReportFormat = {
  name: 'Arrow, Milvus',
  find: (text) =>
    readEach(
      text,
      /AWS Error ([A-Z_]{2,60})(?: \(HTTP status (\d{3})\))? during (\w{1,60}) operation(?:: ([^\n]{0,1500}))?/g,
      ([, code, status, operation, message], _, before) =>
        code === 'NETWORK_CONNECTION'
          ? { ...placeIn(before), weight: 'hint', operation: operationIn(operation) }
          : {
              ...placeIn(before),
              api: 's3',
              code: known(code),
              status: statusOf(status),
              operation: operationIn(operation),
              message: messageOf(message?.replace(/[')]+$/, '')),
            },
    ),
};

/** `When completing multiple part upload for key 'k' in bucket 'b': `; of a list it is a prefix. */
function placeIn(before: string): ErrorFields {
  const [, what, key, bucket] =
    /\b(under )?key '([^'\n]{1,1024})' in bucket '([^'\n]{1,63})': $/.exec(before) ?? [];
  return { bucket: known(bucket), key: what === undefined ? known(key) : undefined };
}
