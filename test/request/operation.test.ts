import { describe, expect, it } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { factsOf } from '../../src/request/facts.ts';
import { canonicalOperation, EXEMPT_OPERATIONS, OPERATIONS } from '../../src/request/operation.ts';
import { DIALECTS, DOMAINS } from './dialects.ts';

type Level = 'object' | 'bucket' | 'service';
type Row = readonly [
  operation: string,
  method: string,
  level: Level,
  query?: string | undefined,
  headers?: Record<string, string> | undefined,
];

const preflight = { origin: 'https://example.com', 'access-control-request-method': 'PUT' };
/** `{v}` is the vendor's own header prefix. */
const copy = { 'x-{v}-copy-source': '/other/k%2Fx?versionId=1' };
const form = { 'content-type': 'multipart/form-data; boundary=x' };

const ROWS: readonly Row[] = [
  ['CorsPreflight', 'OPTIONS', 'object', '', preflight],
  ['CorsPreflight', 'OPTIONS', 'bucket', 'x-id=PutObject', preflight],
  ['Unknown', 'OPTIONS', 'object'],
  ['UploadPartCopy', 'PUT', 'object', 'partNumber=3&uploadId=u', copy],
  ['UploadPart', 'PUT', 'object', 'partNumber=3&uploadId=u'],
  ['UploadPart', 'PUT', 'object', 'uploadId=u&partNumber=3&x-oss-traffic-limit=819200'],
  ['PutObject', 'PUT', 'object', 'partNumber=3'],
  ['CreateMultipartUpload', 'POST', 'object', 'uploads'],
  ['CreateMultipartUpload', 'POST', 'object', 'uploads='],
  ['CompleteMultipartUpload', 'POST', 'object', 'uploadId=u'],
  ['AbortMultipartUpload', 'DELETE', 'object', 'uploadId=u'],
  ['ListParts', 'GET', 'object', 'uploadId=u&max-parts=2'],
  ['AppendObject', 'POST', 'object', 'append&position=0'],
  ['ModifyObject', 'PUT', 'object', 'modify&position=0'],
  ['TruncateObject', 'PUT', 'object', 'truncate&length=5'],
  ['RenameObject', 'POST', 'object', 'name=n&rename'],
  ['RestoreObject', 'POST', 'object', 'restore'],
  ['SelectObjectContent', 'POST', 'object', 'select&select-type=2'],
  ['ProcessObject', 'POST', 'object', 'x-oss-process'],
  ['AsyncFetch', 'POST', 'object', 'asyncFetch'],
  ['Unknown', 'POST', 'object'],
  ['PutObjectAcl', 'PUT', 'object', 'acl'],
  ['GetObjectAcl', 'GET', 'object', 'acl&versionId=1'],
  ['Unknown', 'DELETE', 'object', 'acl'],
  ['PutObjectTagging', 'PUT', 'object', 'tagging'],
  ['GetObjectTagging', 'GET', 'object', 'tagging'],
  ['DeleteObjectTagging', 'DELETE', 'object', 'tagging'],
  ['PutSymlink', 'PUT', 'object', 'symlink'],
  ['GetSymlink', 'GET', 'object', 'symlink'],
  ['GetObjectMeta', 'HEAD', 'object', 'objectMeta'],
  ['PutObjectRetention', 'PUT', 'object', 'retention'],
  ['GetObjectLegalHold', 'GET', 'object', 'legal-hold'],
  ['GetObjectTorrent', 'GET', 'object', 'torrent'],
  ['GetObjectAttributes', 'GET', 'object', 'attributes'],
  ['SetObjectMetadata', 'PUT', 'object', 'metadata'],
  ['MoveObject', 'PUT', 'object', '', { 'x-jss-move-source': '/b/k' }],
  ['CopyObject', 'PUT', 'object', '', copy],
  ['PutObject', 'PUT', 'object'],
  ['PutObject', 'PUT', 'object', 'anything=else'],
  ['GetObject', 'GET', 'object'],
  ['GetObject', 'GET', 'object', 'versionId=1'],
  ['GetObject', 'GET', 'object', 'x-oss-process=image/resize,w_100'],
  ['GetObject', 'GET', 'object', 'partNumber=1'],
  ['HeadObject', 'HEAD', 'object', 'versionId=1'],
  ['DeleteObject', 'DELETE', 'object', 'versionId=1'],
  ['Unknown', 'PATCH', 'object'],
  ['DeleteObjects', 'POST', 'bucket', 'delete'],
  ['PostObject', 'POST', 'bucket', '', form],
  ['Unknown', 'POST', 'bucket'],
  ['ListObjectsV2', 'GET', 'bucket', 'list-type=2&prefix=a'],
  ['ListObjects', 'GET', 'bucket', 'list-type=1'],
  ['ListMultipartUploads', 'GET', 'bucket', 'uploads'],
  ['ListObjectVersions', 'GET', 'bucket', 'versions&prefix=a'],
  ['ApiVersionProbe', 'HEAD', 'bucket', 'apiversion'],
  ['ApiVersionProbe', 'HEAD', 'service', 'apiversion'],
  ['GetBucketAcl', 'GET', 'bucket', 'acl'],
  ['PutBucketPolicy', 'PUT', 'bucket', 'policy'],
  ['DeleteBucketCors', 'DELETE', 'bucket', 'cors'],
  ['GetBucketLifecycleConfiguration', 'GET', 'bucket', 'lifecycle'],
  ['DeleteBucketLifecycle', 'DELETE', 'bucket', 'lifecycle'],
  ['PutBucketLogging', 'PUT', 'bucket', 'logging'],
  ['DeleteBucketWebsite', 'DELETE', 'bucket', 'website'],
  ['PutBucketVersioning', 'PUT', 'bucket', 'versioning'],
  ['GetBucketLocation', 'GET', 'bucket', 'location'],
  ['DeleteBucketTagging', 'DELETE', 'bucket', 'tagging'],
  ['GetBucketEncryption', 'GET', 'bucket', 'encryption'],
  ['PutBucketNotificationConfiguration', 'PUT', 'bucket', 'notification'],
  ['GetBucketReplication', 'GET', 'bucket', 'replication'],
  ['GetBucketReferer', 'GET', 'bucket', 'referer'],
  ['GetBucketStat', 'GET', 'bucket', 'stat'],
  ['GetBucketInfo', 'GET', 'bucket', 'bucketInfo'],
  ['PutBucketQuota', 'PUT', 'bucket', 'quota'],
  ['GetBucketStorageInfo', 'GET', 'bucket', 'storageinfo'],
  ['PutBucketStoragePolicy', 'PUT', 'bucket', 'storagePolicy'],
  ['PutObjectLockConfiguration', 'PUT', 'bucket', 'object-lock'],
  ['InitiateBucketWorm', 'POST', 'bucket', 'worm'],
  ['AbortBucketWorm', 'DELETE', 'bucket', 'worm'],
  ['ListBucketInventoryConfigurations', 'GET', 'bucket', 'inventory'],
  ['GetBucketInventoryConfiguration', 'GET', 'bucket', 'inventory&id=1'],
  ['ListObjects', 'GET', 'bucket'],
  ['ListObjects', 'GET', 'bucket', 'prefix=acl&max-keys=1'],
  ['HeadBucket', 'HEAD', 'bucket'],
  ['CreateBucket', 'PUT', 'bucket'],
  ['DeleteBucket', 'DELETE', 'bucket'],
  ['ListBuckets', 'GET', 'service'],
  ['ListBuckets', 'GET', 'service', 'max-keys=5'],
  ['Unknown', 'POST', 'service'],
];

