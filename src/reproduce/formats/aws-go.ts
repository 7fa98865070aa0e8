import { idOf, type ReportFormat, readEach, statusOf } from '../error-match.ts';
import { codeAndMessage } from '../known.ts';

/** Version 1 of the AWS SDK for Go: `SlowDown: Please …⏎⇥status code: 503, request id: …, host id: …`. */
export const awsGo: ReportFormat = {
  name: 'AWS SDK for Go 1',
  find: (text) =>
    readEach(
      text,
      /status code: (\d{3}), request id: ?([^,\s"]*)(?:, host id: ?([^\s"]*))?/g,
      ([, status, id, hostId], _, before) => {
        const line = before.trimEnd().split('\n').at(-1) ?? '';
        const error = codeAndMessage(line);
        return {
          // Only S3 has host ids.
          ...(hostId === undefined ? {} : { api: 's3' }),
          status: statusOf(status),
          code: error?.code,
          message: error?.message || undefined,
          requestId: idOf(id),
          hostId: idOf(hostId),
          reach: before.length - before.trimEnd().length + (error === undefined ? 0 : line.length),
        };
      },
    ),
};
