import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AliOss from 'ali-oss';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStore } from '../../src/store/store.ts';

interface Answer {
  readonly res: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  readonly content: Buffer;
  readonly meta: unknown;
  readonly etag: string;
  readonly nextAppendPosition: string;
  readonly nextContinuationToken: string;
  readonly isTruncated: boolean;
  readonly prefixes: readonly string[];
  readonly deleted: readonly unknown[];
  readonly objects?: readonly { readonly name: string }[];
  readonly buckets: readonly { readonly name: string }[];
}

type Method =
  | 'put'
  | 'get'
  | 'head'
  | 'append'
  | 'copy'
  | 'delete'
  | 'deleteMulti'
  | 'list'
  | 'listV2'
  | 'listBuckets'
  | 'multipartUpload'
  | 'multipartUploadCopy';

// The package has no types; these are the parts that the tests use.
const OSS = AliOss as unknown as new (
  options: object,
) => Record<Method, (...args: unknown[]) => Promise<Answer>>;

let store: Awaited<ReturnType<typeof startStore>>;
let folder: string;

beforeAll(async () => {
  store = await startStore({ maxBytes: 64 << 20 });
  folder = await mkdtemp(join(tmpdir(), 'brownout-'));
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const WAYS = [
  ['with sldEnable', (url: string) => ({ endpoint: url.replace('127.0.0.1', 'localhost'), sldEnable: true })],
  [
    'with sldEnable and V4 signatures',
    (url: string) => ({
      endpoint: url.replace('127.0.0.1', 'localhost'),
      sldEnable: true,
      authorizationV4: true,
    }),
  ],
  ['at an IP endpoint', (url: string) => ({ endpoint: url })],
] as const;

describe.each(WAYS)('the memory store and ali-oss %s', (way, options) => {
  const bucket = way.replaceAll(' ', '-').toLowerCase();
  const client = () =>
    new OSS({
      accessKeyId: 'AK',
      accessKeySecret: 'SK',
      region: 'oss-cn-hangzhou',
      bucket,
      secure: false,
      ...options(store.url),
    });

  it('keep bytes and metadata', async () => {
    const oss = client();
    const bytes = randomBytes(50_000);
    const put = await oss.put('a b/照片+.jpg', bytes, { meta: { camera: 'x1' }, mime: 'image/jpeg' });
    expect(put.res.status).toBe(200);
    expect(put.res.headers['x-oss-request-id']).toMatch(/^[0-9A-F]{24}$/);
    const got = await oss.get('a b/照片+.jpg');
    expect(got.content.equals(bytes)).toBe(true);
    const head = await oss.head('a b/照片+.jpg');
    expect(head.meta).toEqual({ camera: 'x1' });
    expect(head.res.headers['content-type']).toBe('image/jpeg');
    const part = await oss.get('a b/照片+.jpg', { headers: { Range: 'bytes=1-3' } });
    expect([part.res.status, part.content]).toEqual([206, bytes.subarray(1, 4)]);
    await expect(oss.get('none')).rejects.toMatchObject({
      code: 'NoSuchKey',
      status: 404,
      requestId: expect.stringMatching(/^\S+$/),
    });
    await expect(oss.head('none')).rejects.toMatchObject({ code: 'NoSuchKey', status: 404 });
  });

  it('upload in parts, from a file', async () => {
    const oss = client();
    const file = join(folder, 'big');
    const bytes = randomBytes(1_200_000);
    await writeFile(file, bytes);
    const done = await oss.multipartUpload('big', file, { partSize: 300 * 1024, parallel: 2 });
    expect(done.etag).toMatch(/^"[0-9a-f]{32}-4"$/);
    expect((await oss.get('big')).content.equals(bytes)).toBe(true);
    const copied = await oss.multipartUploadCopy(
      'big2',
      { sourceKey: 'big', sourceBucketName: bucket },
      { partSize: 300 * 1024 },
    );
    expect(copied.etag).toBe(done.etag);
  });

  it('append, and answer a wrong position with the right one', async () => {
    const oss = client();
    const first = await oss.append('log', Buffer.from('one'));
    expect(first.nextAppendPosition).toBe('3');
    const second = await oss.append('log', Buffer.from('two'), { position: '3' });
    expect(second.nextAppendPosition).toBe('6');
    expect(String((await oss.get('log')).content)).toBe('onetwo');
    await expect(oss.append('log', Buffer.from('x'), { position: '5' })).rejects.toMatchObject({
      code: 'PositionNotEqualToLength',
      status: 409,
    });
    await oss.delete('log');
    expect((await oss.append('log', Buffer.from('new'))).nextAppendPosition).toBe('3');
  });

  it('list, copy and delete', async () => {
    const oss = client();
    for (const key of ['l/1', 'l/2', 'l/s/3']) await oss.put(key, Buffer.from(key));
    const v1 = await oss.list({ prefix: 'l/', delimiter: '/', 'max-keys': 10 }, {});
    expect([v1.objects?.map(({ name }) => name), v1.prefixes]).toEqual([['l/1', 'l/2'], ['l/s/']]);
    const v2 = await oss.listV2({ prefix: 'l/', 'max-keys': '2' }, {});
    expect([v2.objects?.map(({ name }) => name), v2.isTruncated]).toEqual([['l/1', 'l/2'], true]);
    const next = await oss.listV2({ prefix: 'l/', 'continuation-token': v2.nextContinuationToken }, {});
    expect(next.objects?.map(({ name }) => name)).toEqual(['l/s/3']);
    await oss.copy('l/copy', 'l/1');
    expect(String((await oss.get('l/copy')).content)).toBe('l/1');
    const gone = await oss.deleteMulti(['l/1', 'l/2', 'l/s/3', 'l/copy']);
    expect(gone.deleted).toHaveLength(4);
    expect((await oss.list({ prefix: 'l/' }, {})).objects ?? []).toEqual([]);
    const { buckets } = await oss.listBuckets({});
    expect(buckets.map(({ name }) => name)).toContain(bucket);
  });
});
