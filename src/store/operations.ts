import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Facts } from '../request/facts.ts';
import type { Operation } from '../request/operation.ts';
import { decode } from '../request/target.ts';
import { parseRange, receive, slice } from './body.ts';
import { listBuckets, listObjects } from './list.ts';
import { type Body, type Memory, OVERHEAD, type StoredObject, StoreError } from './memory.ts';
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

/** An answer to be sent: a document, or bytes; `length` is theirs where HEAD leaves them out. */
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
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts.headers)) {
    if (typeof value !== 'string' || !KEPT.test(name)) continue;
    const plain = name === 'content-encoding' ? value.replace(/\s*aws-chunked\s*,?\s*/, '') : value;
    if (plain !== '') kept[name] = plain;
  }
  return kept;
}

function stored({ memory, bucket, key }: Call, object: StoredObject): Reply {
  memory.put(bucket, key, object);
  return { headers: { etag: object.etag } };
}

const putObject: Handler = async (call) => {
  const body = await receive(call.request, call.facts, call.memory);
  return stored(call, { ...body, headers: keptHeaders(call), modified: new Date(), appendable: false });
};

const appendObject: Handler = async (call) => {
  const { memory, bucket, key, facts, prefix } = call;
  const body = await receive(call.request, facts, memory);
  const before = memory.buckets.get(bucket)?.objects.get(key);
  const size = before?.size ?? 0;
  const refused = before?.appendable === false ? 'ObjectNotAppendable' : 'PositionNotEqualToLength';
  if (before?.appendable === false || facts.query.get('position') !== String(size)) {
    memory.release(body.cost);
    // The Python SDK converts this header without asking whether it is there.
    throw new StoreError(409, refused, `The object is ${size} bytes long.`, {
      [`${prefix}next-append-position`]: String(size),
    });
  }
  const grown = { chunks: [...(before?.chunks ?? []), ...body.chunks], size: size + body.size };
  const headers = before?.headers ?? keptHeaders(call);
  // The old bytes stay in use, so their cost moves over instead of being released.
  memory.buckets.get(bucket)?.objects.delete(key);
  const cost = body.cost + (before?.cost ?? 0);
  const reply = stored(call, { ...body, ...grown, cost, headers, modified: new Date(), appendable: true });
  return { headers: { ...reply.headers, [`${prefix}next-append-position`]: String(grown.size) } };
};

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

