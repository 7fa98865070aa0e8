import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { startProxy } from '../../src/index.ts';
import type { Brownout } from '../support/brownout.ts';
import { ANY_KEYS, awsClient, obsClient, ossClient } from '../support/clients.ts';
import { inFrontOfRadosgw } from '../support/in-front-of-radosgw.ts';

const BUCKET = 'partial';
const rules = (settings: string, provider = 'aws-s3') =>
  `provider: ${provider}\nrules: [{ name: r, fault: { partial: ${settings} } }]`;
const KEYS = ['logs/a&b', 'logs/慢', 'kept'];

async function fill(client: S3Client): Promise<void> {
  for (const Key of KEYS) await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }));
}

async function present(client: S3Client): Promise<string[]> {
  const found = await Promise.all(
    KEYS.map((Key) =>
      client.send(new HeadObjectCommand({ Bucket: BUCKET, Key })).then(
        () => [Key],
        () => [],
      ),
    ),
  );
  return found.flat();
}

const remove = (client: S3Client, Quiet = false) =>
  client.send(
    new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Quiet, Objects: KEYS.map((Key) => ({ Key })) } }),
  );

describe.skipIf(inject('radosgw') === null)('DeleteObjects that fails in part, in front of radosgw', () => {
  const { backend, direct, start } = inFrontOfRadosgw(BUCKET);
  let brownout: Brownout;

  it.each([
    [false, ['kept']],
    [true, undefined],
  ])('the AWS SDK reads the errors of the keys, quiet: %s, and all are deleted', async (quiet, deleted) => {
    await fill(direct);
    brownout = await start(rules('{ keys: "logs/**", code: AccessDenied }'));
    const { Errors, Deleted, $metadata } = await remove(awsClient(brownout.url, backend), quiet);
    expect($metadata).toMatchObject({ httpStatusCode: 200, attempts: 1 });
    // In whatever order radosgw lists them.
    expect(Errors?.map(({ Key, Code, Message }) => [Key, Code, Message]).sort()).toEqual([
      ['logs/a&b', 'AccessDenied', 'Access Denied'],
      ['logs/慢', 'AccessDenied', 'Access Denied'],
    ]);
    expect(Deleted?.map(({ Key }) => Key)).toEqual(deleted);
    expect(brownout.entries()).toMatchObject([
      { outcome: 'injected', fault: 'partial', code: 'AccessDenied', status: 200, upstreamStatus: 200 },
    ]);
    expect(await present(direct)).toEqual([]);
  });
});

describe('DeleteObjects that fails in part, in front of the memory store', () => {
  let stop: (() => Promise<void>) | undefined;
  afterEach(() => stop?.());

  const started = async (settings: string, provider?: string) => {
    const text = rules(settings, provider);
    const proxy = await startProxy({ upstream: 'memory:', rules: [{ name: 'r', text }] });
    stop = () => proxy.close();
    const client = awsClient(proxy.url, ANY_KEYS);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await fill(client);
    return { proxy, client };
  };

  it.each([false, true])('the AWS SDK reads the error of a key, quiet: %s', async (quiet) => {
    const { client } = await started('{ count: 1 }');
    const { Errors } = await remove(client, quiet);
    expect(Errors).toEqual([
      {
        Key: 'logs/a&b',
        Code: 'InternalError',
        Message: 'We encountered an internal error. Please try again.',
      },
    ]);
    expect(await present(client)).toEqual([]);
  });

  it("OBS's SDK reads them", async () => {
    const { proxy } = await started('{ keys: "logs/**", code: AccessDenied }', 'huawei-obs');
    const client = await obsClient(proxy.url);
    const Objects = KEYS.map((Key) => ({ Key }));
    const { InterfaceResult } = await client.deleteObjects({ Bucket: BUCKET, Objects });
    expect(InterfaceResult?.Errors).toMatchObject([
      { Key: 'logs/a&b', Code: 'AccessDenied', Message: 'Access Denied' },
      { Key: 'logs/慢', Code: 'AccessDenied', Message: 'Access Denied' },
    ]);
    expect(InterfaceResult?.Deleteds).toMatchObject([{ Key: 'kept' }]);
    client.close();
  });

  it("OSS's SDK sees only which keys are not among the deleted ones", async () => {
    const { proxy } = await started('{ keys: "logs/**", code: AccessDenied }', 'aliyun-oss');
    const client = ossClient(Number(new URL(proxy.url).port), BUCKET);
    const { deleted, res } = await client.deleteMulti(KEYS);
    expect(res.status).toBe(200);
    expect(deleted).toEqual([{ Key: 'kept' }]);
  });
});
