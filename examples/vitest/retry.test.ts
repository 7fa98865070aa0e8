// The retries of a client, tested against what its storage documents:
//   npm ci && npm run build && npx vitest run --root examples/vitest
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startProxy } from 'brownout';
import { expect, it } from 'vitest';

it('an upload outlasts SlowDown, a lost answer and a late InternalError', async () => {
  await using proxy = await startProxy({ upstream: 'memory:' });
  const session = await proxy.session({
    provider: 'aws-s3',
    key: { accessKey: 'worker-1' },
    plan: { PutObject: ['SlowDown', { reset: { at: 'commit' } }, { delay: '50ms', error: 'InternalError' }] },
  });
  const credentials = { accessKeyId: 'worker-1', secretAccessKey: 'secret' };
  const endpoint = { endpoint: proxy.url, region: 'us-east-1', forcePathStyle: true };
  const client = new S3Client({ ...endpoint, credentials, maxAttempts: 4 });

  await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a.jpg', Body: 'hello' }));

  await proxy.idle();
  expect(session.report().complete).toBe(true);
  expect(proxy.journal().map(({ status }) => status)).toEqual([503, undefined, 500, 200]);
});
