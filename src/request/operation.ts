import type { IncomingHttpHeaders } from 'node:http';
import type { Address } from './address.ts';
import type { RequestSigns } from './signs.ts';
import { BUCKET_SUBRESOURCES, OBJECT_SUBRESOURCES, subResourceOperation } from './subresources.ts';

/** The API action a request asks for, by its AWS name (`PutObject`, `UploadPart`, …); `Unknown` where none fits. */
export type Operation = string;

/** Parts of a request's head that its operation follows from. */
interface Classified extends Address {
  readonly method: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
}

/** Signs of providers that tell operations apart. */
type OperationSigns = Pick<RequestSigns, 'copyHeaders' | 'moveHeaders'>;

const PLAIN_OPERATIONS = [
  'AbortMultipartUpload',
  'ApiVersionProbe',
  'AppendObject',
  'AsyncFetch',
  'CompleteMultipartUpload',
  'CopyObject',
  'CorsPreflight',
  'CreateBucket',
  'CreateMultipartUpload',
  'DeleteBucket',
  'DeleteObject',
  'DeleteObjects',
  'GetObject',
  'HeadBucket',
  'HeadObject',
  'ListBuckets',
  'ListMultipartUploads',
  'ListObjects',
  'ListObjectsV2',
  'ListObjectVersions',
  'ListParts',
  'ModifyObject',
  'MoveObject',
  'PostObject',
  'ProcessObject',
  'PutObject',
  'RenameObject',
  'RestoreObject',
  'SelectObjectContent',
  'TruncateObject',
  'Unknown',
  'UploadPart',
  'UploadPartCopy',
];

/** Every name that classification can give, sorted; what a rule's `operation` may be. */
export const OPERATIONS: readonly Operation[] = [
  ...new Set([
    ...PLAIN_OPERATIONS,
    ...[...OBJECT_SUBRESOURCES.values(), ...BUCKET_SUBRESOURCES.values()].flatMap((names) =>
      Object.values(names),
    ),
  ]),
].sort();

/** Requests that clients send on their own account; faulted only by a rule that names their operation. */
export const EXEMPT_OPERATIONS: ReadonlySet<Operation> = new Set(['CorsPreflight', 'ApiVersionProbe']);

/** Names in other vendors' documents, in older S3 documents, and regular forms of names that AWS made irregular. */
const ALIASES: readonly (readonly [alias: string, operation: Operation])[] = [
  ['InitiateMultipartUpload', 'CreateMultipartUpload'],
  ['InitMultipartUpload', 'CreateMultipartUpload'],
  ['CopyPart', 'UploadPartCopy'],
  ['CopyMultipart', 'UploadPartCopy'],
  ['DeleteMultipleObjects', 'DeleteObjects'],
  ['PutObjectCopy', 'CopyObject'],
  ['GetBucket', 'ListObjects'],
  ['ListObjectsV1', 'ListObjects'],
  ['GetBucketV2', 'ListObjectsV2'],
  ['ListVersions', 'ListObjectVersions'],
  ['GetBucketVersions', 'ListObjectVersions'],
  ['PutBucket', 'CreateBucket'],
  ['GetService', 'ListBuckets'],
  ['GetBucketMetadata', 'HeadBucket'],
  ['GetObjectMetadata', 'HeadObject'],
  ['OptionsObject', 'CorsPreflight'],
  ['OptionsBucket', 'CorsPreflight'],
  ['OptionObject', 'CorsPreflight'],
  ['SelectObject', 'SelectObjectContent'],
  ['PutObjectSymlink', 'PutSymlink'],
  ['GetObjectSymlink', 'GetSymlink'],
  ['PutObjectMetadata', 'SetObjectMetadata'],
  ['GetBucketLifecycle', 'GetBucketLifecycleConfiguration'],
  ['PutBucketLifecycle', 'PutBucketLifecycleConfiguration'],
  ['DeleteBucketLifecycleConfiguration', 'DeleteBucketLifecycle'],
  ['GetBucketNotification', 'GetBucketNotificationConfiguration'],
  ['PutBucketNotification', 'PutBucketNotificationConfiguration'],
  ['GetBucketAccelerate', 'GetBucketAccelerateConfiguration'],
  ['PutBucketAccelerate', 'PutBucketAccelerateConfiguration'],
  ['GetBucketObjectLock', 'GetObjectLockConfiguration'],
  ['PutBucketObjectLock', 'PutObjectLockConfiguration'],
  ['GetBucketPublicAccessBlock', 'GetPublicAccessBlock'],
  ['PutBucketPublicAccessBlock', 'PutPublicAccessBlock'],
  ['DeleteBucketPublicAccessBlock', 'DeletePublicAccessBlock'],
  ['GetBucketInventory', 'GetBucketInventoryConfiguration'],
  ['PutBucketInventory', 'PutBucketInventoryConfiguration'],
  ['DeleteBucketInventory', 'DeleteBucketInventoryConfiguration'],
];

