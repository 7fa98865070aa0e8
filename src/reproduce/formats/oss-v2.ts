import {
  first,
  idOf,
  operationIn,
  type ReportFormat,
  readEach,
  requestTo,
  statusOf,
} from '../error-match.ts';

/** Version 2 of OSS's Go and Python SDKs: `Error returned by Service. ⏎Http Status Code: … ⏎Error Code: … ⏎Request Id: …`. */
export const ossV2: ReportFormat = {
  name: 'OSS Go and Python SDK 2',
  find: (text) =>
    readEach(text, /Error returned by Service\./g, ([mark], after, before) => {
      const field = (name: string) =>
        first(new RegExp(`${name}: ([^\\n]*?)\\.?\\s*(?:$|\\n|\\. [A-Z])`), after.slice(0, 2500));
      const [, method, url] = /Request Endpoint: ([A-Z]{3,7}) (\S{1,2000})/.exec(after) ?? [];
      return {
        ...(url === undefined ? {} : requestTo(url.replace(/\.$/, ''), method)),
        provider: 'aliyun-oss',
        ...operationBefore(before),
        status: statusOf(/Http Status Code: (\d{3})/.exec(after)?.[1]),
        code: first(/Error Code: ([\w.]+?)\.?(?:\s|$)/, after),
        message: field('Message'),
        requestId: idOf(/Request Id: (\w+)/.exec(after)?.[1]),
        length: mark.length + Math.max(0, after.slice(0, 1500).search(/Message: /)),
      };
    }),
};

function operationBefore(before: string): { operation?: string } {
  const operation = operationIn(/operation error (\w{1,60}): \s*$/.exec(before)?.[1]);
  return operation === undefined ? {} : { operation };
}
