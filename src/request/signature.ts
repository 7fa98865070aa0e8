import type { IncomingHttpHeaders } from 'node:http';
import type { SignatureSigns } from './signs.ts';
import { allPairs, splitTarget } from './target.ts';

/** Signer and scheme of a request, as it states them. The signature itself is not checked. */
interface Signature {
  readonly scheme: string | undefined;
  readonly accessKey: string | undefined;
}

const UNSIGNED: Signature = { scheme: undefined, accessKey: undefined };

/** Reads the scheme and the access key id from the Authorization header or a presigned query, for all schemes. */
export function readSignature(
  headers: IncomingHttpHeaders,
  query: ReadonlyMap<string, string>,
  signs: SignatureSigns,
): Signature {
  const { authorization } = headers;
  if (authorization !== undefined) return readAuthorization(authorization, signs);
  if (query.size === 0) return UNSIGNED;
  for (const { scheme, parameter, isScoped, besides } of signs.presigned) {
    const value = query.get(parameter);
    if (value === undefined || (besides !== undefined && !query.has(besides))) continue;
    return { scheme, accessKey: (isScoped ? withoutScope(value) : value) || undefined };
  }
  return UNSIGNED;
}

/**
 * Tells whether a request's signature covers a header, by its list of them: SigV4 (`SignedHeaders`) and OSS
 * (`AdditionalHeaders`), in the Authorization header or a presigned query. Without a covered header, the signature is wrong.
 */
export function isSigned(
  header: string,
  { headers, target }: { readonly headers: IncomingHttpHeaders; readonly target: string },
  { lists, listParameters }: SignatureSigns,
): boolean {
  const { authorization = '' } = headers;
  const named = authorization.matchAll(new RegExp(`[,\\s](?:${lists.join('|')})[=:]([^,\\s]*)`, 'gi'));
  // If a parameter is repeated, all values count: nobody knows which one the upstream uses.
  const inQuery = allPairs(splitTarget(target).query).filter(([name]) =>
    listParameters.has(name.toLowerCase()),
  );
  const signed = [...[...named].map(([, list = '']) => list), ...inQuery.map(([, list]) => list)];
  return signed.some((list) => list.toLowerCase().split(';').includes(header));
}

function readAuthorization(authorization: string, { words, beginnings }: SignatureSigns): Signature {
  const space = authorization.indexOf(' ');
  const word = (space < 0 ? authorization : authorization.slice(0, space)).toLowerCase();
  const rest = space < 0 ? '' : authorization.slice(space + 1).trim();
  const scoped = beginnings.find(([beginning]) => word.startsWith(beginning));
  if (scoped !== undefined) {
    const credential = /(?:^|[,\s])Credential=([^,\s]*)/.exec(rest)?.[1] ?? '';
    return { scheme: scoped[1], accessKey: withoutScope(credential) || undefined };
  }
  const scheme = words.get(word);
  if (scheme === undefined) return UNSIGNED;
  // The last colon separates them: base64 has none, but access keys of RGW tenants can have one.
  const colon = rest.lastIndexOf(':');
  return { scheme, accessKey: (colon < 0 ? rest : rest.slice(0, colon)) || undefined };
}

/** Returns the access key of `{access key}/{yyyymmdd}/{region}/{service}/{kind}`. MinIO allows `/` in access keys. */
function withoutScope(credential: string): string {
  const scope = /\/\d{8}(?:\/|$)/.exec(credential) ?? /\//.exec(credential);
  return scope === null ? credential : credential.slice(0, scope.index);
}
