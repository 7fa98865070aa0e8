import { known, operationIn, readEach, type Shape, statusOf } from '../sighting.ts';

/** Arrow and what is built on the AWS SDK for C++: `AWS Error SLOW_DOWN during PutObject operation: …`. */
export const arrow: Shape = {
  name: 'Arrow, Milvus',
  find: (text) =>
    readEach(
      text,
      /AWS Error ([A-Z_]{2,60})(?: \(HTTP status (\d{3})\))? during (\w{1,60}) operation(?:: ([^\n]{0,1500}))?/g,
      ([, code, status, operation, message]) =>
        code === 'NETWORK_CONNECTION'
          ? { weight: 'hint', operation: operationIn(operation) }
          : {
              provider: 'aws-s3',
              code: known(code),
              status: statusOf(status),
              operation: operationIn(operation),
              message: known(message?.replace(/["')]+$/, '')),
            },
    ),
};
