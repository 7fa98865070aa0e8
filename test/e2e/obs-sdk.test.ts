import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Brownout, startBrownout } from '../support/brownout.ts';
import { obsClient } from '../support/clients.ts';

const BUCKET = 'obs-sdk';
const radosgw = inject('radosgw');

describe.skipIf(radosgw === null)('esdk-obs-nodejs in front of radosgw', () => {
  const backend = radosgw ?? { url: '', accessKey: '', secretKey: '' };
  let brownout: Brownout;

  beforeAll(async () => {
    const client = await obsClient(backend.url, backend);
    expect((await client.createBucket({ Bucket: BUCKET })).CommonMsg.Status).toBe(200);
  });
  afterEach(() => brownout?.stop());

  const through = async (rules: string) => {
    brownout = await startBrownout(backend.url, rules);
    return obsClient(brownout.url, backend);
  };
  const stored = async (key: string) => {
    const { InterfaceResult } = await (await obsClient(backend.url, backend)).getObject({
      Bucket: BUCKET,
      Key: key,
    });
    return String(InterfaceResult?.Content);
  };

  it('signs with AWS V2, which stays valid through the proxy, for writing and for reading', async () => {
    const client = await through('rules: []');
    const put = await client.putObject({ Bucket: BUCKET, Key: 'plain', Body: 'unharmed' });
    expect(put.CommonMsg.Status).toBe(200);
    const get = await client.getObject({ Bucket: BUCKET, Key: 'plain' });
    expect(String(get.InterfaceResult?.Content)).toBe('unharmed');
  });

  it('keeps its presigned URLs valid', async () => {
    const client = await through('rules: []');
    await client.putObject({ Bucket: BUCKET, Key: 'presigned', Body: 'by url' });
    const { SignedUrl } = client.createSignedUrlSync({
      Method: 'GET',
      Bucket: BUCKET,
      Key: 'presigned',
      Expires: 300,
    });
    expect(new URL(SignedUrl).port).toBe(String(brownout.port));
    expect(await (await fetch(SignedUrl)).text()).toBe('by url');
  });

  it('does not throw on SlowDown but resolves with its status, code and request id', async () => {
    const client = await through('provider: huawei-obs\nrules: [{ name: r, fault: { error: SlowDown } }]');
    const { CommonMsg } = await client.putObject({ Bucket: BUCKET, Key: 'slow', Body: 'x' });
    expect(CommonMsg).toMatchObject({ Status: 503, Code: 'SlowDown' });
    expect(CommonMsg.RequestId).toBe(brownout.entries()[0]?.requestId);
    expect(CommonMsg.RequestId).toMatch(/^[0-9A-F]{32}$/);
    expect(brownout.entries()).toHaveLength(1);
  });

  it('finds the code of a HEAD error in the headers', async () => {
    const client = await through(
      'provider: huawei-obs\nrules: [{ name: r, fault: { error: AccessDenied } }]',
    );
    const { CommonMsg } = await client.getObjectMetadata({ Bucket: BUCKET, Key: 'any' });
    expect(CommonMsg).toMatchObject({ Status: 403, Code: 'AccessDenied' });
  });

  it("reads JD's InvalidCallback 567 from JSON, and the object really is in the upstream", async () => {
    const client = await through('provider: jd-jss\nrules: [{ name: r, fault: { error: InvalidCallback } }]');
    const { CommonMsg } = await client.putObject({ Bucket: BUCKET, Key: 'callback', Body: 'kept' });
    expect(CommonMsg).toMatchObject({ Status: 567, Code: 'InvalidCallback' });
    expect(await stored('callback')).toBe('kept');
  });

  it('is told 500 after the upstream has stored the object', async () => {
    const client = await through(
      'provider: huawei-obs\nrules: [{ name: r, fault: { error: { code: InternalError, at: commit } } }]',
    );
    const { CommonMsg } = await client.putObject({ Bucket: BUCKET, Key: 'after-commit', Body: 'kept' });
    expect(CommonMsg).toMatchObject({ Status: 500, Code: 'InternalError' });
    expect(await stored('after-commit')).toBe('kept');
    expect(brownout.entries()[0]).toMatchObject({ status: 500, upstreamStatus: 200 });
  });
});
