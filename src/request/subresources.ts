/**
 * Operations of one sub-resource of a bucket or an object, by method. If there is a `list`, it reads all of them, and
 * `get` reads one by its id.
 */
interface SubResource {
  readonly get?: string;
  readonly put?: string;
  readonly delete?: string;
  readonly post?: string;
  readonly list?: string;
}

/** Makes the operations get, put and delete of a noun with regular names. */
function crud(noun: string): SubResource {
  return { get: `Get${noun}`, put: `Put${noun}`, delete: `Delete${noun}` };
}

function readWrite(noun: string): SubResource {
  return { get: `Get${noun}`, put: `Put${noun}` };
}

function withList(noun: string): SubResource {
  return { ...crud(noun), list: `List${noun}s` };
}

/**
 * Sub-resources of objects by query name. The operations have their AWS names (S3 API reference). Those that AWS does not
 * have get the vendor's names (Aliyun OSS and Huawei OBS API references).
 */
export const OBJECT_SUBRESOURCES: ReadonlyMap<string, SubResource> = new Map<string, SubResource>([
  ['acl', readWrite('ObjectAcl')],
  ['tagging', crud('ObjectTagging')],
  ['retention', readWrite('ObjectRetention')],
  ['legal-hold', readWrite('ObjectLegalHold')],
  ['attributes', { get: 'GetObjectAttributes' }],
  ['torrent', { get: 'GetObjectTorrent' }],
  ['renameObject', { put: 'RenameObject' }],
  ['symlink', readWrite('Symlink')],
  ['objectMeta', { get: 'GetObjectMeta' }],
  ['metadata', { put: 'SetObjectMetadata' }],
]);

/** Sub-resources of buckets by query name; names as for objects. */
export const BUCKET_SUBRESOURCES: ReadonlyMap<string, SubResource> = new Map<string, SubResource>([
  ['acl', readWrite('BucketAcl')],
  ['policy', crud('BucketPolicy')],
  ['policyStatus', { get: 'GetBucketPolicyStatus' }],
  ['cors', crud('BucketCors')],
  [
    'lifecycle',
    {
      get: 'GetBucketLifecycleConfiguration',
      put: 'PutBucketLifecycleConfiguration',
      delete: 'DeleteBucketLifecycle',
    },
  ],
  ['logging', crud('BucketLogging')],
  ['website', crud('BucketWebsite')],
  ['versioning', readWrite('BucketVersioning')],
  ['location', { get: 'GetBucketLocation' }],
  ['tagging', crud('BucketTagging')],
  ['encryption', crud('BucketEncryption')],
  ['notification', readWrite('BucketNotificationConfiguration')],
  ['replication', crud('BucketReplication')],
  ['requestPayment', readWrite('BucketRequestPayment')],
  ['accelerate', readWrite('BucketAccelerateConfiguration')],
  ['object-lock', readWrite('ObjectLockConfiguration')],
  ['publicAccessBlock', crud('PublicAccessBlock')],
  ['ownershipControls', crud('BucketOwnershipControls')],
  ['analytics', withList('BucketAnalyticsConfiguration')],
  ['inventory', { ...crud('BucketInventoryConfiguration'), list: 'ListBucketInventoryConfigurations' }],
  ['metrics', withList('BucketMetricsConfiguration')],
  ['intelligent-tiering', withList('BucketIntelligentTieringConfiguration')],
  ['session', { get: 'CreateSession' }],
  // Aliyun OSS
  ['referer', readWrite('BucketReferer')],
  ['stat', { get: 'GetBucketStat' }],
  ['bucketInfo', { get: 'GetBucketInfo' }],
  ['worm', { get: 'GetBucketWorm', post: 'InitiateBucketWorm', delete: 'AbortBucketWorm' }],
  ['wormExtend', { post: 'ExtendBucketWorm' }],
  ['wormId', { post: 'CompleteBucketWorm' }],
  ['transferAcceleration', readWrite('BucketTransferAcceleration')],
  ['resourceGroup', readWrite('BucketResourceGroup')],
  ['accessMonitor', readWrite('BucketAccessMonitor')],
  ['archiveDirectRead', readWrite('BucketArchiveDirectRead')],
  ['httpsConfig', readWrite('BucketHttpsConfig')],
  ['cname', { get: 'ListCname', post: 'PutCname' }],
  ['style', crud('Style')],
  // Huawei OBS
  ['quota', readWrite('BucketQuota')],
  ['storageinfo', { get: 'GetBucketStorageInfo' }],
  ['storagePolicy', readWrite('BucketStoragePolicy')],
  ['storageClass', readWrite('BucketStorageClass')],
  ['customdomain', crud('BucketCustomDomain')],
  ['mirrorBackToSource', crud('BucketMirrorBackToSource')],
  ['directcoldaccess', crud('BucketDirectColdAccess')],
]);

const METHODS: ReadonlyMap<string, 'get' | 'put' | 'delete' | 'post'> = new Map([
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['PUT', 'put'],
  ['DELETE', 'delete'],
  ['POST', 'post'],
]);

/**
 * Finds the operation of the first sub-resource in the query. Returns 'Unknown' if the sub-resource does not have the
 * method, `undefined` if there is no sub-resource.
 */
export function subResourceOperation(
  table: ReadonlyMap<string, SubResource>,
  method: string,
  query: ReadonlyMap<string, string>,
): string | undefined {
  for (const name of query.keys()) {
    const found = table.get(name);
    if (found === undefined) continue;
    const verb = METHODS.get(method);
    const listed = verb === 'get' && !query.has('id') && !query.has('inventoryId') ? found.list : undefined;
    return listed ?? (verb === undefined ? undefined : found[verb]) ?? 'Unknown';
  }
  return undefined;
}
