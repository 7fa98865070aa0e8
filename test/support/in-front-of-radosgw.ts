import { CreateBucketCommand, GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, inject, onTestFinished } from 'vitest';
import { type Brownout, startBrownout } from './brownout.ts';
import { awsClient } from './clients.ts';
import type { RadosgwAddress } from './radosgw.ts';

/** What tests in front of radosgw share that have a bucket of their own. */
interface InFrontOfRadosgw {
  readonly backend: RadosgwAddress;
  /** A client that goes past brownout. */
  readonly direct: S3Client;
  /** Starts brownout with a rule file of this text; stopped when the test is over. */
  start(rules: string): Promise<Brownout>;
  /** The bytes of an object as radosgw has them. */
  stored(key: string): Promise<Buffer>;
}

/** To be called in a `describe` that is skipped where there is no radosgw; makes the bucket. */
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
