import { CreateBucketCommand, GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, inject, onTestFinished } from 'vitest';
import { type Brownout, startBrownout } from './brownout.ts';
import { awsClient } from './clients.ts';
import type { RadosgwAddress } from './radosgw.ts';

/** Tools for tests in front of radosgw that have their own bucket. */
interface InFrontOfRadosgw {
  readonly backend: RadosgwAddress;
  /** Client that talks to radosgw directly. */
  readonly direct: S3Client;
  /** Starts brownout with a rule file of this text. Stopped when the test ends. */
  start(rules: string): Promise<Brownout>;
  /** Reads the bytes of an object from radosgw. */
  stored(key: string): Promise<Buffer>;
}

/** Creates the bucket. Called in a `describe` that is skipped if there is no radosgw. */
export function inFrontOfRadosgw(Bucket: string): InFrontOfRadosgw {
  const backend = inject('radosgw') ?? { url: '', accessKey: '', secretKey: '' };
  const direct = awsClient(backend.url, backend);
  beforeAll(async () => {
    await direct.send(new CreateBucketCommand({ Bucket }));
  });
  afterAll(() => direct.destroy());
  return {
    backend,
    direct,
    async start(rules) {
      const brownout = await startBrownout(backend.url, rules);
      onTestFinished(() => brownout.stop());
      return brownout;
    },
    async stored(Key) {
      const { Body } = await direct.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
  };
}
