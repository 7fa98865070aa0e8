import type { IncomingHttpHeaders } from 'node:http';
import { type Addressing, hostOf, locate } from './address.ts';
import { type Operation, operationOf } from './operation.ts';
import { readSignature } from './signature.ts';
import type { RequestSigns } from './signs.ts';
import { parseQuery, splitTarget } from './target.ts';

/** Facts from the head of a request, read once and never changed. Rules match on them, and the journal records them. */
export interface Facts {
  /** Method, exactly as sent. */
  readonly method: string;
  /** Request target, exactly as sent; it may be in absolute-form. */
  readonly target: string;
  /** Path of the target, still percent-encoded, never normalised. */
  readonly path: string;
  /** Query parameters, percent-decoded. If one is repeated, the first counts. `?uploads` has the value ''. */
  readonly query: ReadonlyMap<string, string>;
  /** Headers as Node parses them, with names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Host without the port, in lower case; '' if there is none. */
  readonly host: string;
  readonly bucket: string | undefined;
  /** Object key, percent-decoded. */
  readonly key: string | undefined;
  readonly operation: Operation;
  readonly part: number | undefined;
  readonly uploadId: string | undefined;
  /** Number of the attempt, from 1, as the SDK says it (`amz-sdk-request: attempt=2`). */
  readonly attempt: number | undefined;
  readonly accessKey: string | undefined;
  /** Signature scheme, by its name in a catalog; `undefined` if the request is not signed or the scheme is unknown. */
  readonly scheme: string | undefined;
  /** The body is signed chunk by chunk (`x-amz-content-sha256: STREAMING-…`). */
  readonly chunkedSigning: boolean;
  /** Range header, as sent. */
  readonly range: string | undefined;
  /** Selected part of the object or listing: range, window of a listing, position; '' for all of it. */
  readonly selection: string;
  /** The request asks the provider to call an application server after storing. */
  readonly callback: boolean;
  /** Size of the object in the body, in bytes: `x-amz-decoded-content-length`, else `Content-Length`. */
  readonly size: number | undefined;
  /** IP address of the client. */
  readonly client: string;
}

/** Head of a request as Node gives it, and the address that it came from. */
interface Head {
  readonly method: string | undefined;
  /** Target as sent: `req.url`. */
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly client: string | undefined;
}

/**
 * Reads the facts of a request from its head. Never throws: a fact that makes no sense is `undefined`, and such an
 * operation is `Unknown`.
 */
export function factsOf(head: Head, addressing: Addressing, signs: RequestSigns): Facts {
  const { headers, method = '', target = '' } = head;
  const { authority, path, query: rawQuery } = splitTarget(target);
  const query = parseQuery(rawQuery);
  // RFC 9112 section 3.2.2: an absolute-form target overrides Host.
  const host = hostOf(authority ?? headers.host);
  const { bucket, key } = locate(host, path, addressing, signs);
  return {
    method,
    target,
    path,
    query,
    headers,
    host,
    bucket,
    key,
    operation: operationOf({ method, query, headers, bucket, key }, signs),
    part: wholeNumber(query.get('partNumber')),
    uploadId: query.get('uploadId'),
    attempt: attemptOf(headers['amz-sdk-request']),
    ...readSignature(headers, query, signs.signatures),
    // All SDKs for S3's API send aws-chunked bodies, to every provider.
    chunkedSigning: first(headers['x-amz-content-sha256'])?.startsWith('STREAMING-') === true,
    range: headers.range,
    selection: selectionOf(headers.range, query),
    callback:
      query.has('callback') || signs.callbacks.some((name) => headers[name] !== undefined || query.has(name)),
    size: wholeNumber(first(headers['x-amz-decoded-content-length']) ?? headers['content-length']),
    client: withoutIPv4Prefix(head.client ?? ''),
  };
}

/** Query parameters that the client chooses. Upload ids and tokens are not among them: the server made them. */
export const SELECTING_PARAMETERS = [
  'prefix',
  'delimiter',
  'marker',
  'start-after',
  'key-marker',
  'part-number-marker',
  'position',
  'x-oss-process',
];

function selectionOf(range: string | undefined, query: ReadonlyMap<string, string>): string {
  const chosen = query.size === 0 ? [] : SELECTING_PARAMETERS.filter((name) => query.has(name));
  if (range === undefined && chosen.length === 0) return '';
  return JSON.stringify([range, ...chosen.flatMap((name) => [name, query.get(name)])]);
}

function first(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function attemptOf(header: string | string[] | undefined): number | undefined {
  const text = first(header);
  return text === undefined ? undefined : wholeNumber(/(?:^|[;\s])attempt=(\d+)/.exec(text)?.[1]);
}

/** Removes the prefix of IPv4 addresses: a dual-stack listener sees them as `::ffff:1.2.3.4`. */
function withoutIPv4Prefix(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
