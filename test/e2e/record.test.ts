import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { answered, counts, dealtWith, filesIn, running, temporaryFolder } from '../record/recorded.ts';
import { inFrontOfRadosgw } from '../support/in-front-of-radosgw.ts';
import { presign } from '../support/presign.ts';

const BUCKET = 'record';

/** A request that radosgw refuses, and what its file is called. */
interface Refused {
  readonly line: string;
  readonly file: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Its signature is not that of the request. */
  readonly isSpoilt?: true;
}

const ETAG = 'If-None-Match: "5d41402abc4b2a76b9719d911017c592"';

const refused: readonly Refused[] = [
  { line: 'GET /record/none', file: 'GetObject-404-NoSuchKey' },
  { line: 'HEAD /record/none', file: 'HeadObject-404' },
  { line: 'GET /record-none/k', file: 'GetObject-404-NoSuchBucket' },
  { line: 'GET /record/spoilt', isSpoilt: true, file: 'GetObject-403-SignatureDoesNotMatch' },
  { line: 'HEAD /record/spoilt', isSpoilt: true, file: 'HeadObject-403' },
  { line: 'GET /record/hello', headers: ['Range: bytes=900-901'], file: 'GetObject-416-InvalidRange' },
  { line: 'GET /record/hello', headers: [ETAG], file: 'GetObject-304' },
  { line: 'GET /record/hello', headers: ['If-Match: "0"'], file: 'GetObject-412-PreconditionFailed' },
  {
    line: 'PUT /record/k',
    query: { partNumber: '1', uploadId: '2~none' },
    body: 'part',
    file: 'UploadPart-404-NoSuchUpload',
  },
  {
    line: 'POST /record/k',
    query: { uploadId: 'UPLOAD' },
    body: '<CompleteMultipart',
    file: 'CompleteMultipartUpload-400-MalformedXML',
  },
  { line: 'DELETE /record', file: 'DeleteBucket-409-BucketNotEmpty' },
];

describe.skipIf(inject('radosgw') === null)('errors of radosgw, recorded and given again', () => {
  const { backend, direct } = inFrontOfRadosgw(BUCKET);
  let uploadId = '';

  beforeAll(async () => {
    for (const Key of ['hello', 'spoilt']) {
      await direct.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'hello' }));
    }
    const upload = await direct.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'k' }));
    uploadId = upload.UploadId ?? '';
  });

  /** The bytes of a request that anyone may send for five minutes. */
  function requestOf({ line, query = {}, headers = [], body, isSpoilt }: Refused): string {
    const [method = '', path = ''] = line.split(' ');
    const parameters = Object.entries(query).map(([name, value]) => [
      name,
      value.replace('UPLOAD', uploadId),
    ]);
    const url = presign(method, `${backend.url}${path}`, backend, Object.fromEntries(parameters));
    const target = url
      .slice(backend.url.length)
      .replace(/(?<=X-Amz-Signature=)..../, isSpoilt ? '0000' : '$&');
    const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
    const host = `Host: ${new URL(backend.url).host}`;
    return [`${method} ${target} HTTP/1.1`, host, ...headers, ...length, '', body ?? ''].join('\r\n');
  }

  it('are the same: status line, every header, every byte of the body', async () => {
    const folder = await temporaryFolder();
    const recording = await running({ upstream: backend.url, record: folder });
    const requests = refused.map((each) => [each.file, requestOf(each)] as const);
    const real = new Map<string, unknown>();
    for (const [i, [file, request]] of requests.entries()) {
      real.set(file, await answered(recording.port, request));
      await dealtWith(recording, i + 1);
    }
    const files = await filesIn(folder);
    expect([...files.keys()].map((name) => name.replace(/^[\d-]+T[\d-]+Z-|-\d+\.yaml$/g, ''))).toEqual(
      refused.map(({ file }) => file),
    );
    for (const text of files.values()) {
      expect(text).not.toContain(backend.accessKey);
      expect(text).not.toContain(backend.secretKey);
      expect(text).not.toMatch(/X-Amz-Signature=[0-9a-f]/);
    }

    const { port } = await running({ upstream: 'memory:', rules: [folder], stealth: true });
    for (const [file, request] of requests) {
      expect(await answered(port, request), file).toEqual(real.get(file));
    }
  });

  it('are written once, however often a client meets them', async () => {
    const folder = await temporaryFolder();
    const recording = await running({ upstream: backend.url, record: folder });
    for (let i = 0; i < 20; i++) {
      await answered(recording.port, requestOf({ line: `GET /record/none-${i}`, file: '' }));
    }
    await dealtWith(recording, 20);
    expect(await counts(recording)).toEqual({ written: 1, repeated: 19 });
    expect((await filesIn(folder)).size).toBe(1);
  });
});
