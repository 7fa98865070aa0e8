import { first, idOf, known, type ReportFormat, readEach, requestTo, statusOf } from '../error-match.ts';

/** OSS Go SDK 1, ossutil: `oss: service returned error: StatusCode=503, ErrorCode=…, ErrorMessage="…", RequestId=…`. */
export const ossGo: ReportFormat = {
  name: 'OSS Go SDK 1, ossutil',
  find: (text) =>
    readEach(
      text,
      /oss: service returned (?:error: StatusCode=|invalid response body, status = )(\d{3})(?: ([A-Z][A-Za-z ]{1,40}))?/g,
      ([mark, status, reason], after) => {
        const line = after.split('\n', 1)[0] ?? '';
        const isGarbage = mark.includes('invalid response body');
        const endpoint = requestTo(/Endpoint=([^,\s]{1,300})/.exec(line)?.[1] ?? '/');
        return {
          provider: 'aliyun-oss',
          status: statusOf(status),
          reason: isGarbage ? known(reason) : undefined,
          code: first(/ErrorCode=([\w.]*)/, line),
          message: first(/ErrorMessage="?([^\n]*?)"?, (?:RequestId|Ec)=/, line),
          requestId: idOf(/RequestId ?= ?([^,\s]*)/.exec(line)?.[1]),
          bucket: first(/Bucket=([^,\s]+)/, line) ?? endpoint.bucket,
          key: first(/Object=([^,]+)/, line),
          unparsableBody: isGarbage || undefined,
          length: line.length,
        };
      },
    ),
};
