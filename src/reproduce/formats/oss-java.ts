import { idOf, known, type ReportFormat, readEach } from '../error-match.ts';

/** Codes of errors that the SDK itself makes (com.aliyun.oss.ClientErrorCode). */
const OF_THE_CLIENT =
  /Exception$|^(?:Connection|Socket)Timeout$|^ConnectionRefused$|^UnknownHost$|^NonRepeatableRequest$|^InputStreamReadingAborted$/;

/** OSS Java SDK: `OSSException: …⏎[ErrorCode]: …⏎[RequestId]: …⏎[HostId]: …⏎[ResponseError]:⏎…`. */
export const ossJava: ReportFormat = {
  name: 'OSS Java SDK',
  find: (text) =>
    readEach(text, /\[ErrorCode\]: ?([\w.]{0,80})/g, ([, code = ''], after, before) => {
      // Nobody answered: what happened stands in the exception.
      if (OF_THE_CLIENT.test(code)) return { weight: 'hint', provider: 'aliyun-oss' };
      const message = /Exception: ([^\n]{0,800})\n?\s*$/.exec(before);
      const block = after.slice(0, 700);
      return {
        provider: 'aliyun-oss',
        code: known(code),
        message: known(message?.[1]),
        requestId: idOf(/\[RequestId\]: ?([^\s,]*)/.exec(block)?.[1]),
        hostId: idOf(/\[HostId\]: ?([^\s,]*)/.exec(block)?.[1]),
        reach: message?.[0].length ?? 0,
      };
    }),
};
