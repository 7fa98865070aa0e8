import { afterEach, describe, expect, it } from 'vitest';
import { type Brownout, startBrownout } from '../support/brownout.ts';
import { ossClient } from '../support/clients.ts';

const BUCKET = 'oss-sdk';

/** What ali-oss throws. */
interface OssError {
  code: string;
  status: number;
  requestId: string;
  name: string;
}

describe('ali-oss in front of the embedded store', () => {
  let brownout: Brownout;
  afterEach(() => brownout.stop());

  const through = async (rules: string) => {
    brownout = await startBrownout('memory:', `provider: aliyun-oss\n${rules}`);
    const client = ossClient(brownout.port, BUCKET);
    await client.putBucket(BUCKET);
    return client;
  };
  const failure = (sent: Promise<unknown>): Promise<OssError> =>
    sent.then(
      () => Promise.reject(new Error('the request succeeded')),
      (reason) => reason,
    );
  const faultId = () => brownout.entries().find((entry) => entry.fault !== undefined)?.requestId;

  it('stores and reads back an object that no rule fires on', async () => {
    const client = await through('rules: []');
    const body = Buffer.from('杭州 bytes');
    expect((await client.put('photos/杭州.txt', body)).res.status).toBe(200);
    expect((await client.get('photos/杭州.txt')).content.equals(body)).toBe(true);
  });

  it('uploads in parts', async () => {
    const client = await through('rules: []');
    const body = Buffer.alloc(350 * 1024, 'part ');
    await client.multipartUpload('large', body, { partSize: 100 * 1024 });
    expect((await client.get('large')).content.equals(body)).toBe(true);
  });

  it('raises the documented code, once, with the request id that brownout wrote', async () => {
    const client = await through(
      'rules: [{ name: r, match: { operation: PutObject }, fault: { error: UploadTrafficRateLimitExceeded } }]',
    );
    const error = await failure(client.put('slow', Buffer.from('x')));
    expect(error).toMatchObject({
      code: 'UploadTrafficRateLimitExceeded',
      status: 503,
      requestId: faultId(),
    });
    expect(error.requestId).toMatch(/^[0-9A-F]{24}$/);
    expect(brownout.entries().filter((entry) => entry.operation === 'PutObject')).toHaveLength(1);
  });

  it('reads the code of a HEAD error out of x-oss-err', async () => {
    const client = await through(
      'rules: [{ name: r, match: { operation: HeadObject }, fault: { error: AccessDenied } }]',
    );
    const error = await failure(client.head('any'));
    expect(error).toMatchObject({ code: 'AccessDenied', status: 403, requestId: faultId() });
  });

  it('raises CallbackFailed on 203, and the object is stored', async () => {
    const client = await through(
      'rules: [{ name: r, match: { callback: true }, fault: { error: CallbackFailed } }]',
    );
    const callback = { url: 'http://app.example.com/stored', body: 'stored=yes' };
    const error = await failure(client.put('callback', Buffer.from('kept'), { callback }));
    expect(error).toMatchObject({ code: 'CallbackFailed', status: 203 });
    expect((await client.get('callback')).content.toString()).toBe('kept');
    expect(brownout.entries().find((entry) => entry.code === 'CallbackFailed')).toMatchObject({
      status: 203,
      upstreamStatus: 200,
    });
  });

  it('takes an error inside a 200 for success', async () => {
    const client = await through(
      'rules: [{ name: r, match: { operation: CompleteMultipartUpload }, fault: { error: { code: RequestTimeout, at: embedded } } }]',
    );
    const body = Buffer.alloc(250 * 1024, 'part ');
    const { res } = await client.multipartUpload('embedded', body, { partSize: 100 * 1024 });
    expect(res.status).toBe(200);
    expect(brownout.entries().some((entry) => entry.code === 'RequestTimeout')).toBe(true);
  });
});
