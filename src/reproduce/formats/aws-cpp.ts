import { first, idOf, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** The log of the AWS SDK for C++: `HTTP response code: 503⏎Resolved remote host IP address: …⏎Exception name: SlowDown⏎…`. */
export const awsCpp: ReportFormat = {
  name: 'AWS SDK for C++',
  find: (text) =>
    readEach(text, /HTTP response code: (\d{3})/g, ([, status], after) => {
      const block = after.slice(0, 2500);
      const code = first(/^Exception name: ?([^\n]{0,80})/m, block);
      if (!/^(?:Resolved remote host|Request ID:|Exception name:)/m.test(block)) return undefined;
      return {
        status: statusOf(status),
        code,
        message: first(/^Error message: ?([^\n]{0,1500})/m, block),
        requestId: idOf(/^(?:Request ID|x-amz-request-id ?): ?([^\s"]*)/m.exec(block)?.[1]),
        hostId: idOf(/^x-amz-id-2 ?: ?([^\s"]*)/m.exec(block)?.[1]),
        length: Math.min(block.length, block.indexOf('Error message') + 200),
      };
    }),
};
