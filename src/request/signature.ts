import type { IncomingHttpHeaders } from 'node:http';
import { allPairs, splitTarget } from './target.ts';

/** How a request was signed; `undefined` on Facts means unsigned. */
export type SignatureScheme = 'aws-v4' | 'aws-v2' | 'oss-v4' | 'oss-v1' | 'obs' | 'jss';

/** What a request says about who signed it, and how; the signature itself is not looked at. */
interface Signature {
  readonly scheme: SignatureScheme | undefined;
  readonly accessKey: string | undefined;
}

const UNSIGNED: Signature = { scheme: undefined, accessKey: undefined };

/** `Authorization: {word} {access key}:{signature}` */
const COLON_SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map([
  ['aws', 'aws-v2'],
  ['oss', 'oss-v1'],
  ['obs', 'obs'],
  ['jingdong', 'jss'],
]);

/** Query parameters of presigned URLs. Those of OBS and JSS are plain words, so they count only together with `Signature`. */
const PRESIGNED: readonly {
  readonly scheme: SignatureScheme;
  readonly name: string;
  readonly scoped?: true;
  readonly needs?: string;
}[] = [
  { scheme: 'aws-v4', name: 'X-Amz-Credential', scoped: true },
  { scheme: 'oss-v4', name: 'x-oss-credential', scoped: true },
  { scheme: 'oss-v1', name: 'OSSAccessKeyId' },
  { scheme: 'aws-v2', name: 'AWSAccessKeyId' },
  { scheme: 'obs', name: 'AccessKeyId', needs: 'Signature' },
  { scheme: 'jss', name: 'AccessKey', needs: 'Signature' },
];

/** Reads scheme and access key id out of the Authorization header or a presigned query, whichever scheme it is. */
export function readSignature(headers: IncomingHttpHeaders, query: ReadonlyMap<string, string>): Signature {
  const { authorization } = headers;
  if (authorization !== undefined) return readAuthorization(authorization);
  if (query.size === 0) return UNSIGNED;
  for (const { scheme, name, scoped, needs } of PRESIGNED) {
    const value = query.get(name);
    if (value === undefined || (needs !== undefined && !query.has(needs))) continue;
    return { scheme, accessKey: (scoped ? withoutScope(value) : value) || undefined };
  }
  return UNSIGNED;
}

/**
 * Whether a request's signature names a header among those it covers: SigV4 (`SignedHeaders`) and OSS
 * (`AdditionalHeaders`), in the Authorization header or a presigned query. Without it such a request is another one.
 */
export function isSigned(
  header: string,
  { headers, target }: { readonly headers: IncomingHttpHeaders; readonly target: string },
): boolean {
  const { authorization = '' } = headers;
  const named = authorization.matchAll(/[,\s](?:SignedHeaders|AdditionalHeaders)[=:]([^,\s]*)/gi);
  // Of a repeated parameter all count: nobody knows which of them the upstream goes by.
  const inQuery = allPairs(splitTarget(target).query).filter(([name]) => LISTS.has(name.toLowerCase()));
  const lists = [...[...named].map(([, list = '']) => list), ...inQuery.map(([, list]) => list)];
  return lists.some((list) => list.toLowerCase().split(';').includes(header));
}

/** Parameters of presigned URLs that name the headers which are signed. */
const LISTS = new Set(['x-amz-signedheaders', 'x-oss-additional-headers']);

function readAuthorization(authorization: string): Signature {
  const space = authorization.indexOf(' ');
  const word = (space < 0 ? authorization : authorization.slice(0, space)).toLowerCase();
  const rest = space < 0 ? '' : authorization.slice(space + 1).trim();
  if (word.startsWith('aws4-') || word.startsWith('oss4-')) {
    const credential = /(?:^|[,\s])Credential=([^,\s]*)/.exec(rest)?.[1] ?? '';
    const scheme = word.startsWith('aws4-') ? 'aws-v4' : 'oss-v4';
    return { scheme, accessKey: withoutScope(credential) || undefined };
  }
  const scheme = COLON_SCHEMES.get(word);
  if (scheme === undefined) return UNSIGNED;
  // The last colon: base64 has none, while access keys of RGW tenants may.
  const colon = rest.lastIndexOf(':');
  return { scheme, accessKey: (colon < 0 ? rest : rest.slice(0, colon)) || undefined };
}

/** `{access key}/{yyyymmdd}/{region}/{service}/{kind}`; MinIO allows `/` inside the access key. */
function withoutScope(credential: string): string {
  const scope = /\/\d{8}(?:\/|$)/.exec(credential) ?? /\//.exec(credential);
  return scope === null ? credential : credential.slice(0, scope.index);
}
