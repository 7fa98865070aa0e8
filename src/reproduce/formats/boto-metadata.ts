import { first, idOf, number, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** The dictionary that boto3 keeps of an answer: `'ResponseMetadata': {'RequestId': …, 'HTTPStatusCode': 503, …}`. */
export const botoMetadata: ReportFormat = {
  name: 'ResponseMetadata of boto3',
  find: (text) =>
    readEach(text, /['"]ResponseMetadata['"]: ?\{/g, (mark, after, before) => {
      const status = statusOf(/['"]HTTPStatusCode['"]: ?(\d{3})/.exec(after)?.[1]);
      const error = `${before.slice(-500)}${after.slice(0, 2500)}`;
      const code = first(/['"]Code['"]: ?['"]([A-Z][\w.]{2,80})['"]/, error);
      if (status === undefined || (status < 300 && code === undefined)) return undefined;
      return {
        api: /['"]HostId['"]/.test(after) ? 's3' : undefined,
        status,
        code,
        message: first(/['"]Message['"]: ?(?:'([^'\n]{1,800})'|"[^"\n]{1,800}")/, error),
        requestId: idOf(/['"]RequestId['"]: ?['"]([^'"]*)/.exec(after)?.[1]),
        hostId: idOf(/['"]HostId['"]: ?['"]([^'"]*)/.exec(after)?.[1]),
        retries: number(/['"]RetryAttempts['"]: ?(\d+)/, after),
        length: Math.min(after.length, mark[0].length + 600),
      };
    }),
};