const KEY = 'a/b%20c.txt';

/** The bucket and the key that a request of each level names. */
const NAMES = {
  service: [undefined, undefined],
  bucket: ['photos', undefined],
  object: ['photos', 'a/b c.txt'],
} as const;

function classify(row: Row, dialect: (typeof DIALECTS)[number], virtual: boolean) {
  const [, method, level, query = '', headers = {}] = row;
  const inHost = virtual && level !== 'service';
  const bucketPath = inHost || level === 'service' ? '/' : level === 'bucket' ? '/photos' : '/photos/';
  const path = level === 'object' ? bucketPath + KEY : bucketPath;
  const spoken = Object.entries(headers).map(([name, value]) => [name.replace('{v}', dialect.prefix), value]);
  return factsOf(
    {
      method,
      target: query === '' ? path : `${path}?${query}`,
      headers: {
        host: inHost ? `photos.${dialect.host}:8080` : dialect.host,
        authorization: dialect.authorization,
        ...Object.fromEntries(spoken),
      },
      client: '127.0.0.1',
    },
    { domains: DOMAINS },
    requestSigns(),
  );
}

describe.each(DIALECTS)('the operations of $name', (dialect) => {
  const titled = ROWS.map((row): [string, string, Row] => [
    row[0],
    `${row[1]} ${row[2]} ?${row[3] ?? ''}`,
    row,
  ]);

  it.each(titled)('find %s in %s, in path style and virtual-hosted style', (operation, _, row) => {
    const [bucket, key] = NAMES[row[2]];
    for (const virtual of [false, true]) {
      const facts = classify(row, dialect, virtual);
      expect(facts.operation).toBe(operation);
      expect([facts.bucket, facts.key]).toEqual([bucket, key]);
    }
  });
});

