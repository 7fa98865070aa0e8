import { known, number, type ReportFormat, readEach } from '../error-match.ts';

const OPERATIONS: Readonly<Record<string, string>> = {
  completing: 'CompleteMultipartUpload',
  complete: 'CompleteMultipartUpload',
  aborting: 'AbortMultipartUpload',
  initiate: 'CreateMultipartUpload',
  upload: 'UploadPart',
};

/** Actions of Hadoop's s3a: `upload part #3 upload ID 2~abc on dir/k: …`, `Completing multipart upload on dir/k: …`. */
export const hadoop: ReportFormat = {
  name: 'Hadoop s3a',
  isAround: true,
  find: (text) =>
    readEach(
      text,
      /\b(?:(Completing|Complete|Aborting|initiate) multi-?part ?upload|(upload) part #\d{1,5})([^\n:]{0,300}) on ([^\s:]{1,1024})(?=:? )/gi,
      ([mark, verb, part, between = '', key]) => ({
        weight: 'hint',
        operation: OPERATIONS[(verb ?? part ?? '').toLowerCase()],
        part: part === undefined ? undefined : number(/#(\d{1,5})/, mark),
        uploadId: known(/upload ID (\S{1,1000})/i.exec(between)?.[1]),
        key: known(key),
      }),
    ),
};
