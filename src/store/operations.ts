import { createHash, randomUUID } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import { detectProvider, headerPrefixOf } from '../catalog/recognition.ts';
import type { Facts } from '../request/facts.ts';
import { decode } from '../request/target.ts';
import { failure, type Memory, type Stored } from './memory.ts';

/** Answer of the store: a document, as fast-xml-parser builds it, or bytes. Without a status it is a success. */
export type StoreReply = { status?: number; headers?: Stored['headers']; xml?: object; bytes?: Buffer };

// Handlers are synchronous, so no handler sees the half-done work of another.
type Handler = (memory: Memory, facts: Facts, body: Buffer) => StoreReply | undefined;

const OWNER = { ID: 'brownout', DisplayName: 'brownout' }; // ali-oss needs one.
/** Returns the prefix of header names in the client's dialect: `x-amz-`, `x-oss-` and so on. */
export const prefixOf = (facts: Facts) => headerPrefixOf(detectProvider(facts));

const partsSchema = z.object({
  Part: z.array(z.object({ PartNumber: z.string(), ETag: z.string() })).min(1),
});
const keysSchema = z.object({ Object: z.array(z.object({ Key: z.string() })), Quiet: z.string().optional() });
const isArray = (name: string) => name === 'Object' || name === 'Part';
// A document with a DOCTYPE is refused, so the parser expands only XML's own entities and character references.
const parser = new XMLParser({ htmlEntities: true, parseTagValue: false, trimValues: false, isArray });

/** Parses a request document of at most 4 MiB: 10,000 parts with checksums fit. */
function readXml<Content>(body: Buffer, root: string, schema: z.ZodType<Content>): Content {
  try {
    if (body.length > 4 << 20 || body.includes('<!DOCTYPE')) throw new Error('refused');
    return schema.parse(parser.parse(body.toString(), true)[root]);
  } catch {
    throw failure(400, 'MalformedXML', `The body is not a well-formed ${root} document.`);
  }
}

function find<Value>(map: ReadonlyMap<string, Value>, key = '', code: string): Value {
  const found = map.get(key);
  if (found === undefined) throw failure(404, code, `There is no ${key}.`);
  return found;
}
const bucketOf = (memory: Memory, name: string | undefined) => find(memory.buckets, name, 'NoSuchBucket');
const uploadOf = (memory: Memory, id: string | undefined) => find(memory.uploads, id, 'NoSuchUpload');

const KEPT_HEADERS = /^(content-(type|disposition|language|encoding)|cache-control|expires|x-\w+-meta-.*)$/;
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

function stored(bytes: Buffer, headers: Stored['headers'], tag = md5(bytes)): Stored {
  const kept = Object.entries(headers).filter(
    ([name, value]) => KEPT_HEADERS.test(name) && value !== 'aws-chunked',
  );
  const [date, ETag] = [new Date(), `"${tag}"`];
  const more = { etag: ETag, 'last-modified': date.toUTCString(), 'accept-ranges': 'bytes' };
  const entry = { LastModified: date.toISOString(), ETag, Size: bytes.length };
  return { bytes, headers: { ...Object.fromEntries(kept), ...more }, entry };
}

/** Stores the part or the object of a request. Creates the bucket if it does not exist. */
function put(memory: Memory, { bucket = '', key, part, uploadId }: Facts, object: Stored): StoreReply {
  if (!memory.buckets.has(bucket)) memory.buckets.set(bucket, new Map());
  const objects = part === undefined ? bucketOf(memory, bucket) : uploadOf(memory, uploadId).parts;
  memory.set(objects, String(part ?? key), object);
  return { headers: { etag: object.entry.ETag } };
}

/** Reads an object, or a `bytes=` range of it. An invalid range is ignored (RFC 9110 section 14.2). */
function read(memory: Memory, bucket?: string, key?: string, range?: string) {
  const { bytes, headers } = find(bucketOf(memory, bucket), key, 'NoSuchKey');
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if ((!from && !to) || (from && to && Number(to) < Number(from))) return { headers, bytes };
  const start = from ? Number(from) : Math.max(bytes.length - Number(to), 0);
  const end = from && to ? Math.min(Number(to) + 1, bytes.length) : bytes.length;
  if (start >= end) throw failure(416, 'InvalidRange', 'The requested range is not satisfiable.');
  const part = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
  return { status: 206, headers: { ...headers, ...part }, bytes: bytes.subarray(start, end) };
}

const copy: Handler = (memory, facts) => {
  const header = (name: string) => facts.headers[prefixOf(facts) + name]?.toString();
  const [, bucket, key] = /^\/?([^/]*)\/(.*)$/s.exec(decode(header('copy-source') ?? '')) ?? [];
  const source = read(memory, bucket, key, header('copy-source-range'));
  const replaced = header('metadata-directive') === 'REPLACE';
  const object = stored(Buffer.from(source.bytes), replaced ? facts.headers : source.headers);
  const root = facts.part === undefined ? 'CopyObjectResult' : 'CopyPartResult';
  return { ...put(memory, facts, object), xml: { [root]: object.entry } };
};

