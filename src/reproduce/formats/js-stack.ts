import {
  type ErrorFields,
  type ErrorMatch,
  known,
  MOST_PLACES,
  type ReportFormat,
  serviceOf,
} from '../error-match.ts';
import { rowsOfCode } from '../known.ts';

const SDKS: readonly (readonly [frame: RegExp, told: ErrorFields])[] = [
  [/@aws-sdk.client-s3\b|aws-sdk\/lib\/services\/s3\b|\bminio\b/, { api: 's3' }],
  [/@aws-sdk|@smithy|aws-sdk\/lib|throwDefaultError|de_\w{0,60}CommandError/, {}],
  [/\bali-oss\b/, { provider: 'aliyun-oss' }],
];

/** Errors of JavaScript SDKs with their stacks: `SlowDown: Please …` and frames of the AWS SDK (2, 3), ali-oss, minio. */
export const jsStack: ReportFormat = {
  name: 'stack of a JavaScript SDK (AWS 2 and 3, ali-oss, minio)',
  find(text) {
    const found: ErrorMatch[] = [];
    let end = -1;
    let places = 0;
    for (const frame of text.matchAll(/\n[ \t]+at [^\n]{1,400}/g)) {
      const isNext = frame.index === end;
      end = frame.index + frame[0].length;
      // Only the first frame of a stack has the error above it.
      if (isNext) continue;
      if (++places > MOST_PLACES) break;
      const frames = text.slice(frame.index, frame.index + 2000).split(/\n(?![ \t]+at )(?=.)/, 2)[0] ?? '';
      const sdk = SDKS.find(([pattern]) => pattern.test(frames));
      const from = Math.max(text.lastIndexOf('\n', frame.index - 1) + 1, frame.index - 500);
      const head = text.slice(from, frame.index);
      const error = /(?<![\w.])(?!Error:|Uncaught)([A-Z]\w{2,80})(?: \[(\w{1,80})\])?: ([^\n]{0,400})$/.exec(
        head,
      );
      const name = error?.[2] ?? error?.[1];
      if (sdk === undefined || error === null || name === undefined || isOfLanguage(name)) continue;
      found.push({
        from: from + error.index,
        to: end,
        weight: 'sure',
        ...sdk[1],
        code: known(name),
        message: known(error[3]),
        ...serviceOf(/de_(\w{3,60})CommandError/.exec(frames)?.[1]),
      });
    }
    return found;
  },
};

/** Names of errors that JavaScript throws, and of network errors of SDKs. */
function isOfLanguage(name: string): boolean {
  return (
    rowsOfCode(name).length === 0 &&
    /^(?:Type|Range|Reference|Syntax|Aggregate|Timeout|ConnectionTimeout|ResponseTimeout|Request|Response|Networking|S3)?Error$|^S3ServiceException$/.test(
      name,
    )
  );
}
