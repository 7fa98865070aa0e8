import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { FORMATS } from '../../src/reproduce/formats/index.ts';
import { plainOf } from '../../src/reproduce/plain.ts';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { parseRules } from '../../src/rules/load.ts';

const folder = 'test/fixtures/reports/';
const files = readdirSync(folder).filter((name) => !name.endsWith('.yaml'));
const read = (name: string) => readFileSync(folder + name, 'utf8');

/** What a person reads in each report: provider, code or what happened, status, operation, and more. */
const FACTS: readonly (readonly [file: string, facts: Readonly<Record<string, unknown>>])[] = [
  ['rclone-SlowDown.txt', { provider: 'aws-s3', code: 'SlowDown', status: 503, reason: 'Slow Down' }],
  [
    'aws-sdk-java-SlowDown.txt',
    { provider: 'aws-s3', code: 'SlowDown', status: 503, requestId: '0123456789ABCDEF' },
  ],
  [
    'aws-sdk-js-v3-SlowDown.txt',
    {
      provider: 'aws-s3',
      code: 'SlowDown',
      requestId: undefined,
      assumed: ['provider', 'status', 'operation'],
    },
  ],
  [
    'aws-sdk-php-RequestTimeout.txt',
    {
      code: 'RequestTimeout',
      status: 400,
      operation: 'UploadPart',
      bucket: 'bucket-a',
      key: 'urn:oid:11',
      part: 8,
      assumed: ['provider'],
    },
  ],
  [
    'restic-connection-reset.txt',
    { fault: 'reset', phase: 'request-body', operation: 'PutObject', bucket: 'bucket-a' },
  ],
  [
    'cloudreve-CallbackFailed.txt',
    { provider: 'aliyun-oss', code: 'CallbackFailed', status: 203, message: 'Error status : 502.' },
  ],
  [
    'oss-xml-CallbackFailed.txt',
    {
      provider: 'aliyun-oss',
      code: 'CallbackFailed',
      status: 203,
      bucket: 'bucket-a',
      time: '2024-03-02T09:25:53.000Z',
    },
  ],
  [
    'ali-oss-ConnectionTimeoutError.txt',
    {
      fault: 'timeout',
      phase: 'connect',
      timeoutMs: 60_000,
      operation: 'UploadPart',
      bucket: 'bucket-a',
      key: 'video/sample.mp4',
      part: 1,
    },
  ],
  [
    'ali-oss-InvalidPart.txt',
    { provider: 'aliyun-oss', code: 'InvalidPart', operation: 'CompleteMultipartUpload', bucket: 'bucket-a' },
  ],
  [
    'aliyun-oss-java-sdk-AccessDenied.txt',
    { provider: 'aliyun-oss', code: 'AccessDenied', bucket: 'bucket-a', status: 403 },
  ],
  [
    'obs-java-RequestTimeTooSkewed.txt',
    { provider: 'huawei-obs', status: 403, operation: 'CreateMultipartUpload' },
  ],
  [
    'obs-java-NoSuchUpload.txt',
    { provider: 'huawei-obs', code: 'NoSuchUpload', status: 404, time: '2024-03-02T08:32:47.752Z' },
  ],
  [
    'obs-go-RequestTimeTooSkewed.txt',
    { provider: 'huawei-obs', message: 'Request is no longer valid.', operation: 'GetBucketPolicy' },
  ],
  [
    'object_store-rust-EntityTooSmall.txt',
    {
      code: 'EntityTooSmall',
      status: 400,
      operation: 'CompleteMultipartUpload',
      bucket: 'bucket-a',
      key: 'dir/sample.txt',
    },
  ],
  [
    'boto-InternalError-200.txt',
    { code: 'InternalError', status: 200, embedded: true, operation: 'CompleteMultipartUpload' },
  ],
  [
    'boto3-SlowDown.txt',
    { code: 'SlowDown', operation: 'GetObject', bucket: 'bucket-a', key: 'data/part-00000.gz', retries: 2 },
  ],
  ['arrow-SlowDown.txt', { code: 'SlowDown', operation: 'CompleteMultipartUpload', bucket: undefined }],
  ['aws-sdk-go-SlowDown.txt', { code: 'SlowDown', status: 503, time: '2024-03-02T09:25:53.000Z' }],
  [
    'ossutil-500-invalid-body.txt',
    { provider: 'aliyun-oss', code: undefined, status: 500, operation: 'UploadPart', retries: 9 },
  ],
  [
    'mc-debug-SlowDown.txt',
    {
      code: 'SlowDown',
      status: 503,
      operation: 'ListObjectsV2',
      bucket: 'bucket-a',
      message: 'Please reduce your request',
    },
  ],
  [
    'curl-obs-NoSuchKey.txt',
    { provider: 'huawei-obs', code: 'NoSuchKey', status: 404, operation: 'GetObject', key: 'dir/sample.txt' },
  ],
  [
    'browser-CallbackFailed.har',
    { provider: 'aliyun-oss', code: 'CallbackFailed', status: 203, operation: 'PutObject' },
  ],
  ['aws-sdk-js-v2-InvalidPart.txt', { code: 'InvalidPart', status: 400, requestId: '0123456789ABCDEF' }],
  [
    'aws-sdk-js-v3-metadata-InternalError.txt',
    { code: 'InternalError', status: 500, retries: 2, requestId: 'ABCDEFGH12345678' },
  ],
  [
    'aws-sdk-go-v2-SlowDown.txt',
    { code: 'SlowDown', status: 503, operation: 'PutObjectTagging', retries: 2 },
  ],
  ['aws-sdk-cpp-SlowDown.txt', { code: 'SlowDown', status: 503, requestId: 'ABCDEFGH12345678' }],
  ['aws-sdk-rust-SlowDown.txt', { code: 'SlowDown', requestId: 'ABCDEFGH12345678' }],
  [
    'object_store-rust-429.txt',
    { code: 'ErrTooManyRequest', status: 429, operation: 'GetObject', retries: 10 },
  ],
  ['minio-py-SlowDown.txt', { code: 'SlowDown', time: '2024-03-02T09:25:53.000Z' }],
  ['minio-java-NoSuchUpload.txt', { code: 'NoSuchUpload', status: 404, operation: 'UploadPart', part: 2 }],
  ['s3cmd-retries.txt', { code: 'SlowDown', status: 503, operation: 'UploadPart', part: 3, times: 3 }],
  ['restic-InternalError.txt', { code: 'InternalError', operation: 'PutObject', times: 2 }],
  ['clickhouse-SlowDown.txt', { code: 'SlowDown', bucket: 'bucket-a', key: 'data/abc' }],
  [
    'oss2-AccessDenied.txt',
    { provider: 'aliyun-oss', code: 'AccessDenied', status: 403, bucket: 'bucket-a' },
  ],
  [
    'oss2-read-timeout.txt',
    { provider: 'aliyun-oss', fault: 'timeout', phase: 'answer', timeoutMs: 60_000, operation: 'PutObject' },
  ],
  [
    'ossutil-TrafficLimit.txt',
    { code: 'UploadTrafficRateLimitExceeded', status: 503, key: 'dir/sample.bin!' },
  ],
  [
    'oss-sdk-go-v2-RequestTimeTooSkewed.txt',
    { code: 'RequestTimeTooSkewed', status: 403, operation: 'PutObject', key: 'dir/sample.bin' },
  ],
  ['oss-android-SignatureDoesNotMatch.txt', { code: 'SignatureDoesNotMatch', status: 403 }],
  ['esdk-obs-nodejs-SlowDown.txt', { provider: 'huawei-obs', code: 'SlowDown', status: 503 }],
  ['esdk-obs-python-NoSuchBucket.txt', { provider: 'huawei-obs', code: 'NoSuchBucket', status: 404 }],
  [
    'jd-go-InvalidCallback.txt',
    { provider: 'jd-jss', code: 'InvalidCallback', status: 567, bucket: 'bucket-a' },
  ],
  [
    'jd-json-NoSuchKey.txt',
    { provider: 'jd-jss', code: 'NoSuchKey', operation: 'GetObject', key: 'dir/sample.bin' },
  ],
  ['aws-sdk-java-read-timeout.txt', { fault: 'timeout', phase: 'answer', operation: 'GetObject', times: 1 }],
  ['curl-empty-reply.txt', { fault: 'close', phase: 'answer', operation: 'CompleteMultipartUpload' }],
  ['minio-js-reset-download.txt', { fault: 'close', phase: 'download', key: 'dir/sample.bin' }],
  [
    'boto3-metadata-NoSuchUpload.txt',
    { code: 'NoSuchUpload', status: 404, requestId: 'ABCDEFGH12345678', retries: 0 },
  ],
  ['boto3-head-404.txt', { code: undefined, status: 404, operation: 'HeadObject' }],
  ['chain-boto3.txt', { code: 'SlowDown', operation: 'UploadPart', retries: 4 }],
  [
    'markdown-issue.txt',
    { provider: 'aliyun-oss', code: 'InvalidAccessKeyId', requestId: '65E2F0A10123456789ABCDEF' },
  ],
  ['python-requests-SlowDown.txt', { code: 'SlowDown', status: 503, operation: 'UploadPart', part: 2 }],
  [
    'oss-php-NoSuchBucket.txt',
    { provider: 'aliyun-oss', code: 'NoSuchBucket', requestId: '65E2F0A10123456789ABCDEF' },
  ],
  [
    's3-access-log.txt',
    { code: 'SlowDown', status: 503, bucket: 'bucket-a', key: 'dir/k', requestId: '3E57427F3EXAMPLE' },
  ],
  [
    'delete-result-AccessDenied.txt',
    { code: 'AccessDenied', operation: 'DeleteObjects', refusedKeys: ['b'] },
  ],
  ['hadoop-s3a-SlowDown.txt', { code: 'SlowDown', status: 503, requestId: 'ABCDEFGH12345678' }],
  [
    'curl-redacted-AccessDenied.txt',
    {
      code: 'AccessDenied',
      status: 403,
      operation: 'PutObject',
      bucket: 'bucket-a',
      key: 'name-of-a-customer-redacted.jpg',
    },
  ],
  [
    'curl-remark-XAmzContentSHA256Mismatch.txt',
    { provider: 'aws-s3', code: 'XAmzContentSHA256Mismatch', status: 400, requestId: '0123456789ABCDEF' },
  ],
  [
    'hadoop-s3a-NoSuchUpload.txt',
    {
      code: 'NoSuchUpload',
      status: 404,
      operation: 'CompleteMultipartUpload',
      key: 'dir/_temporary/1/part-m-00008',
    },
  ],
  [
    'hadoop-s3a-InvalidPart.txt',
    { code: 'InvalidPart', status: 400, operation: 'CompleteMultipartUpload', key: 'job-00/test/hugefile' },
  ],
  [
    'spark-SlowDown.txt',
    { code: 'SlowDown', operation: 'UploadPart', part: 3, uploadId: '2~abc', key: 'db/part-00012.parquet' },
  ],
  [
    'databricks-400.txt',
    {
      code: undefined,
      status: 400,
      operation: 'HeadObject',
      bucket: 'bucket-a',
      key: 'dir/orders',
      requestId: 'ABCDEFGH12345678',
    },
  ],
  [
    'arrow-NoSuchUpload.txt',
    {
      code: 'NoSuchUpload',
      operation: 'CompleteMultipartUpload',
      bucket: 'bucket-a',
      key: 'stage/month=2024-03/00000-0.parquet',
    },
  ],
  [
    'velero-logfmt-SlowDown.txt',
    { code: 'SlowDown', operation: 'PutObject', retries: 2, message: 'Please reduce your request rate.' },
  ],
  ['loki-logfmt-chain.txt', { code: 'SlowDown', status: 503, message: 'Please reduce your request rate.' }],
  [
    'rclone-RequestTimeout.txt',
    { code: 'RequestTimeout', status: 400, operation: 'UploadPart', part: 4, retries: 2 },
  ],
  [
    'obsutil-AccessDenied.txt',
    {
      provider: 'huawei-obs',
      code: 'AccessDenied',
      status: 403,
      bucket: 'bucket-a',
      key: 'in/big.zip',
      requestId: '0000018DFE4B5A886407C4CE01234567',
    },
  ],
  [
    'restic-minio-InternalError.txt',
    {
      code: 'InternalError',
      operation: 'PutObject',
      times: 3,
      message: 'We encountered an internal error, please try again.',
    },
  ],
  ['mc-InternalError.txt', { code: 'InternalError', status: 500 }],
  [
    'oss-java-reset.txt',
    {
      provider: 'aliyun-oss',
      code: undefined,
      fault: 'reset',
      phase: 'answer',
      operation: 'PutObject',
      times: 1,
    },
  ],
  ['java-write-failed.txt', { fault: 'reset', phase: 'request-body', operation: 'UploadPart', times: 1 }],
  [
    'mc-write-timeout.txt',
    { fault: 'timeout', phase: 'request-body', operation: 'UploadPart', key: 'a.iso', part: 3 },
  ],
  ['oss-java-and-a-word.txt', { code: 'AccessDenied', operation: 'PutObject', bucket: 'bucket-a' }],
  [
    'ossutil-RequestTimeTooSkewed.txt',
    { provider: 'aliyun-oss', code: 'RequestTimeTooSkewed', requestId: '65E2F0A10123456789ABCDEF' },
  ],
  [
    'minio-py-RequestTimeTooSkewed.txt',
    { code: 'RequestTimeTooSkewed', status: 403, requestId: '0123456789ABCDEF' },
  ],
  [
    'ali-oss-old-SignatureDoesNotMatch.txt',
    { provider: 'aliyun-oss', code: 'SignatureDoesNotMatch', requestId: '65E2F0A10123456789ABCDEF' },
  ],
  [
    'picgo-SignatureDoesNotMatch.txt',
    { provider: 'aliyun-oss', code: 'SignatureDoesNotMatch', bucket: 'bucket-a' },
  ],
  [
    'terraform-451.txt',
    { code: 'InternalError', status: 451, operation: 'GetBucketVersioning', requestId: 'Me844cYrHK' },
  ],
  [
    'duplicity-SignatureDoesNotMatch.txt',
    { code: 'SignatureDoesNotMatch', status: 403, requestId: '0123456789ABCDEF', times: 1 },
  ],
  ['flink-read-timeout.txt', { fault: 'timeout', phase: 'answer', operation: 'PutObject', times: 1 }],
  ['go-timeline.txt', { fault: 'reset', phase: 'request-body', operation: 'PutObject', key: 'k1' }],
  [
    'aws-sdk-js-v3-head-404.txt',
    { code: undefined, status: 404, operation: 'HeadObject', requestId: 'ABCDEFGH12345678' },
  ],
  [
    'aws-sdk-php-head-404.txt',
    {
      code: undefined,
      status: 404,
      operation: 'HeadObject',
      bucket: 'bucket-a',
      requestId: 'ABCDEFGH12345678',
    },
  ],
  [
    'obs-java-503.txt',
    {
      provider: 'huawei-obs',
      code: undefined,
      status: 503,
      operation: 'PutObject',
      requestId: '0000018DFE4B5A886407C4CE01234567',
    },
  ],
  ['restic-AccessDenied.txt', { code: 'AccessDenied', operation: 'PutObject' }],
  [
    'word-NoSuchUpload.txt',
    { code: 'NoSuchUpload', status: 404, assumed: ['provider', 'status', 'operation'] },
  ],
  ['aws-cli-debug-NoSuchKey.txt', { code: 'NoSuchKey', operation: 'GetObject', key: 'a/b' }],
];

