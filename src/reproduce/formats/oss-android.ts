import { idOf, known, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** OSS Android SDK: `[StatusCode]: 403, [Code]: …, [Message]: …, [Requestid]: …, [HostId]: …, [RawMessage]: …`. */
export const ossAndroid: ReportFormat = {
  name: 'OSS Android SDK',
  find: (text) =>
    readEach(
      text,
      /\[StatusCode\]: ?(\d{3}), \[Code\]: ?([\w.]{0,80}), \[Message\]: ?/g,
      ([mark, status, code], after) => {
        const rest = after.slice(mark.length, mark.length + 2000);
        return {
          provider: 'aliyun-oss',
          status: statusOf(status),
          code: known(code),
          message: known(/^([^\n]*?), \[Requestid\]/i.exec(rest)?.[1]),
          requestId: idOf(/\[Requestid\]: ?([^\s,]*)/i.exec(rest)?.[1]),
          hostId: idOf(/\[HostId\]: ?([^\s,]*)/.exec(rest)?.[1]),
        };
      },
    ),
};
