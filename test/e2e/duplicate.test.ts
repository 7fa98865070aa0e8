import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { startProxy } from '../../src/index.ts';
import type { Brownout } from '../support/brownout.ts';
import { awsClient } from '../support/clients.ts';
import { inFrontOfRadosgw } from '../support/in-front-of-radosgw.ts';

const BUCKET = 'duplicate';

describe.skipIf(inject('radosgw') === null)('a request that radosgw gets twice', () => {
  const { backend, direct, start, stored } = inFrontOfRadosgw(BUCKET);
  let brownout: Brownout;

  const through = async (settings: string) => {
    const rules = `provider: aws-s3\nrules: [{ name: r, fault: { duplicate: ${settings} } }]`;
    brownout = await start(rules);
    return awsClient(brownout.url, backend);
  };

  it('PutObject leaves one object, with the bytes that were sent', async () => {
    const client = await through('true');
    const body = Buffer.alloc(3_000_000, 'twice ');
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'put', Body: body }));
    expect((await stored('put')).equals(body)).toBe(true);
    const { Contents } = await direct.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'put' }));
    expect(Contents).toHaveLength(1);
    expect(brownout.entries()).toMatchObject([{ fault: 'duplicate', status: 200, upstreamStatus: 200 }]);
  });

  it('DeleteObject says 204 both times', async () => {
    await direct.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'gone', Body: 'x' }));
    const client = await through('true');
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'gone' }));
    expect(brownout.entries()).toMatchObject([{ status: 204, upstreamStatus: 204 }]);
  });

  it.each(['first', 'second'])(
    'CompleteMultipartUpload succeeds both times, as radosgw knows what it has completed; relay: %s',
    async (relay) => {
      const client = await through(`{ relay: ${relay} }`);
      const target = { Bucket: BUCKET, Key: `complete-${relay}` };
      const { UploadId } = await direct.send(new CreateMultipartUploadCommand(target));
      const part = { ...target, UploadId, PartNumber: 1, Body: 'all of it' };
      const { ETag } = await direct.send(new UploadPartCommand(part));
      const parts = { Parts: [{ ETag, PartNumber: 1 }] };
      const completed = await client.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: parts }),
      );
      expect(completed.$metadata.httpStatusCode).toBe(200);
      expect(brownout.entries()).toMatchObject([{ fault: 'duplicate', status: 200, upstreamStatus: 200 }]);
      expect((await stored(target.Key)).toString()).toBe('all of it');
    },
  );
});

describe('a request that the memory store gets twice', () => {
  it('CompleteMultipartUpload is NoSuchUpload the second time, and the object is there', async () => {
    const rules =
      'provider: aws-s3\nrules: [{ name: r, match: { operation: CompleteMultipartUpload }, fault: { duplicate: true } }]';
    await using brownout = await startProxy({ upstream: 'memory:', rules: [{ name: 'r', text: rules }] });
    const client = awsClient(brownout.url);
    const target = { Bucket: BUCKET, Key: 'complete' };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
    const { ETag } = await client.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'all of it' }),
    );
    const parts = { Parts: [{ ETag, PartNumber: 1 }] };
    const completing = client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: parts }),
    );
    await expect(completing).rejects.toMatchObject({ name: 'NoSuchUpload' });
    const { Body } = await client.send(new GetObjectCommand(target));
    expect(await Body?.transformToString()).toBe('all of it');
    expect(brownout.journal().find(({ fault }) => fault)).toMatchObject({
      status: 404,
      upstreamStatus: 404,
      upstreamCode: 'NoSuchUpload',
    });
  });
});