function factsIn(name: string) {
  const [finding] = findErrors(read(name)).findings;
  if (finding === undefined) return {};
  const { provider, operations, network, time, assumed, ...rest } = finding;
  return {
    ...rest,
    ...network,
    requestId: rest.requestId,
    provider: provider.name,
    operation: operations.length === 1 ? operations[0] : operations,
    time: time?.toISOString(),
    assumed: assumed.map(({ what }) => what),
  };
}

describe('a report', () => {
  it.each(FACTS)('%s is read as a person reads it', (name, facts) => {
    expect(factsIn(name)).toMatchObject(facts);
  });

  it.each(files)('%s becomes its rule file, which loads', async (name) => {
    const text = ruleFile(findErrors(read(name)), name);
    await expect(text).toMatchFileSnapshot(`../../${folder}${name.replace(/\.\w+$/, '.yaml')}`);
    const loaded = parseRules([{ name, text }]);
    expect('ok' in loaded ? [] : loaded.diagnostics.map(formatDiagnostic)).toEqual([]);
  });

  it('is there for every shape', () => {
    const plain = files.map((name) => plainOf(read(name)).text);
    const unread = FORMATS.filter(({ find }) => plain.every((text) => find(text).length === 0));
    expect(unread.map(({ name }) => name)).toEqual([]);
    expect(FACTS.map(([name]) => name).sort()).toEqual([...files].sort());
  });
});

