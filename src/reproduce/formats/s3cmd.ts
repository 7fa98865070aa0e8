import { messageOf, type ReportFormat, readEach, requestTo, statusOf } from '../error-match.ts';

/** s3cmd: `ERROR: S3 error: 400 (InvalidPart): …`, `WARNING: Upload failed: /key?partNumber=3&uploadId=… (503 (SlowDown): …)`, `WARNING: Retrying failed request: /key (503 …)`. */
export const s3cmd: ReportFormat = {
  name: 's3cmd',
  find: (text) =>
    readEach(
      text,
      /(?<!\d)([2-5]\d\d) \(([A-Z][\w.]{2,80})\)(?:: ([^\n]{0,1500}))?/g,
      ([, status, code, rest], _, before) => {
        const target = /(?:Upload failed|Retrying failed request): (\/\S{1,2000}) \($/.exec(before)?.[1];
        const { key, part, uploadId } =
          target === undefined ? {} : requestTo(`http://bucket.s3.amazonaws.com${target}`, 'PUT');
        return {
          status: statusOf(status),
          code,
          message: messageOf(target === undefined ? rest : rest?.replace(/\)$/, '')),
          key,
          part,
          uploadId,
          operation: part === undefined ? undefined : 'UploadPart',
        };
      },
    ),
};
