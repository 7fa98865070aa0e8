import type { IncomingMessage } from 'node:http';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Lengths of hop-by-hop names. They are compared first, so that most names need no lower-casing. */
const HOP_BY_HOP_LENGTHS = new Set([...HOP_BY_HOP, 'trailer'].map((name) => name.length));

/** Fields that a `Connection` header cannot make hop-by-hop, as they frame or route the message. */
const NEVER_HOP_BY_HOP = new Set(['content-length', 'host', 'authorization', 'date', 'trailer']);

/**
 * Returns the end-to-end fields of a raw header list (names and values in turn) with case and order unchanged (RFC 9110
 * 7.6.1). `Trailer` is kept only in a chunked message: Node throws at a `Trailer` header without chunks.
 */
export function endToEnd(rawHeaders: readonly string[], isChunked: boolean): string[] {
  let connectionNames: Set<string> | undefined;
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const lower = HOP_BY_HOP_LENGTHS.has(name.length) ? name.toLowerCase() : '';
    if (lower === 'connection') connectionNames = namedByConnection(value, connectionNames);
    else if (!HOP_BY_HOP.has(lower) && (isChunked || lower !== 'trailer')) kept.push(name, value);
  }
  return connectionNames ? without(kept, (name) => connectionNames.has(name)) : kept;
}

function namedByConnection(value: string, known: Set<string> | undefined): Set<string> | undefined {
  if (value === 'close' || value === 'keep-alive') return known;
  const names = value.split(',').map((token) => token.trim().toLowerCase());
  return new Set([...(known ?? []), ...names.filter((name) => !NEVER_HOP_BY_HOP.has(name))]);
}

/** Fields that frame a body, in lower case (RFC 9112 6). */
export const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** Returns the headers of an answer that the client can be sent; if `close`, with `Connection: close` as the only `Connection`. */
export function headersForClient(
  headers: readonly string[],
  request: IncomingMessage,
  close: boolean,
): string[] {
  const sent = without(headers, (name) => isOverruled(name, request) || (close && name === 'connection'));
  if (close) sent.push('Connection', 'close');
  return sent;
}

/** HTTP/1.0 has no chunks. If a client asked for the connection to close, the answer cannot keep it open. */
function isOverruled(name: string, request: IncomingMessage): boolean {
  const isOld = request.httpVersion === '1.0';
  if (name === 'transfer-encoding') return isOld;
  return name === 'connection' && (isOld || /\bclose\b/i.test(request.headers.connection ?? ''));
}

/** Returns a header list without the fields whose lower-case name is refused. */
export function without(headers: readonly string[], refused: (name: string) => boolean): string[] {
  return headers.filter((_, i) => !refused((headers[i - (i % 2)] ?? '').toLowerCase()));
}

/** Returns the value of a field, whose name is in lower case; of a repeated one all values, as one list (RFC 9110 5.3). */
export function headerValue(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const each = rawHeaders[i] ?? '';
    if (each.length !== name.length || each.toLowerCase() !== name) continue;
    const value = rawHeaders[i + 1] ?? '';
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

/** Groups a raw header list into pairs of name and value. */
export function pairsOf(headers: readonly string[]): [name: string, value: string][] {
  return headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : []));
}

/** Tells whether an answer can have no body (RFC 9110 6.4.1), so that bytes after its head do not belong to it. */
export function isBodiless(method: string | undefined, status: number | undefined): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** Encodes a text as a header value. A rule may have a name in any script, a header value may not (RFC 9110 5.5). */
export function headerText(text: string): string {
  // Through UTF-8, because encodeURIComponent throws at half a surrogate pair, which a file name may contain.
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(Buffer.from(text).toString());
}