describe('several errors in one text', () => {
  const codes = (text: string) =>
    findErrors(text).findings.map(({ code, operations, times }) => [code, ...operations, times]);

  it('come as a chain, in order', () => {
    expect(codes(read('chain-boto3.txt'))).toEqual([
      ['SlowDown', 'UploadPart', 1],
      ['InternalError', 'CompleteMultipartUpload', 1],
      ['NoSuchUpload', 'AbortMultipartUpload', 1],
    ]);
  });

  it('fail as often as they were met, each in its turn, and the last without end', () => {
    const text = ruleFile(findErrors(read('s3cmd-retries.txt')), 'a log');
    expect([...text.matchAll(/limit: (\d+)/g)].map(([, limit]) => limit)).toEqual(['3']);
  });

  it('each keep what stands with them: a frame belongs to the error above it, not to a word below', () => {
    const text = `${read('oss-java-and-a-word.txt')}另外还有 upload failed: SlowDown\n`;
    expect(codes(text)).toEqual([
      ['AccessDenied', 'PutObject', 1],
      ['SlowDown', 1],
    ]);
  });

  it('are one error where several shapes see it', () => {
    expect(codes(read('aws-sdk-php-RequestTimeout.txt'))).toHaveLength(1);
    expect(codes(read('object_store-rust-EntityTooSmall.txt'))).toHaveLength(1);
  });

  it('are told apart where one has a code and the other a message of another code', () => {
    const code = 'ERROR: S3 error: 503 (SlowDown)';
    const message = 'client.GetObject: The specified key does not exist.';
    const all = (text: string) => findErrors(text).findings.map((each) => [each.code, each.message]);
    const slow = ['SlowDown', undefined];
    const none = ['NoSuchKey', 'The specified key does not exist.'];
    expect(all(`${code}\n${message}\n`)).toEqual([slow, none]);
    expect(all(`${message}\n${code}\n`)).toEqual([none, slow]);
    expect(all(`mc: <ERROR> The specified key does not exist.\n${code}\n`)).toEqual([none, slow]);
  });

  it('are counted as attempts where they are alike but for their ids', () => {
    const line = (id: string) =>
      `An error occurred: Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown; Request ID: ${id})\n`;
    expect(codes(['A1B2C3D4E5F60718', 'A1B2C3D4E5F60719', 'A1B2C3D4E5F6071A'].map(line).join(''))).toEqual([
      ['SlowDown', 3],
    ]);
  });

  it('are 50 at most, and the rest is spoken of', () => {
    const text = Array.from(
      { length: 120 },
      (_, i) => `ERROR: S3 error: ${i % 2 === 0 ? '503 (SlowDown)' : '500 (InternalError)'}\n\n`,
    ).join('x\n');
    const { findings, notes } = findErrors(text);
    expect([findings.length, notes]).toEqual([50, ['70 more errors follow, which are left out']]);
  });
});