const list: Handler = (memory, { bucket, query }) => {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const after = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? '';
  const max = Math.min(Number(query.get('max-keys') || 1000) || 0, 1000);
  // Keys with their objects, and common prefixes, which have no object.
  const found = new Map<string, Stored | undefined>();
  for (const [key, object] of [...bucketOf(memory, bucket)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = end < 0 ? key : key.slice(0, end + delimiter.length);
    // After a page that ended with a common prefix, all keys with that prefix are skipped.
    const wanted = key.startsWith(prefix) && key > after && name !== after;
    if (wanted) found.set(name, end < 0 ? object : undefined);
  }
  const page = [...found].slice(0, max);
  const next = found.size > max ? page.at(-1)?.[0] : undefined;
  const Contents = page.flatMap(([Key, object]) => (object ? { Key, ...object.entry, Owner: OWNER } : []));
  const CommonPrefixes = page.flatMap(([Prefix, object]) => (object ? [] : { Prefix }));
  const head = { Name: bucket, Prefix: prefix, MaxKeys: max, KeyCount: page.length };
  const more = { IsTruncated: next !== undefined, NextMarker: next, NextContinuationToken: next };
  return { xml: { ListBucketResult: { ...head, ...more, Contents, CommonPrefixes } } };
};

function drop(memory: Memory, facts: Facts): undefined {
  const { parts } = uploadOf(memory, facts.uploadId);
  for (const number of parts.keys()) memory.set(parts, number);
  memory.uploads.delete(facts.uploadId ?? '');
}

const upload: Handler = (memory, facts, body) => put(memory, facts, stored(body, facts.headers));
const get: Handler = (memory, { bucket, key, headers }) => read(memory, bucket, key, headers.range);

/** Handlers of the store, by operation. */
export const HANDLERS: Partial<Record<string, Handler>> = {
  PutObject: upload,
  UploadPart: upload,
  GetObject: get,
  HeadObject: get,
  CopyObject: copy,
  UploadPartCopy: copy,
  ListObjects: list,
  ListObjectsV2: list,
  AbortMultipartUpload: drop,
  // esdk-obs-nodejs sends this to every host name before it speaks the OBS dialect to it.
  ApiVersionProbe: () => ({ headers: { 'x-obs-api': '3.0' } }),
  CreateBucket: ({ buckets }, { bucket = '' }) => void buckets.set(bucket, buckets.get(bucket) ?? new Map()),
  HeadBucket: (memory, { bucket }) => void bucketOf(memory, bucket),
  DeleteObject: (memory, { bucket, key = '' }) => void memory.set(bucketOf(memory, bucket), key),
  DeleteBucket(memory, { bucket = '' }) {
    if (bucketOf(memory, bucket).size > 0) throw failure(409, 'BucketNotEmpty', 'The bucket is not empty.');
    return void memory.buckets.delete(bucket);
  },
  ListBuckets({ buckets }) {
    const Bucket = [...buckets.keys()].map((Name) => ({ Name }));
    return { xml: { ListAllMyBucketsResult: { Owner: OWNER, Buckets: { Bucket } } } };
  },
  DeleteObjects(memory, { bucket }, body) {
    const { Object: objects, Quiet } = readXml(body, 'Delete', keysSchema);
    for (const { Key } of objects) memory.set(bucketOf(memory, bucket), Key);
    return { xml: { DeleteResult: { Deleted: Quiet === 'true' ? [] : objects } } };
  },
  AppendObject(memory, facts, body) {
    const before = memory.buckets.get(facts.bucket ?? '')?.get(facts.key ?? '');
    const bytes = Buffer.concat(before ? [before.bytes, body] : [body]);
    const length = bytes.length - body.length;
    if (facts.query.get('position') !== String(length))
      throw failure(409, 'PositionNotEqualToLength', `The object is ${length} bytes long.`);
    put(memory, facts, stored(bytes, before?.headers ?? facts.headers));
    return { headers: { [`${prefixOf(facts)}next-append-position`]: bytes.length } };
  },
  CreateMultipartUpload(memory, { bucket, key, headers }) {
    const id = randomUUID();
    memory.uploads.set(id, { headers, parts: new Map() });
    return { xml: { InitiateMultipartUploadResult: { Bucket: bucket, Key: key, UploadId: id } } };
  },
  ListParts(memory, facts) {
    const parts = [...uploadOf(memory, facts.uploadId).parts].sort(([a], [b]) => Number(a) - Number(b));
    const Part = parts.map(([PartNumber, { entry }]) => ({ PartNumber, ...entry }));
    return { xml: { ListPartsResult: { UploadId: facts.uploadId, IsTruncated: false, Part } } };
  },
  CompleteMultipartUpload(memory, facts, body) {
    const { parts, headers } = uploadOf(memory, facts.uploadId);
    const { Part: wanted } = readXml(body, 'CompleteMultipartUpload', partsSchema);
    const chosen = wanted.map(({ PartNumber, ETag }, index) => {
      const part = parts.get(PartNumber);
      if (part?.entry.ETag.replaceAll('"', '') !== ETag.replaceAll('"', ''))
        throw failure(400, 'InvalidPart', `Part ${PartNumber} was not uploaded, or has another ETag.`);
      if (Number(PartNumber) <= Number(wanted[index - 1]?.PartNumber ?? 0))
        throw failure(400, 'InvalidPartOrder', 'The parts are not in ascending order.');
      return part;
    });
    const bytes = Buffer.concat(chosen.map((part) => part.bytes));
    const digests = Buffer.from(chosen.map((part) => part.entry.ETag.slice(1, -1)).join(''), 'hex');
    const object = stored(bytes, headers, `${md5(digests)}-${chosen.length}`);
    const { bucket: Bucket, key: Key } = facts;
    // minio-js takes an answer without Location for a broken one.
    const result = { Location: `/${Bucket}/${Key}`, Bucket, Key, ETag: object.entry.ETag };
    drop(memory, facts);
    return { ...put(memory, facts, object), xml: { CompleteMultipartUploadResult: result } };
  },
};
