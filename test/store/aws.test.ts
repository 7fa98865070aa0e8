import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStore } from '../../src/store/store.ts';

let store: Awaited<ReturnType<typeof startStore>>;
let s3: S3Client;
const Bucket = 'photos';

beforeAll(async () => {
  store = await startStore({ maxBytes: 64 << 20, addressing: { domains: ['localhost'] } });
  s3 = client({ forcePathStyle: true, endpoint: store.url });
});
afterAll(async () => {
  s3.destroy();
  await store.close();
});

function client(more: { forcePathStyle: boolean; endpoint: string }): S3Client {
  return new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    maxAttempts: 1,
    ...more,
  });
}

async function read(Key: string, Range?: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...(Range && { Range }) }));
  return Buffer.from(await Body!.transformToByteArray());
}

describe('the memory store and the AWS SDK', () => {
  it('keep bytes, metadata and content type of an object', async () => {
    const Key = 'a b/照片 +%.jpg';
    const bytes = randomBytes(100_000);
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: bytes,
        ContentType: 'image/jpeg',
        Metadata: { camera: 'x1' },
      }),
    );
    expect(put.ETag).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head).toMatchObject({
      ContentLength: 100_000,
      ContentType: 'image/jpeg',
      Metadata: { camera: 'x1' },
      ETag: put.ETag,
      AcceptRanges: 'bytes',
    });
    expect(head.LastModified).toBeInstanceOf(Date);
    expect((await read(Key)).equals(bytes)).toBe(true);
  });

  it('keep an empty object', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    expect(await read('empty')).toHaveLength(0);
  });

  it('keep keys apart that would be equal in a normalised path', async () => {
    for (const Key of ['n/x', 'n//x', 'n/./x', 'n/y/../x'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    expect((await read('n//x')).toString()).toBe('n//x');
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'n/' }));
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual(['n/./x', 'n//x', 'n/x', 'n/y/../x']);
  });

  it('unwrap aws-chunked bodies of streams, trailers included', async () => {
    const bytes = randomBytes(300_000);
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 70_000), bytes.subarray(70_000)];
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'stream',
        Body: Readable.from(pieces),
        ContentLength: bytes.length,
      }),
    );
    expect((await read('stream')).equals(bytes)).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'stream' }));
    expect(head.ContentEncoding).toBeUndefined();
  });

  it('read ranges, and refuse a range that starts after the end', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: '0123456789' }));
    expect((await read('range', 'bytes=2-4')).toString()).toBe('234');
    expect((await read('range', 'bytes=7-')).toString()).toBe('789');
    expect((await read('range', 'bytes=-2')).toString()).toBe('89');
    expect((await read('range', 'bytes=8-99')).toString()).toBe('89');
    expect((await read('range', 'bytes=5-2')).toString()).toBe('0123456789');
    await expect(read('range', 'bytes=10-')).rejects.toMatchObject({
      name: 'InvalidRange',
      $metadata: { httpStatusCode: 416 },
    });
  });

  it('copy objects, with their metadata or with new ones', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'from x', Body: 'text', Metadata: { a: '1' } }));
    const CopySource = `${Bucket}/from%20x`;
    const copy = await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }));
    expect(copy.CopyObjectResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).Metadata).toEqual({ a: '1' });
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'to',
        CopySource,
        MetadataDirective: 'REPLACE',
        Metadata: { b: '2' },
      }),
    );
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).Metadata).toEqual({ b: '2' });
  });

  it('put an object together from parts that lib-storage uploads', async () => {
    const bytes = randomBytes(12 << 20);
    const upload = new Upload({
      client: s3,
      params: { Bucket, Key: 'big', Body: Readable.from(bytes), Metadata: { a: '1' } },
    });
    const done = await upload.done();
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    expect((await read('big')).equals(bytes)).toBe(true);
    expect(
      (await read('big', `bytes=${5 << 20}-${(5 << 20) + 9}`)).equals(
        bytes.subarray(5 << 20, (5 << 20) + 10),
      ),
    ).toBe(true);
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'big' }))).Metadata).toEqual({ a: '1' });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'big' }));
  });

  it('list, copy, check and abort parts', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'abcdef' }));
    const upload = { Bucket, Key: 'parts' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload));
    const one = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'one' }));
    const two = await s3.send(
      new UploadPartCopyCommand({
        ...upload,
        UploadId,
        PartNumber: 2,
        CopySource: `/${Bucket}/source`,
        CopySourceRange: 'bytes=1-3',
      }),
    );
    const listed = await s3.send(new ListPartsCommand({ ...upload, UploadId }));
    expect(listed.Parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag])).toEqual([
      [1, 3, one.ETag],
      [2, 3, two.CopyPartResult?.ETag],
    ]);
    const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }));
    const good = [
      { PartNumber: 1, ETag: one.ETag },
      { PartNumber: 2, ETag: two.CopyPartResult?.ETag },
    ];
    await expect(complete([{ PartNumber: 1, ETag: '"bad"' }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete(good.toReversed())).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete([])).rejects.toMatchObject({ name: 'MalformedXML' });
    await complete(good);
    expect((await read('parts')).toString()).toBe('onebcd');
    await expect(complete(good)).rejects.toMatchObject({ name: 'NoSuchUpload' });

    const other = await s3.send(new CreateMultipartUploadCommand(upload));
    await s3.send(new UploadPartCommand({ ...upload, UploadId: other.UploadId, PartNumber: 1, Body: 'x' }));
    await s3.send(new AbortMultipartUploadCommand({ ...upload, UploadId: other.UploadId }));
    await expect(
      s3.send(new ListPartsCommand({ ...upload, UploadId: other.UploadId })),
    ).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
  });

  it('list page by page, in both versions, with delimiters', async () => {
    const Keys = ['l/a', 'l/b/1', 'l/b/2', 'l/c/1', 'l/d', 'l/e&<>"'];
    for (const Key of Keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const seen: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: 'l/',
          Delimiter: '/',
          MaxKeys: 2,
          ...(token && { ContinuationToken: token }),
        }),
      );
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      seen.push(
        ...(page.Contents ?? []).map(({ Key }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
      );
      token = page.NextContinuationToken;
    } while (token);
    expect(seen.sort()).toEqual(['l/a', 'l/b/', 'l/c/', 'l/d', 'l/e&<>"']);

    const first = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'l/', MaxKeys: 2 }));
    expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'l/b/1']);
    const rest = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'l/', Marker: 'l/b/1' }));
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['l/b/2', 'l/c/1', 'l/d', 'l/e&<>"']);
    expect((await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }))).IsTruncated).toBe(false);
  });

  it('delete many objects, whatever their names', async () => {
    const Keys = ['d/1', 'd/&amp;"<é', ' d/2 '];
    for (const Key of Keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const gone = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [...Keys, 'never'].map((Key) => ({ Key })) } }),
    );
    expect(gone.Deleted?.map(({ Key }) => Key)).toEqual([...Keys, 'never']);
    for (const Key of Keys) await expect(read(Key)).rejects.toMatchObject({ name: 'NoSuchKey' });
    const quiet = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x' }], Quiet: true } }),
    );
    expect(quiet.Deleted).toBeUndefined();
  });

  it('create, find, list and delete buckets', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'fresh' }));
    await s3.send(new HeadBucketCommand({ Bucket: 'fresh' }));
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toContain('fresh');
    await s3.send(new PutObjectCommand({ Bucket: 'fresh', Key: 'k', Body: 'x' }));
    await expect(s3.send(new DeleteBucketCommand({ Bucket: 'fresh' }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
    });
    await s3.send(new DeleteObjectCommand({ Bucket: 'fresh', Key: 'k' }));
    await s3.send(new DeleteBucketCommand({ Bucket: 'fresh' }));
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'fresh' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
    await expect(s3.send(new ListObjectsV2Command({ Bucket: 'fresh' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
  });

  it('work in virtual-hosted style too', async () => {
    const virtual = client({ forcePathStyle: false, endpoint: store.url.replace('127.0.0.1', 'localhost') });
    virtual.middlewareStack.add(
      (next) => (args) => {
        // *.localhost does not resolve everywhere. The Host header is set already, so the connection may use the address.
        const { request } = args as { request: { hostname: string; headers: Record<string, string> } };
        request.headers.host = `${request.hostname}:${new URL(store.url).port}`;
        request.hostname = '127.0.0.1';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    await virtual.send(new PutObjectCommand({ Bucket, Key: 'virtual', Body: 'v' }));
    expect((await read('virtual')).toString()).toBe('v');
    virtual.destroy();
  });
});
