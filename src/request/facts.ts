import type { IncomingHttpHeaders } from 'node:http';
import { type Addressing, hostOf, locate } from './address.ts';
import { type Operation, operationOf } from './operation.ts';
import { readSignature } from './signature.ts';
import type { RequestSigns } from './signs.ts';
import { parseQuery, splitTarget } from './target.ts';

/** Everything a request's head says, read once and never changed; what rules match on and the journal records. */
export interface Facts {
  /** Method, exactly as sent. */
  readonly method: string;
  /** Request target, exactly as sent (may be absolute-form). */
  readonly target: string;
  /** Path of the target, still percent-encoded, never normalised. */
  readonly path: string;
  /** Query parameters, percent-decoded; of a repeated one the first; a bare `?uploads` has the value ''. */
  readonly query: ReadonlyMap<string, string>;
  /** Headers as Node parsed them: lower-case names. */
  readonly headers: IncomingHttpHeaders;
  /** Host without port, lower-case; '' when there is none. */
  readonly host: string;
  readonly bucket: string | undefined;
  /** Object key, percent-decoded. */
  readonly key: string | undefined;
  readonly operation: Operation;
  readonly part: number | undefined;
  readonly uploadId: string | undefined;
  /** n-th attempt as the SDK says it (`amz-sdk-request: attempt=2`), 1-based. */
  readonly attempt: number | undefined;
  readonly accessKey: string | undefined;
  /** Signature scheme, by its name in a catalog; `undefined` if the request is not signed or the scheme is unknown. */
  readonly scheme: string | undefined;
  /** Body is signed chunk by chunk (`x-amz-content-sha256: STREAMING-…`). */
  readonly chunkedSigning: boolean;
  /** The Range header, as sent. */
  readonly range: string | undefined;
  /** Selected part of the object or listing: range, window of a listing, position; '' for all of it. */
  readonly selection: string;
  /** The request asks the provider to call an application server after storing. */
  readonly callback: boolean;
  /** Bytes of the object in the body: `x-amz-decoded-content-length`, else `Content-Length`. */
  readonly size: number | undefined;
  /** IP address of the client. */
  readonly client: string;
}

/** A request's head as Node gives it, and the address it came from. */
interface Head {
  readonly method: string | undefined;
  /** `req.url`: the target as sent. */
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly client: string | undefined;
}

/** Reads all facts of a request from its head alone. Never throws: what makes no sense stays `undefined`, and the operation `Unknown`. */
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
    // Of aws-chunked bodies, which all SDKs for S3's API send, to whatever provider.
    chunkedSigning: first(headers['x-amz-content-sha256'])?.startsWith('STREAMING-') === true,
    range: headers.range,
    selection: selectionOf(headers.range, query),
    callback:
      query.has('callback') || signs.callbacks.some((name) => headers[name] !== undefined || query.has(name)),
    size: wholeNumber(first(headers['x-amz-decoded-content-length']) ?? headers['content-length']),
    client: withoutIPv4Prefix(head.client ?? ''),
  };
}

/** Query parameters by which a client chooses; none that it was given by the server, such as upload ids and tokens. */
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

/** A dual-stack listener sees IPv4 clients as `::ffff:1.2.3.4`. */
function withoutIPv4Prefix(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