describe('the x-id of AWS SDKs', () => {
  it.each([
    ['GET', '/photos/a?x-id=GetObject', 'GetObject'],
    ['DELETE', '/photos/a?x-id=GetObject', 'DeleteObject'],
    ['GET', '/photos/a?x-id=DeleteObject', 'GetObject'],
    ['GET', '/photos?x-id=GetObject', 'ListObjects'],
    ['PUT', '/photos/a?x-id=CorsPreflight', 'PutObject'],
  ])('changes nothing for %s %s, which is %s', (method, target, operation) => {
    expect(factsOf({ method, target, headers: {}, client: '' }, {}, requestSigns()).operation).toBe(
      operation,
    );
  });
});

describe('operation names', () => {
  it('are all found in any letter case', () => {
    for (const name of OPERATIONS) {
      expect(canonicalOperation(name)).toBe(name);
      expect(canonicalOperation(name.toUpperCase())).toBe(name);
    }
  });

  it('include every name of the table above', () => {
    expect(
      ROWS.map(([operation]) => operation).filter((operation) => !OPERATIONS.includes(operation)),
    ).toEqual([]);
    expect([...EXEMPT_OPERATIONS].every((operation) => OPERATIONS.includes(operation))).toBe(true);
  });

  it.each([
    ['InitiateMultipartUpload', 'CreateMultipartUpload'],
    ['DeleteMultipleObjects', 'DeleteObjects'],
    ['GetBucket', 'ListObjects'],
    ['PutBucket', 'CreateBucket'],
    ['GetService', 'ListBuckets'],
    ['CopyPart', 'UploadPartCopy'],
    ['PutObjectACL', 'PutObjectAcl'],
    ['SetBucketAcl', 'PutBucketAcl'],
    ['GetBucketLifecycle', 'GetBucketLifecycleConfiguration'],
    ['PutBucketObjectLock', 'PutObjectLockConfiguration'],
    ['GetObjectMetadata', 'HeadObject'],
  ])('of other vendors are understood: %s is %s', (alias, operation) => {
    expect(canonicalOperation(alias)).toBe(operation);
  });

  it.each(['', 'Putobjec', 'set', 'constructor', '__proto__', 'toString'])('refuse %s', (name) => {
    expect(canonicalOperation(name)).toBeUndefined();
  });
});
