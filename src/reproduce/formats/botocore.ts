import {
  known,
  messageOf,
  number,
  type ReportFormat,
  readEach,
  serviceOf,
  statusOf,
} from '../error-match.ts';

/** boto3 and aws-cli: `An error occurred (SlowDown) when calling the PutObject operation (reached max retries: 4): …`. */
export const botocore: ReportFormat = {
  name: 'boto3, aws-cli',
  find: (text) =>
    readEach(
      text,
      /An error occurred \(([\w.]{1,80})\) when calling the (\w{1,60}) operation/g,
      ([mark, code = '', operation], after) => {
        const line = after.slice(mark.length).split('\n', 1)[0] ?? '';
        const message = /^(?: \([^()\n]{1,80}\))?: (.{1,1500})$/.exec(line)?.[1];
        // An answer to HEAD has the status in place of the code, and its reason in place of the message.
        const status = /^\d+$/.test(code) ? statusOf(code) : undefined;
        return {
          code: /^\d+$/.test(code) ? undefined : known(code),
          status,
          message: status === undefined ? messageOf(message?.replace(/'$/, '')) : undefined,
          ...serviceOf(operation),
          retries: number(/^ \(reached max retries: (\d+)\)/, line),
          length: mark.length + line.length,
        };
      },
    ),
};
