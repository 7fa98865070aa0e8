import { idOf, known, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** obsutil: `Upload failed, [a]-->[obs://b/a], status [403], error code [AccessDenied], error message [Access Denied], request id [0000…]`. */
export const obsutil: ReportFormat = {
  name: 'obsutil',
  find: (text) =>
    readEach(
      text,
      /\bstatus \[(\d{3})\], error code \[([\w.]{0,80})\], error message \[([^\]\n]{0,800})\](?:, request id \[([^\]\n]{0,200})\])?/g,
      ([, status, code, message, id], _, before) => {
        const [, bucket, key] =
          /\[obs:\/\/([\w.-]{3,63})\/([^\]\n]{1,1024})\][^\n]{0,60}$/.exec(before) ?? [];
        return {
          provider: 'huawei-obs',
          status: statusOf(status),
          code: known(code),
          message: known(message),
          requestId: idOf(id),
          bucket,
          key,
        };
      },
    ),
};
