import type { IncomingHttpHeaders } from 'node:http';
import type { Address } from './address.ts';
import type { RequestSigns } from './signs.ts';
import { BUCKET_SUBRESOURCES, OBJECT_SUBRESOURCES, subResourceOperation } from './subresources.ts';

/** API action that a request asks for, by its AWS name (`PutObject`, `UploadPart`, …); `Unknown` if none fits. */
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

/** Names of all operations, sorted; the values that a rule's `operation` can have. */
export const OPERATIONS: readonly Operation[] = [
  ...new Set([
    ...PLAIN_OPERATIONS,
    ...[...OBJECT_SUBRESOURCES.values(), ...BUCKET_SUBRESOURCES.values()].flatMap((names) =>
      Object.values(names),
    ),
  ]),
].sort();

/** Operations that clients send without being asked. Only a rule that names them injects faults into them. */
export const EXEMPT_OPERATIONS: ReadonlySet<Operation> = new Set(['CorsPreflight', 'ApiVersionProbe']);

/** Other names of operations, from other vendors and older S3 documents, and regular forms of irregular names. */
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

/** Finds the operation that a rule names, by its AWS name or an alias, in any letter case. */
export function canonicalOperation(name: string): Operation | undefined {
  const lower = name.toLowerCase();
  // Huawei and JD say Set; the others say Put.
  return BY_NAME.get(lower) ?? (lower.startsWith('set') ? BY_NAME.get(`put${lower.slice(3)}`) : undefined);
}

/**
 * Finds the operation of a request: the first that fits, in the order of MinIO's router and the vendors' API lists. The
 * `x-id` of AWS SDKs is not used, because servers use the method and the sub-resource instead.
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

// Query names belong to S3's API, which the other vendors extend: those of all vendors are listed here.
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
