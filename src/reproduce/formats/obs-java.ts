import { idOf, known, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** OBS Java SDK: `… -- ResponseCode: 403, ResponseStatus: Forbidden, XML Error Message: …`, or `RequestId: …, HostId: …`. */
export const obsJava: ReportFormat = {
  name: 'OBS Java SDK',
  find: (text) =>
    readEach(
      text,
      /-- ResponseCode: (\d{3}), ResponseStatus: ([^,\n]{0,60})/g,
      ([mark, status, reason], after) => {
        const line = after.slice(0, 800).split('\n', 1)[0] ?? '';
        return {
          provider: 'huawei-obs',
          status: statusOf(status),
          reason: known(reason),
          code: known(/\bError ?Code: ?([\w.]+)/.exec(line)?.[1]),
          requestId: idOf(/, RequestId: ?([^,\s]*)/.exec(line)?.[1]),
          hostId: idOf(/, HostId: ?([^,\s]*)/.exec(line)?.[1]),
          length: mark.length,
        };
      },
    ),
};
