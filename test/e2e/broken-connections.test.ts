import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import type { Brownout } from '../support/brownout.ts';
import { awsClient } from '../support/clients.ts';
import { inFrontOfRadosgw } from '../support/in-front-of-radosgw.ts';
import { presign } from '../support/presign.ts';
import { eventually } from '../support/proxy.ts';

const MIB = 1024 * 1024;
const BUCKET = 'broken-connections';

describe.skipIf(inject('radosgw') === null)('a real upstream behind broken connections', () => {
  const { backend, direct, start, stored } = inFrontOfRadosgw(BUCKET);
  let brownout: Brownout;

  const through = async (fault: string, maxAttempts = 1) => {
    brownout = await start(`provider: aws-s3\nrules: [{ name: r, trigger: { first: 1 }, fault: ${fault} }]`);
    return awsClient(brownout.url, backend, maxAttempts);
  };
  const target = (Key: string) => ({ Bucket: BUCKET, Key });
  const isMissing = (key: string) =>
    direct.send(new HeadObjectCommand(target(key))).then(
      () => false,
      (error) => error.$metadata.httpStatusCode === 404,
    );
  const begin = async (key: string) => {
    const { UploadId } = await direct.send(new CreateMultipartUploadCommand(target(key)));
    return { ...target(key), UploadId };
  };

  it('keeps the object whose acknowledgement was lost', async () => {
    const client = await through('{ reset: commit }');
    const sent = client.send(new PutObjectCommand({ ...target('lost'), Body: 'kept' }));
    await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await stored('lost')).toString()).toBe('kept');
    expect(brownout.entries()).toMatchObject([{ outcome: 'injected', fault: 'reset', upstreamStatus: 200 }]);
  });

  it('has completed the upload whose completion was lost', async () => {
    const upload = await begin('lost-completion');
    const part = { ...upload, PartNumber: 1 };
    const { ETag } = await direct.send(new UploadPartCommand({ ...part, Body: 'all of it' }));
    const client = await through('{ reset: commit }');
    const complete = { ...upload, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } };
    const sent = client.send(new CompleteMultipartUploadCommand(complete));
    await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await stored('lost-completion')).toString()).toBe('all of it');
  });

  it.each(['body:50%', 'body:0B', 'body:end'])('has nothing of an upload reset at %s', async (at) => {
    const key = `broken-at-${at.replace(/\W/g, '-')}`;
    const client = await through(`{ reset: '${at}' }`);
    const sent = client.send(new PutObjectCommand({ ...target(key), Body: randomBytes(2 * MIB) }));
    await expect(sent).rejects.toThrow();
    await eventually('the exchange is over', () => brownout.entries().length === 1);
    expect(await isMissing(key)).toBe(true);
    const [entry] = brownout.entries();
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'reset' });
    expect(entry?.upstreamStatus).toBeUndefined();
  });

  it('has no half of a part that was reset, and takes it when it comes again', async () => {
    const upload = await begin('parts');
    const body = randomBytes(5 * MIB);
    const client = await through("{ reset: 'body:50%' }");
    const part = { ...upload, PartNumber: 1, Body: body };
    await expect(client.send(new UploadPartCommand(part))).rejects.toThrow();
    await eventually('the exchange is over', () => brownout.entries().length === 1);
    expect((await direct.send(new ListPartsCommand(upload))).Parts ?? []).toEqual([]);
    const { ETag } = await client.send(new UploadPartCommand(part));
    expect((await direct.send(new ListPartsCommand(upload))).Parts).toMatchObject([{ Size: body.length }]);
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
    await direct.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
    expect((await stored('parts')).equals(body)).toBe(true);
  });

  it('is reached by a client that tries again', async () => {
    const client = await through("{ reset: 'body:50%' }", 3);
    const body = randomBytes(MIB);
    const { $metadata } = await client.send(new PutObjectCommand({ ...target('again'), Body: body }));
    expect($metadata.attempts).toBe(2);
    expect((await stored('again')).equals(body)).toBe(true);
  });

  it('refuses a signed upload with one other byte', async () => {
    const client = await through('{ corrupt: upload }');
    const sent = client.send(new PutObjectCommand({ ...target('corrupt'), Body: randomBytes(MIB) }));
    await expect(sent).rejects.toMatchObject({ name: 'XAmzContentSHA256Mismatch' });
    expect(await isMissing('corrupt')).toBe(true);
    expect(brownout.entries()).toMatchObject([
      {
        outcome: 'injected',
        fault: 'corrupt',
        upstreamStatus: 400,
        upstreamCode: 'XAmzContentSHA256Mismatch',
      },
    ]);
  });

  it.each([
    ['refuses it as BadDigest under a Content-MD5', true],
    ['stores it where nothing vouches for the body', false],
  ])('%s', async (_, hasDigest) => {
    await through('{ corrupt: { in: upload, bytes: 3 } }');
    const body = randomBytes(MIB);
    const key = hasDigest ? 'bad-digest' : 'stored-corrupt';
    const digest = { 'content-md5': createHash('md5').update(body).digest('base64') };
    const url = presign('PUT', `${brownout.url}/${BUCKET}/${key}`, backend);
    const answer = await fetch(url, { method: 'PUT', body, headers: hasDigest ? digest : {} });
    if (hasDigest) {
      expect([answer.status, await answer.text()]).toEqual([
        400,
        expect.stringContaining('<Code>BadDigest<'),
      ]);
      expect(await isMissing(key)).toBe(true);
      return;
    }
    expect(answer.status).toBe(200);
    const kept = await stored(key);
    expect(kept).toHaveLength(body.length);
    expect(kept.filter((byte, i) => byte !== body[i])).toHaveLength(3);
  });

  it('is not asked again by the AWS SDK when a download has a wrong byte or half of them', async () => {
    const body = randomBytes(MIB);
    await direct.send(new PutObjectCommand({ ...target('whole'), Body: body }));
    const read = async (fault: string) => {
      const { Body } = await (await through(fault)).send(new GetObjectCommand(target('whole')));
      const bytes = await Body?.transformToByteArray();
      await brownout.stop();
      return Buffer.from(bytes ?? []);
    };
    const corrupted = await read('{ corrupt: download }');
    expect(corrupted).toHaveLength(MIB);
    expect(corrupted.equals(body)).toBe(false);
    expect(await read("{ truncate: { at: 'response:50%', length: sent } }")).toHaveLength(MIB / 2);
    await expect(read('{ truncate: 50% }')).rejects.toThrow('aborted');
    await expect(read("{ reset: 'response:50%' }")).rejects.toThrow('aborted');
  });
});
