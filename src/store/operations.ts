import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Facts } from '../request/facts.ts';
import type { Operation } from '../request/operation.ts';
import { decode } from '../request/target.ts';
import { parseRange, receive, slice } from './body.ts';
import { listBuckets, listObjects } from './list.ts';
import { type Memory, OVERHEAD, type StoredObject, StoreError } from './memory.ts';
import { type Elements, readXml, textOf } from './xml.ts';

/** What a handler works on. `prefix` begins the caller's own headers: `x-amz-`, `x-oss-`, … */
export interface Call {
  readonly request: IncomingMessage;
  readonly facts: Facts;
  readonly memory: Memory;
  readonly bucket: string;
  readonly key: string;
  readonly prefix: string;
}

/** An answer to be sent: a document, or bytes (`length` of them, as HEAD leaves them out). */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly xml?: Elements;
  readonly chunks?: readonly Buffer[];
  readonly length?: number;
}

type Handler = (call: Call) => Reply | Promise<Reply>;

const KEPT =
  /^(?:content-(?:type|disposition|language|encoding)|cache-control|expires|x-(?:amz|oss|obs|jss)-meta-.*)$/;

function keptHeaders({ facts }: Call): Record<string, string> {
  const kept = Object.entries(facts.headers).filter(([name]) => KEPT.test(name));
  const plain = kept.map(([name, value]) => [name, String(value).replace(/^aws-chunked(?:\s*,\s*|$)/, '')]);
  return Object.fromEntries(plain.filter(([, value]) => value !== ''));
}

function etagOf(chunks: Iterable<Buffer>): string {
  const md5 = createHash('md5');
  for (const chunk of chunks) md5.update(chunk);
  return `"${md5.digest('hex')}"`;
}

