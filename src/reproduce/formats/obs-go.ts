import { first, idOf, known, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** OBS Go SDK, Terraform: `obs: service returned error: Status=403 Forbidden, Code=…, Message=…, RequestId=…`. */
export const obsGo: ReportFormat = {
  name: 'OBS Go SDK, Terraform',
  find: (text) =>
    readEach(
      text,
      /obs: service returned error:\s{0,8}Status=(?:(\d{3}) ?([A-Za-z ]{0,40}))?/g,
      ([mark, status, reason], after) => {
        const block = after.slice(mark.length, mark.length + 1500);
        return {
          provider: 'huawei-obs',
          status: statusOf(status),
          reason: known(reason),
          code: first(/, Code=([\w.]*)/, block),
          message: known(/, Message=([^\n]*?)(?:, RequestId=|\.?$|\n)/.exec(block)?.[1]),
          requestId: idOf(/, RequestId=([^,\s]*)/.exec(block)?.[1]),
          length: mark.length + Math.max(0, block.search(/\n|$/)),
        };
      },
    ),
};
