import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import Esdk from 'esdk-obs-nodejs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStore } from '../../src/store/store.ts';

interface Named {
  readonly Key?: string;
  readonly Name?: string;
  readonly BucketName?: string;
}

interface Answer {
  readonly CommonMsg: { readonly Status: number; readonly Code: string; readonly RequestId: string };
  readonly InterfaceResult: {
    readonly Content: AsyncIterable<Buffer>;
    readonly UploadId: string;
    readonly ETag: string;
    readonly Parts: readonly unknown[];
    readonly Deleteds: readonly unknown[];
    readonly CommonPrefixes: readonly unknown[];
    readonly Contents: readonly Named[];
    readonly Buckets: readonly Named[];
  };
}

type Method =
  | 'putObject'
  | 'getObject'
  | 'getObjectMetadata'
  | 'initiateMultipartUpload'
  | 'uploadPart'
  | 'copyPart'
  | 'listParts'
  | 'completeMultipartUpload'
  | 'copyObject'
  | 'listObjects'
  | 'appendObject'
  | 'deleteObject'
  | 'deleteObjects'
  | 'listBuckets'
  | 'headBucket';

// The package has no types; these are the parts that the tests use.
const ObsClient = Esdk as unknown as new (
  options: object,
) => Record<Method, (request?: object) => Promise<Answer>>;

async function contentOf(answer: Answer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer.InterfaceResult.Content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

let store: Awaited<ReturnType<typeof startStore>>;
const Bucket = 'photos';

beforeAll(async () => {
  store = await startStore({ maxBytes: 64 << 20 });
});
afterAll(() => store.close());

const WAYS = [
  ['at an IP endpoint (AWS signature)', (url: string) => ({ server: url, path_style: true })],
  [
    'at a named endpoint (OBS signature)',
    (url: string) => ({ server: url.replace('127.0.0.1', 'localhost'), path_style: true }),
  ],
] as const;

describe.each(WAYS)('the memory store and esdk-obs-nodejs %s', (_, options) => {
  async function client() {
    const obs = new ObsClient({ access_key_id: 'AK', secret_access_key: 'SK', ...options(store.url) });
    // The client decides on path style one tick after its constructor.
    await tick();
    return obs;
  }

  it('keep bytes and metadata, and read ranges', async () => {
    const obs = await client();
    const bytes = randomBytes(50_000);
    const put = await obs.putObject({
      Bucket,
      Key: 'a b/照片+.jpg',
      Body: Readable.from([bytes]),

      Metadata: { camera: 'x1' },
    });
    expect(put.CommonMsg).toMatchObject({ Status: 200, RequestId: expect.stringMatching(/^[0-9A-F]{24}$/) });
    const read = (more: object) => obs.getObject({ Bucket, SaveAsStream: true, ...more });
    expect((await contentOf(await read({ Key: 'a b/照片+.jpg' }))).equals(bytes)).toBe(true);
    const head = await obs.getObjectMetadata({ Bucket, Key: 'a b/照片+.jpg' });
    expect(head.InterfaceResult).toMatchObject({
      ContentLength: '50000',

      Metadata: { camera: 'x1' },
    });
    await obs.putObject({ Bucket, Key: 'digits', Body: '0123456789' });
    const part = await read({ Key: 'digits', Range: 'bytes=2-4' });
    expect([part.CommonMsg.Status, String(await contentOf(part))]).toEqual([206, '234']);
    const none = await obs.getObject({ Bucket, Key: 'none' });
    expect(none.CommonMsg).toMatchObject({ Status: 404, Code: 'NoSuchKey' });
  });

  it('put an object together from parts', async () => {
    const obs = await client();
    const upload = { Bucket, Key: 'big' };
    const { UploadId } = (await obs.initiateMultipartUpload(upload)).InterfaceResult;
    const Parts = [];
    for (const [index, text] of ['one', 'two'].entries()) {
      const part = await obs.uploadPart({ ...upload, UploadId, PartNumber: index + 1, Body: text });
      Parts.push({ PartNumber: index + 1, ETag: part.InterfaceResult.ETag });
    }
    const copy = await obs.copyPart({
      ...upload,
      UploadId,
      PartNumber: 3,
      CopySource: `${Bucket}/digits`,
      CopySourceRange: 'bytes=0-2',
    });
    Parts.push({ PartNumber: 3, ETag: copy.InterfaceResult.ETag });
    const listed = await obs.listParts({ ...upload, UploadId });
    expect(listed.InterfaceResult.Parts).toHaveLength(3);
    const done = await obs.completeMultipartUpload({ ...upload, UploadId, Parts });
    expect(done.CommonMsg.Status).toBe(200);
    expect(String(await contentOf(await obs.getObject({ ...upload, SaveAsStream: true })))).toBe('onetwo012');
  });

  it('list, copy, append and delete', async () => {
    const obs = await client();
    for (const Key of ['l/1', 'l/2', 'l/s/3']) await obs.putObject({ Bucket, Key, Body: Key });
    const copied = await obs.copyObject({ Bucket, Key: 'l/4', CopySource: `${Bucket}/l/1` });
    expect(copied.CommonMsg.Status).toBe(200);
    const listed = await obs.listObjects({ Bucket, Prefix: 'l/', Delimiter: '/' });
    expect(listed.InterfaceResult.Contents.map(({ Key }) => Key)).toEqual(['l/1', 'l/2', 'l/4']);
    expect(listed.InterfaceResult.CommonPrefixes).toEqual([{ Prefix: 'l/s/' }]);
    for (const [Position, Body] of ['one', 'two'].entries()) {
      const appended = await obs.appendObject({ Bucket, Key: 'l/log', Position: Position * 3, Body });
      expect(appended.CommonMsg.Status).toBe(200);
    }
    const gone = await obs.deleteObjects({
      Bucket,
      Objects: ['l/1', 'l/2', 'l/4', 'l/log', 'l/s/3'].map((Key) => ({ Key })),
    });
    expect(gone.InterfaceResult.Deleteds).toHaveLength(5);
    expect((await obs.deleteObject({ Bucket, Key: 'l/1' })).CommonMsg.Status).toBe(204);
    expect(
      (await obs.listBuckets()).InterfaceResult.Buckets.map((each) => each.BucketName ?? each.Name),
    ).toContain(Bucket);
    expect((await obs.headBucket({ Bucket })).CommonMsg.Status).toBe(200);
    expect((await obs.headBucket({ Bucket: 'none' })).CommonMsg.Status).toBe(404);
  });
});
