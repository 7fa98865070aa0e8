import { idOf, known, type ReportFormat, readEach } from '../error-match.ts';

/** minio-py: `S3 operation failed; code: …, message: …, resource: …`; minio-java: `ErrorResponse(code = …, message = …)`. */
export const minio: ReportFormat = {
  name: 'minio-py, minio-java',
  find: (text) =>
    readEach(text, /S3 operation failed; code: |ErrorResponse\(code ?= ?/g, ([mark], after) => {
      const line = after.split('\n', 1)[0] ?? '';
      const field = (...names: string[]) => fieldIn(line, names);
      return {
        api: 's3',
        code: /^[\w.]+/.exec(line.slice(mark.length))?.[0],
        message: field('message'),
        bucket: field('bucket_name', 'bucketName'),
        key: field('object_name', 'objectName'),
        requestId: idOf(field('request_id', 'requestId')),
        hostId: idOf(field('host_id', 'hostId')),
        length: line.length,
      };
    }),
};

/** A value reaches to the next name. */
function fieldIn(line: string, names: readonly string[]): string | undefined {
  const [, value] =
    new RegExp(`, (?:${names.join('|')})(?:: | ?= ?)(.{0,1500}?)(?=, \\w{1,20}(?:: | ?= ?)|\\)?$)`).exec(
      line,
    ) ?? [];
  return known(value);
}
