import { isIP } from 'node:net';
import type { RequestSigns } from './signs.ts';
import { decode } from './target.ts';

/** Ways in which a deployment names its buckets, in addition to the host names of the clouds. */
export interface Addressing {
  /** Host names of endpoints. A label before one is a bucket: with `s3.local`, `photos.s3.local` is the bucket photos. */
  readonly domains?: readonly string[] | undefined;
  /** Buckets by host name, for hosts that stand for one bucket each. */
  readonly cname?: ReadonlyMap<string, string> | undefined;
  /** The bucket is always in the path, for any host (ali-oss with an IP endpoint and sldEnable needs this). */
  readonly pathStyle?: boolean | undefined;
}

/** Target of a request: a service (no bucket), a bucket (no key) or an object. Both are percent-decoded. */
export interface Address {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/** Returns the host without port, brackets and final dot, in lower case; '' if there is none. */
export function hostOf(authority: string | undefined): string {
  if (authority === undefined) return '';
  let host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.startsWith('['))
    return host.slice(1, host.includes(']') ? host.indexOf(']') : undefined).toLowerCase();
  const colon = host.indexOf(':');
  if (colon >= 0) host = host.slice(0, colon);
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}

/** Finds bucket and key of a request by host and path. The path is never normalised: `//`, `..` and `\` belong to keys. */
export function locate(
  host: string,
  path: string,
  addressing: Addressing,
  signs: Pick<RequestSigns, 'bucketInHost'>,
): Address {
  if (!path.startsWith('/') && path !== '') return { bucket: undefined, key: undefined };
  const bucket = addressing.pathStyle === true ? undefined : bucketOf(host, addressing, signs);
  if (bucket !== undefined) return { bucket, key: decode(path.slice(1)) || undefined };
  const slash = path.indexOf('/', 1);
  return {
    bucket: decode(slash < 0 ? path.slice(1) : path.slice(1, slash)) || undefined,
    // If the first segment is empty, there is no bucket, so there is no key.
    key: slash <= 1 ? undefined : decode(path.slice(slash + 1)) || undefined,
  };
}

function bucketOf(
  host: string,
  { domains, cname }: Addressing,
  { bucketInHost }: Pick<RequestSigns, 'bucketInHost'>,
): string | undefined {
  if (host === '' || isIP(host) !== 0) return undefined;
  let endpoint: string | undefined;
  for (const domain of domains ?? []) {
    const name = domain.toLowerCase();
    if (host === name) return undefined;
    if (host.endsWith(`.${name}`) && name.length > (endpoint?.length ?? 0)) endpoint = name;
  }
  if (endpoint !== undefined) return host.slice(0, -endpoint.length - 1);
  return cname?.get(host) ?? bucketInHost(host);
}