/** The source of a copy, or the part of it that is asked for, charged anew. */
function copied({ facts, memory, prefix }: Call): StoredObject {
  const [path = ''] = String(facts.headers[`${prefix}copy-source`]).split('?');
  const [bucket = '', ...key] = decode(path).replace(/^\//, '').split('/');
  const source = memory.object(bucket, key.join('/'));
  const [start, end] = parseRange(facts.headers[`${prefix}copy-source-range`]?.toString(), source.size) ?? [
    0,
    source.size,
  ];
  const cost = end - start + OVERHEAD;
  memory.reserve(cost);
  if (end - start === source.size) return { ...source, cost };
  const chunks = slice(source, start, end);
  return { ...source, chunks, size: end - start, cost, etag: etagOf(chunks) };
}

function etagOf(chunks: Iterable<Buffer>): string {
  const md5 = createHash('md5');
  for (const chunk of chunks) md5.update(chunk);
  return `"${md5.digest('hex')}"`;
}

const copyObject: Handler = (call) => {
  const source = copied(call);
  const replaced = call.facts.headers[`${call.prefix}metadata-directive`] === 'REPLACE';
  const object = { ...source, modified: new Date(), headers: replaced ? keptHeaders(call) : source.headers };
  stored(call, object);
  return { xml: { CopyObjectResult: { LastModified: object.modified.toISOString(), ETag: object.etag } } };
};

const createUpload: Handler = (call) => {
  const { memory, bucket, key } = call;
  memory.reserve(OVERHEAD);
  const id = randomUUID().replaceAll('-', '').toUpperCase();
  memory.uploads.set(id, { bucket, key, headers: keptHeaders(call), parts: new Map() });
  return { xml: { InitiateMultipartUploadResult: { Bucket: bucket, Key: key, UploadId: id } } };
};

const uploadPart: Handler = async (call) => {
  const { facts, memory } = call;
  memory.upload(facts.uploadId);
  const number = facts.part ?? 0;
  if (number < 1 || number > 10_000)
    throw new StoreError(400, 'InvalidArgument', 'partNumber must be from 1 to 10000.');
  const copy = facts.operation === 'UploadPartCopy';
  const part = {
    ...(copy ? copied(call) : await receive(call.request, facts, memory)),
    modified: new Date(),
  };
  // The upload may have been completed or aborted while the body came in.
  const upload = memory.uploads.get(facts.uploadId ?? '');
  memory.release(upload === undefined ? part.cost : (upload.parts.get(number)?.cost ?? 0));
  memory.upload(facts.uploadId).parts.set(number, part);
  // Of copied parts and completed uploads ali-oss reads the ETag from the header, the others from the document.
  if (!copy) return { headers: { etag: part.etag } };
  return {
    headers: { etag: part.etag },
    xml: { CopyPartResult: { LastModified: part.modified.toISOString(), ETag: part.etag } },
  };
};

const listParts: Handler = ({ facts, memory }) => {
  const { bucket, key, parts } = memory.upload(facts.uploadId);
  const Part = [...parts]
    .sort(([a], [b]) => a - b)
    .map(([PartNumber, { etag, size, modified }]) => ({
      PartNumber,
      LastModified: modified.toISOString(),
      ETag: etag,
      Size: size,
    }));
  const head = { Bucket: bucket, Key: key, UploadId: facts.uploadId, MaxParts: 10_000, IsTruncated: false };
  return { xml: { ListPartsResult: { ...head, Part } } };
};

const completeUpload: Handler = async (call) => {
  const { facts, memory, bucket, key } = call;
  const { items } = await readDocument(call, 'CompleteMultipartUpload', 'Part');
  const upload = memory.upload(facts.uploadId);
  let last = 0;
  const parts = items.map((item): Body => {
    const number = Number(textOf(item, 'PartNumber'));
    const part = upload.parts.get(number);
    if (part === undefined || textOf(item, 'ETag').replaceAll('"', '') !== part.etag.replaceAll('"', '')) {
      throw new StoreError(
        400,
        'InvalidPart',
        `Part ${number} was not uploaded, or its ETag does not match.`,
      );
    }
    if (number <= last)
      throw new StoreError(400, 'InvalidPartOrder', 'The parts are not in ascending order.');
    last = number;
    return part;
  });
  if (parts.length === 0) throw new StoreError(400, 'MalformedXML', 'You must specify at least one part.');
  const digest = etagOf(parts.map(({ etag }) => Buffer.from(etag.slice(1, -1), 'hex'))).slice(1, -1);
  dropUpload(memory, facts.uploadId);
  const cost = OVERHEAD + parts.reduce((sum, part) => sum + part.cost, 0);
  memory.reserve(cost);
  const [size, chunks] = [
    parts.reduce((sum, part) => sum + part.size, 0),
    parts.flatMap((part) => part.chunks),
  ];
  const etag = `"${digest}-${parts.length}"`;
  stored(call, {
    chunks,
    size,
    cost,
    etag,
    headers: upload.headers,
    modified: new Date(),
    appendable: false,
  });
  const Location = `http://${facts.headers.host ?? ''}${facts.path}`;
  return {
    headers: { etag },
    xml: { CompleteMultipartUploadResult: { Location, Bucket: bucket, Key: key, ETag: etag } },
  };
};

function dropUpload(memory: Memory, id: string | undefined): Reply {
  for (const part of memory.upload(id).parts.values()) memory.release(part.cost);
  memory.release(OVERHEAD);
  memory.uploads.delete(id ?? '');
  return { status: 204 };
}

async function readDocument({ request, facts, memory }: Call, root: string, item: string) {
  const body = await receive(request, facts, memory);
  memory.release(body.cost);
  return readXml(body.chunks, root, item);
}

const deleteObject: Handler = ({ memory, bucket, key }) => {
  memory.remove(bucket, key);
  return { status: 204 };
};

const deleteObjects: Handler = async (call) => {
  const { top, items } = await readDocument(call, 'Delete', 'Object');
  const keys = items.map((item) => textOf(item, 'Key'));
  call.memory.objects(call.bucket);
  for (const key of keys) call.memory.remove(call.bucket, key);
  const Deleted = textOf(top, 'Quiet') === 'true' ? [] : keys.map((Key) => ({ Key }));
  return { xml: { DeleteResult: { Deleted } } };
};

const createBucket: Handler = ({ memory, bucket }) => {
  memory.open(bucket);
  return { headers: { location: `/${bucket}` } };
};

const headBucket: Handler = ({ memory, bucket }) => {
  memory.objects(bucket);
  return {};
};

const deleteBucket: Handler = ({ memory, bucket }) => {
  if (memory.objects(bucket).size > 0)
    throw new StoreError(409, 'BucketNotEmpty', 'The bucket is not empty.');
  memory.buckets.delete(bucket);
  memory.release(OVERHEAD);
  return { status: 204 };
};

const list: Handler = ({ memory, bucket, facts }) => ({ xml: listObjects(facts, memory.objects(bucket)) });

/** What the store can do; everything else is answered 501. */
export const HANDLERS: ReadonlyMap<Operation, Handler> = new Map<Operation, Handler>([
  ['PutObject', putObject],
  ['AppendObject', appendObject],
  ['GetObject', getObject],
  ['HeadObject', getObject],
  ['CopyObject', copyObject],
  ['DeleteObject', deleteObject],
  ['DeleteObjects', deleteObjects],
  ['CreateMultipartUpload', createUpload],
  ['UploadPart', uploadPart],
  ['UploadPartCopy', uploadPart],
  ['ListParts', listParts],
  ['CompleteMultipartUpload', completeUpload],
  ['AbortMultipartUpload', ({ memory, facts }) => dropUpload(memory, facts.uploadId)],
  ['ListObjects', list],
  ['ListObjectsV2', list],
  ['ListBuckets', ({ memory }) => ({ xml: listBuckets(memory.buckets) })],
  ['HeadBucket', headBucket],
  ['CreateBucket', createBucket],
  ['DeleteBucket', deleteBucket],
  // esdk-obs-nodejs asks this of every host name before it speaks the OBS dialect to it.
  ['ApiVersionProbe', () => ({ headers: { 'x-obs-api': '3.0' } })],
]);
