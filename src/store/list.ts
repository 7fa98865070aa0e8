import type { Facts } from '../request/facts.ts';
import type { StoredObject } from './memory.ts';
import type { Elements } from './xml.ts';

const OWNER = { ID: 'brownout', DisplayName: 'brownout' };

/** Lists a bucket's objects, version 1 or 2, as the element of the answer. */
export function listObjects(facts: Facts, objects: ReadonlyMap<string, StoredObject>): Elements {
  const { query } = facts;
  const v2 = facts.operation === 'ListObjectsV2';
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const token = query.get('continuation-token');
  const resumed = token === undefined ? query.get('start-after') : Buffer.from(token, 'base64url').toString();
  const after = (v2 ? resumed : query.get('marker')) ?? '';
  const max = Math.min(Math.trunc(Number(query.get('max-keys') || 1000)) || 0, 1000);
  const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (text: string) => text;
  const contents: Elements[] = [];
  const groups = new Set<string>();
  let [last, truncated] = ['', false];
  for (const key of [...objects.keys()].filter((each) => each.startsWith(prefix) && each > after).sort()) {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const group = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    // A page that ended with a group goes on after all of the group's keys.
    if (group !== undefined && (group === after || groups.has(group))) continue;
    truncated = contents.length + groups.size >= max;
    if (truncated) break;
    last = group ?? key;
    const object = objects.get(key);
    if (group !== undefined) groups.add(group);
    else if (object !== undefined) contents.push(entry(encode(key), object));
  }
  const page = v2
    ? {
        StartAfter: query.get('start-after'),
        ContinuationToken: token,
        KeyCount: contents.length + groups.size,
      }
    : { Marker: encode(after) };
  const next = v2
    ? { NextContinuationToken: Buffer.from(last).toString('base64url') }
    : { NextMarker: encode(last) };
  return {
    ListBucketResult: {
      Name: facts.bucket,
      Prefix: encode(prefix),
      ...page,
      MaxKeys: max,
      Delimiter: encode(delimiter) || undefined,
      EncodingType: query.get('encoding-type'),
      IsTruncated: truncated && max > 0,
      ...(truncated && max > 0 ? next : {}),
      Contents: contents,
      CommonPrefixes: [...groups].map((group) => ({ Prefix: encode(group) })),
    },
  };
}

function entry(key: string, { etag, size, modified }: StoredObject): Elements {
  const LastModified = modified.toISOString();
  return { Key: key, LastModified, ETag: etag, Size: size, StorageClass: 'STANDARD', Owner: OWNER };
}

export function listBuckets(buckets: Iterable<[string, { readonly created: Date }]>): Elements {
  const Bucket = [...buckets].map(([Name, { created }]) => ({ Name, CreationDate: created.toISOString() }));
  return { ListAllMyBucketsResult: { Owner: OWNER, Buckets: { Bucket } } };
}