const BY_NAME: ReadonlyMap<string, Operation> = new Map(
  [...ALIASES, ...OPERATIONS.map((name) => [name, name] as const)].map(([name, operation]) => [
    name.toLowerCase(),
    operation,
  ]),
);

/** The operation behind a name in a rule: AWS's own, another vendor's or the plain form, in any letter case; else `undefined`. */
export function canonicalOperation(name: string): Operation | undefined {
  const lower = name.toLowerCase();
  // Huawei and JD say Set where the others say Put.
  return BY_NAME.get(lower) ?? (lower.startsWith('set') ? BY_NAME.get(`put${lower.slice(3)}`) : undefined);
}

/**
 * Names the operation of a request, the first that fits in the order of minio's router and the vendors' API lists. The
 * `x-id` of AWS SDKs is not asked: servers go by method and sub-resource, and do not do what it says.
 */
export function operationOf(request: Classified, signs: OperationSigns): Operation {
  const { method, query, headers, bucket, key } = request;
  if (method === 'OPTIONS') {
    const preflight = headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
    return preflight ? 'CorsPreflight' : 'Unknown';
  }
  if (key !== undefined) return objectOperation(method, query, headers, signs);
  if (method === 'HEAD' && query.has('apiversion')) return 'ApiVersionProbe';
  if (bucket !== undefined) return bucketOperation(method, query, headers);
  return method === 'GET' ? 'ListBuckets' : 'Unknown';
}

function objectOperation(
  method: string,
  query: ReadonlyMap<string, string>,
  headers: IncomingHttpHeaders,
  { copyHeaders, moveHeaders }: OperationSigns,
): Operation {
  if (method === 'POST') return POST_OBJECT.find(([name]) => query.has(name))?.[1] ?? 'Unknown';
  const upload = query.has('uploadId');
  if (upload && method === 'DELETE') return 'AbortMultipartUpload';
  if (upload && method === 'GET') return 'ListParts';
  if (upload && method === 'PUT' && query.has('partNumber'))
    return hasAny(headers, copyHeaders) ? 'UploadPartCopy' : 'UploadPart';
  if (method === 'PUT' && query.has('modify')) return 'ModifyObject';
  if (method === 'PUT' && (query.has('truncate') || query.has('length'))) return 'TruncateObject';
  const sub = query.size === 0 ? undefined : subResourceOperation(OBJECT_SUBRESOURCES, method, query);
  if (sub !== undefined) return sub;
  switch (method) {
    case 'PUT':
      if (hasAny(headers, moveHeaders)) return 'MoveObject';
      return hasAny(headers, copyHeaders) ? 'CopyObject' : 'PutObject';
    case 'GET':
      return 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'DELETE':
      return 'DeleteObject';
    default:
      return 'Unknown';
  }
}

// Query names are S3's API, which the others extend: they are read here, whoever's they are.
const POST_OBJECT: readonly (readonly [query: string, operation: Operation])[] = [
  ['uploads', 'CreateMultipartUpload'],
  ['uploadId', 'CompleteMultipartUpload'],
  ['append', 'AppendObject'],
  ['rename', 'RenameObject'],
  ['restore', 'RestoreObject'],
  ['select', 'SelectObjectContent'],
  ['x-oss-process', 'ProcessObject'],
  ['asyncFetch', 'AsyncFetch'],
];

function hasAny(headers: IncomingHttpHeaders, names: readonly string[]): boolean {
  return names.some((name) => headers[name] !== undefined);
}

function bucketOperation(
  method: string,
  query: ReadonlyMap<string, string>,
  headers: IncomingHttpHeaders,
): Operation {
  if (method === 'POST') {
    if (query.has('delete')) return 'DeleteObjects';
    if (query.has('asyncFetch')) return 'AsyncFetch';
    if (headers['content-type']?.toLowerCase().startsWith('multipart/form-data')) return 'PostObject';
  }
  if (method === 'GET') {
    if (query.get('list-type') === '2') return 'ListObjectsV2';
    if (query.has('uploads')) return 'ListMultipartUploads';
    if (query.has('versions')) return 'ListObjectVersions';
  }
  const sub = query.size === 0 ? undefined : subResourceOperation(BUCKET_SUBRESOURCES, method, query);
  return sub ?? BUCKET_METHODS.get(method) ?? 'Unknown';
}

const BUCKET_METHODS: ReadonlyMap<string, Operation> = new Map([
  ['GET', 'ListObjects'],
  ['HEAD', 'HeadBucket'],
  ['PUT', 'CreateBucket'],
  ['DELETE', 'DeleteBucket'],
]);