describe('what the text does not say', () => {
  const assumed = (text: string, settings = {}) =>
    findErrors(text, settings).findings.flatMap((finding) =>
      finding.assumed.map(({ what, flag }) => `${what} ${flag}`),
    );

  it('is assumed, and said to be', () => {
    expect(assumed('upload failed: NoSuchUpload')).toEqual([
      'provider --provider',
      'status --status',
      'operation --operation',
    ]);
  });

  it('is settled by the flags', () => {
    const settings = { provider: 'huawei-obs', status: 404, operation: 'ListParts' };
    expect(assumed('upload failed: NoSuchUpload', settings)).toEqual([]);
    const text = ruleFile(findErrors('upload failed: NoSuchUpload', settings), 'a word');
    expect(text).toContain('provider: huawei-obs');
    expect(text).toContain('operation: ListParts');
  });

  it('makes no rule where nobody can know it', () => {
    const text = ruleFile(
      findErrors('An error occurred (OurOwnCode) when calling the PutObject operation: no'),
      'a report',
    );
    expect(text).toContain('# Error 1 has no rule:');
    expect(text).toContain(
      'status: not in the text, and aws-s3 documents no OurOwnCode; --status settles it',
    );
    expect(text).toContain('rules: []');
  });

  it('is not taken from other entries of a log', () => {
    const other = '2024-03-02 11:05:08,101 INFO uploaded part 5 of s3://bucket-a/dir/other (attempt 2 of 5)';
    const own = '2024-03-02 11:05:09,101 ERROR part failed: s3://bucket-a/dir/own';
    const error =
      'Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown; Request ID: A1B2C3D4E5F60718)';
    const keys = (...lines: string[]) =>
      findErrors(lines.join('\n')).findings.map(({ key, retries }) => [key, retries]);
    expect(keys(other, `${own}: ${error}`, other)).toEqual([['dir/own', undefined]]);
    expect(keys(...Array.from({ length: 30_000 }, () => other), `${own}: ${error}`)).toEqual([
      ['dir/own', undefined],
    ]);
  });

  it('is not what an application answers', () => {
    const log = 'POST /api/upload 120ms http status: 500 error="SlowDown: Please reduce your request rate."';
    expect(findErrors(log).findings.map(({ status }) => status)).toEqual([503]);
    expect(
      findErrors('http status: 503, SlowDown').findings[0]?.assumed.map(({ what }) => what),
    ).not.toContain('status');
  });

  it('is not taken from what is none of it', () => {
    expect(findErrors('ERROR 1105 (HY000): Code: 499, requestId: 6529, status 503').findings).toEqual([]);
    expect(findErrors('all is well, 200 OK').findings).toEqual([]);
    expect(findErrors('').findings).toEqual([]);
  });
});