/** The source of a copy, or the part of it that is asked for, charged anew. */
function copied({ facts, memory, prefix }: Call): StoredObject {
  const [path = ''] = String(facts.headers[`${prefix}copy-source`]).split('?');
  const [bucket = '', ...key] = decode(path).replace(/^\//, '').split('/');
  const source = memory.object(bucket, key.join('/'));
  const range = parseRange(facts.headers[`${prefix}copy-source-range`]?.toString(), source.size);
  const chunks = range === undefined ? source.chunks : slice(source, ...range);
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  memory.reserve(size + OVERHEAD);
  const etag = range === undefined ? source.etag : etagOf(chunks);
  return { ...source, chunks, size, cost: size + OVERHEAD, etag, modified: new Date() };
}

async function readDocument({ request, facts, memory }: Call, root: string, item: string) {
  const body = await receive(request, facts, memory);
  memory.release(body.cost);
  return readXml(body.chunks, root, item);
}

const getObject: Handler = ({ memory, bucket, key, facts }) => {
  const object = memory.object(bucket, key);
  const range = parseRange(facts.headers.range, object.size);
  const [start, end] = range ?? [0, object.size];
  const headers = {
    'content-type': 'application/octet-stream',
    ...object.headers,
    etag: object.etag,
    'last-modified': object.modified.toUTCString(),
    'accept-ranges': 'bytes',
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${object.size}` }),
  };
  return { status: range ? 206 : 200, headers, chunks: slice(object, start, end), length: end - start };
};

const uploadPart: Handler = async (call) => {
  const { request, facts, memory } = call;
  memory.upload(facts.uploadId);
  const number = facts.part ?? 0;
  if (number < 1 || number > 10_000)
    throw new StoreError(400, 'InvalidArgument', 'partNumber must be 1 to 10000.');
  const copy = facts.operation === 'UploadPartCopy';
  const part = copy ? copied(call) : await receive(request, facts, memory);
  // The upload may have been completed or aborted while the body came in.
  const parts = memory.uploads.get(facts.uploadId ?? '')?.parts;
  memory.release(parts === undefined ? part.cost : (parts.get(number)?.cost ?? 0));
  memory.upload(facts.uploadId).parts.set(number, part);
  // Of copied parts and completed uploads ali-oss reads the ETag from the header, the others from the document.
  const headers = { etag: part.etag };
  if (!copy) return { headers };
  return { headers, xml: { CopyPartResult: { LastModified: part.modified.toISOString(), ETag: part.etag } } };
};

const completeUpload: Handler = async (call) => {
  const { facts, memory, bucket, key } = call;
  const { items } = await readDocument(call, 'CompleteMultipartUpload', 'Part');
  const { parts, headers } = memory.upload(facts.uploadId);
  const numbers = items.map((item) => Number(textOf(item, 'PartNumber')));
  const chosen = items.map((item, index) => {
    const part = parts.get(numbers[index] ?? 0);
    if (part?.etag.replaceAll('"', '') === textOf(item, 'ETag').replaceAll('"', '')) return part;
    throw new StoreError(
      400,
      'InvalidPart',
      `Part ${numbers[index]} was not uploaded, or its ETag does not match.`,
    );
  });
  if (numbers.some((number, index) => number <= (numbers[index - 1] ?? 0))) {
    throw new StoreError(400, 'InvalidPartOrder', 'The parts are not in ascending order.');
  }
  if (numbers.length === 0) throw new StoreError(400, 'MalformedXML', 'You must specify at least one part.');
  const digest = etagOf(chosen.map((part) => Buffer.from(part.etag.slice(1, -1), 'hex'))).slice(1, -1);
  const etag = `"${digest}-${chosen.length}"`;
  memory.dropUpload(facts.uploadId);
  const size = chosen.reduce((sum, part) => sum + part.size, 0);
  memory.reserve(size + OVERHEAD);
  const body = {
    chunks: chosen.flatMap((part) => part.chunks),
    size,
    cost: size + OVERHEAD,
    etag,
    modified: new Date(),
  };
  memory.put(bucket, key, { ...body, headers, appendable: false });
  const Location = `http://${facts.headers.host ?? ''}${facts.path}`;
  return {
    headers: { etag },
    xml: { CompleteMultipartUploadResult: { Location, Bucket: bucket, Key: key, ETag: etag } },
  };
};

const appendObject: Handler = async (call) => {
  const { request, memory, bucket, key, facts, prefix } = call;
  memory.createBucket(bucket);
  const body = await receive(request, facts, memory);
  const before = memory.buckets.get(bucket)?.objects.get(key);
  const length = before?.size ?? 0;
  if (before?.appendable === false || facts.query.get('position') !== String(length)) {
    memory.release(body.cost);
    const code = before?.appendable === false ? 'ObjectNotAppendable' : 'PositionNotEqualToLength';
    // The Python SDK converts this header without asking whether it is there.
    const headers = { [`${prefix}next-append-position`]: String(length) };
    throw new StoreError(409, code, `The object is ${length} bytes long.`, headers);
  }
  const grown = { chunks: [...(before?.chunks ?? []), ...body.chunks], size: length + body.size };
  // The old bytes live on, and their cost with them, so they are not to be released as replaced.
  memory.buckets.get(bucket)?.objects.delete(key);
  const cost = (before?.cost ?? 0) + body.cost;
  memory.put(bucket, key, {
    ...body,
    ...grown,
    cost,
    headers: before?.headers ?? keptHeaders(call),
    appendable: true,
  });
  return { headers: { etag: body.etag, [`${prefix}next-append-position`]: String(grown.size) } };
};

const list: Handler = ({ memory, bucket, facts }) => ({ xml: listObjects(facts, memory.objects(bucket)) });

/** What the store can do, by operation; everything else is answered 501. */
export const HANDLERS: Readonly<Record<Operation, Handler>> = {
  GetObject: getObject,
  HeadObject: getObject,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPart,
  CompleteMultipartUpload: completeUpload,
  AppendObject: appendObject,
  ListObjects: list,
  ListObjectsV2: list,
  ListBuckets: ({ memory }) => ({ xml: listBuckets(memory.buckets) }),
  // esdk-obs-nodejs asks this of every host name before it speaks the OBS dialect to it.
  ApiVersionProbe: () => ({ headers: { 'x-obs-api': '3.0' } }),
  async PutObject(call) {
    call.memory.createBucket(call.bucket);
    const body = await receive(call.request, call.facts, call.memory);
    call.memory.put(call.bucket, call.key, { ...body, headers: keptHeaders(call), appendable: false });
    return { headers: { etag: body.etag } };
  },
  CopyObject(call) {
    call.memory.createBucket(call.bucket);
    const source = copied(call);
    const replaced = call.facts.headers[`${call.prefix}metadata-directive`] === 'REPLACE';
    call.memory.put(call.bucket, call.key, replaced ? { ...source, headers: keptHeaders(call) } : source);
    return { xml: { CopyObjectResult: { LastModified: source.modified.toISOString(), ETag: source.etag } } };
  },
  DeleteObject({ memory, bucket, key }) {
    memory.remove(bucket, key);
    return { status: 204 };
  },
  async DeleteObjects(call) {
    const { top, items } = await readDocument(call, 'Delete', 'Object');
    const keys = items.map((item) => textOf(item, 'Key'));
    for (const key of keys) call.memory.remove(call.bucket, key);
    return {
      xml: { DeleteResult: { Deleted: textOf(top, 'Quiet') === 'true' ? [] : keys.map((Key) => ({ Key })) } },
    };
  },
  CreateMultipartUpload(call) {
    const { memory, bucket, key } = call;
    memory.createBucket(bucket);
    memory.reserve(OVERHEAD);
    const id = randomUUID().replaceAll('-', '').toUpperCase();
    memory.uploads.set(id, { headers: keptHeaders(call), parts: new Map() });
    return { xml: { InitiateMultipartUploadResult: { Bucket: bucket, Key: key, UploadId: id } } };
  },
  ListParts({ facts, memory, bucket, key }) {
    const parts = [...memory.upload(facts.uploadId).parts].sort(([a], [b]) => a - b);
    const Part = parts.map(([PartNumber, { etag: ETag, size: Size, modified }]) => {
      return { PartNumber, LastModified: modified.toISOString(), ETag, Size };
    });
    const head = { Bucket: bucket, Key: key, UploadId: facts.uploadId, MaxParts: 10_000, IsTruncated: false };
    return { xml: { ListPartsResult: { ...head, Part } } };
  },
  AbortMultipartUpload({ memory, facts }) {
    memory.dropUpload(facts.uploadId);
    return { status: 204 };
  },
  CreateBucket({ memory, bucket }) {
    memory.createBucket(bucket);
    return { headers: { location: `/${encodeURIComponent(bucket)}` } };
  },
  HeadBucket({ memory, bucket }) {
    memory.objects(bucket);
    return {};
  },
  DeleteBucket({ memory, bucket }) {
    if (memory.objects(bucket).size > 0)
      throw new StoreError(409, 'BucketNotEmpty', 'The bucket is not empty.');
    memory.buckets.delete(bucket);
    memory.release(OVERHEAD);
    return { status: 204 };
  },
};
