import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  type S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { describe, expect, inject, it } from 'vitest';
import type { Brownout } from '../support/brownout.ts';
import { awsClient } from '../support/clients.ts';
import { inFrontOfRadosgw } from '../support/in-front-of-radosgw.ts';
import { presign } from '../support/presign.ts';

const MIB = 1024 * 1024;
const BUCKET = 'aws-sdk';

describe.skipIf(inject('radosgw') === null)('the AWS SDK for JavaScript in front of radosgw', () => {
  const { backend, direct, start, stored } = inFrontOfRadosgw(BUCKET);
  let brownout: Brownout;

  const through = async (rules: string, maxAttempts = 1): Promise<S3Client> => {
    brownout = await start(rules);
    return awsClient(brownout.url, backend, maxAttempts);
  };
  const put = (client: S3Client, key: string, body: string | Buffer | Readable, length?: number) =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ContentLength: length }));
  const failure = (sent: Promise<unknown>): Promise<S3ServiceException> =>
    sent.then(
      () => Promise.reject(new Error('the request succeeded')),
      (reason) => reason,
    );

  it('raises the documented code with the request id that brownout wrote', async () => {
    const client = await through('provider: aws-s3\nrules: [{ name: r, fault: { error: SlowDown } }]');
    const error = await failure(put(client, 'slow', 'x'));
    expect(error.name).toBe('SlowDown');
    expect(error.message).toBe('Please reduce your request rate.');
    expect(error.$metadata.httpStatusCode).toBe(503);
    expect(error.$metadata.requestId).toBe(brownout.entries()[0]?.requestId);
  });

  it('succeeds on its third attempt when a rule fails the first two', async () => {
    const rules =
      'provider: aws-s3\nrules: [{ name: r, match: { attempt: [1, 2] }, fault: { error: InternalError } }]';
    const client = await through(rules, 3);
    const { $metadata } = await put(client, 'third-time', 'lucky');
    expect($metadata.attempts).toBe(3);
    expect(brownout.entries().map((entry) => [entry.attempt, entry.status])).toEqual([
      [1, 500],
      [2, 500],
      [3, 200],
    ]);
    expect((await stored('third-time')).toString()).toBe('lucky');
  });

  it("goes by the code and not by the status when it repeats JD's SlowDown, a 400", async () => {
    const rules = 'provider: jd-jss\nrules: [{ name: r, fault: { error: { code: SlowDown, format: xml } } }]';
    const error = await failure(put(await through(rules, 2), 'slow', 'x'));
    expect(error.name).toBe('SlowDown');
    expect(error.$metadata).toMatchObject({ httpStatusCode: 400, attempts: 2 });
  });

  it('sees only the status of an error to HEAD, which has no body', async () => {
    const rules = 'provider: aws-s3\nrules: [{ name: r, fault: { error: AccessDenied } }]';
    const client = await through(rules);
    const error = await failure(client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'any' })));
    expect(error.$metadata.httpStatusCode).toBe(403);
    expect(error.$metadata.requestId).toBe(brownout.entries()[0]?.requestId);
    expect(['Unknown', '403', 'UnknownError', 'Forbidden']).toContain(error.name);
  });

  it('takes 203 CallbackFailed for success, and the object really is in the upstream', async () => {
    const client = await through(
      'provider: aliyun-oss\nrules: [{ name: r, fault: { error: CallbackFailed } }]',
    );
    const { $metadata } = await put(client, 'callback-oss', 'kept');
    expect($metadata.httpStatusCode).toBe(203);
    expect((await stored('callback-oss')).toString()).toBe('kept');
    expect(brownout.entries()[0]).toMatchObject({ status: 203, upstreamStatus: 200 });
  });

  it('raises InvalidCallback 567 after one attempt, and the object really is in the upstream', async () => {
    const rules =
      'provider: jd-jss\nrules: [{ name: r, fault: { error: { code: InvalidCallback, format: xml } } }]';
    const error = await failure(put(await through(rules, 3), 'callback-jd', 'kept'));
    expect(error.name).toBe('InvalidCallback');
    expect(error.$metadata).toMatchObject({ httpStatusCode: 567, attempts: 1 });
    expect((await stored('callback-jd')).toString()).toBe('kept');
  });

  it('gets a multipart upload through although a third of the parts are refused', async () => {
    const rules =
      'provider: aws-s3\nseed: 7\nrules: [{ name: r, match: { operation: UploadPart }, trigger: { probability: 0.3 }, fault: { error: { code: InternalError } } }]';
    const client = await through(rules, 10);
    const body = randomBytes(40 * MIB + 123);
    const upload = new Upload({
      client,
      params: { Bucket: BUCKET, Key: 'multipart', Body: Readable.from(chunksOf(body)) },
      partSize: 5 * MIB,
    });
    await upload.done();
    expect((await stored('multipart')).equals(body)).toBe(true);
    expect(brownout.entries().some((entry) => entry.code === 'InternalError')).toBe(true);
  });

  const completeUpload = async (client: S3Client, key: string) => {
    const target = { Bucket: BUCKET, Key: key };
    const { UploadId } = await direct.send(new CreateMultipartUploadCommand(target));
    const part = { ...target, UploadId, PartNumber: 1 };
    const { ETag } = await direct.send(new UploadPartCommand({ ...part, Body: 'all of it' }));
    const parts = { Parts: [{ ETag, PartNumber: 1 }] };
    return client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: parts }));
  };

  it('notices an error inside a 200 that ends exactly in </Error>, and tries again', async () => {
    const rules =
      'provider: aws-s3\nrules: [{ name: r, fault: { error: { code: InternalError, at: embedded } } }]';
    const error = await failure(completeUpload(await through(rules, 3), 'embedded'));
    expect(error.name).toBe('InternalError');
    expect(error.$metadata.attempts).toBe(3);
    expect(brownout.entries().map((entry) => entry.status)).toEqual([200, 200, 200]);
  });

  it('notices it after white space, too', async () => {
    const rules =
      'provider: aws-s3\nrules: [{ name: r, fault: { error: { code: InternalError, at: embedded, padding: 300ms } } }]';
    const error = await failure(completeUpload(await through(rules, 2), 'padded'));
    expect(error.name).toBe('InternalError');
    expect(error.$metadata.attempts).toBe(2);
  });

  it('takes an error inside a 200 for success when one newline follows it', async () => {
    const rules =
      'provider: aws-s3\nrules: [{ name: r, fault: { error: { code: InternalError, at: embedded, trailingNewline: true } } }]';
    const { $metadata } = await completeUpload(await through(rules, 3), 'newline');
    expect($metadata).toMatchObject({ httpStatusCode: 200, attempts: 1 });
  });

  it('is told NoSuchUpload after the upload was completed, and finds the object', async () => {
    const rules =
      'provider: aws-s3\nrules: [{ name: r, fault: { error: { code: NoSuchUpload, at: commit } } }]';
    const error = await failure(completeUpload(await through(rules, 3), 'lost-answer'));
    expect(error.name).toBe('NoSuchUpload');
    expect(error.$metadata).toMatchObject({ httpStatusCode: 404, attempts: 1 });
    expect((await stored('lost-answer')).toString()).toBe('all of it');
  });

  it('gets the upstream’s own error where the upstream refuses what a rule would have lied about', async () => {
    const rules = 'provider: aliyun-oss\nrules: [{ name: r, fault: { error: CallbackFailed } }]';
    const client = await through(rules);
    const sent = client.send(new PutObjectCommand({ Bucket: 'no-such-bucket-here', Key: 'k', Body: 'x' }));
    const error = await failure(sent);
    expect(error.name).toBe('NoSuchBucket');
    expect(error.$metadata.httpStatusCode).toBe(404);
  });

  it.each([
    ['a buffer', (body: Buffer) => body],
    ['a stream', (body: Buffer) => Readable.from(chunksOf(body))],
  ])('reads a 503 while it pushes 32 MiB from %s', async (_, from) => {
    const client = await through('provider: aws-s3\nrules: [{ name: r, fault: { error: SlowDown } }]');
    const body = Buffer.alloc(32 * MIB, 'x');
    const error = await failure(put(client, 'large', from(body), body.length));
    expect(error.name).toBe('SlowDown');
  });

  it('reads and writes with presigned URLs, which stay valid', async () => {
    await through('rules: []');
    const url = (method: string) => presign(method, `${brownout.url}/${BUCKET}/presigned`, backend);
    expect((await fetch(url('PUT'), { method: 'PUT', body: 'by url' })).status).toBe(200);
    expect(await (await fetch(url('GET'))).text()).toBe('by url');
    const wrong = url('GET')
      .replace(/Signature=./, 'Signature=0')
      .replace(/.$/, 'x');
    expect((await fetch(wrong)).status).toBe(403);
  });
});

function* chunksOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += 64 * 1024) yield body.subarray(at, at + 64 * 1024);
}
