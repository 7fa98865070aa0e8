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

/** Looked at first: most names are told apart by their length alone, without being lower-cased. */
const HOP_BY_HOP_LENGTHS = new Set([...HOP_BY_HOP, 'trailer'].map((name) => name.length));

/** A `Connection` header may name further hop-by-hop fields, but never the ones that frame or route the message. */
const NEVER_HOP_BY_HOP = new Set(['content-length', 'host', 'authorization', 'date', 'trailer']);

/**
 * The end-to-end fields of a raw header list, names and values in turn, untouched in case and order (RFC 9110 7.6.1).
 * Trailers are only announced where they can be sent: Node throws at an announcement without chunks.
 */
export function endToEnd(rawHeaders: readonly string[], isChunked: boolean): string[] {
  let named: Set<string> | undefined;
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const lower = HOP_BY_HOP_LENGTHS.has(name.length) ? name.toLowerCase() : '';
    if (lower === 'connection') named = namedByConnection(value, named);
    else if (!HOP_BY_HOP.has(lower) && (isChunked || lower !== 'trailer')) kept.push(name, value);
  }
  return named ? without(kept, (name) => named.has(name)) : kept;
}

function namedByConnection(value: string, known: Set<string> | undefined): Set<string> | undefined {
  if (value === 'close' || value === 'keep-alive') return known;
  const names = value.split(',').map((token) => token.trim().toLowerCase());
  return new Set([...(known ?? []), ...names.filter((name) => !NEVER_HOP_BY_HOP.has(name))]);
}

/** The fields that frame a body, in lower case (RFC 9112 6). */
export const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** What of a reply's headers the client can be sent, and `Connection: close` in place of what they say of it if so wanted. */
export function forClient(headers: readonly string[], request: IncomingMessage, close: boolean): string[] {
  const sent = without(headers, (name) => isOverruled(name, request) || (close && name === 'connection'));
  if (close) sent.push('Connection', 'close');
  return sent;
}

/** HTTP/1.0 knows no chunks, and a client that asked for the connection to close gets what it asked for. */
function isOverruled(name: string, request: IncomingMessage): boolean {
  const isOld = request.httpVersion === '1.0';
  if (name === 'transfer-encoding') return isOld;
  return name === 'connection' && (isOld || /\bclose\b/i.test(request.headers.connection ?? ''));
}

/** A header list less the fields whose lower-case name is refused. */
export function without(headers: readonly string[], refused: (name: string) => boolean): string[] {
  return headers.filter((_, i) => !refused((headers[i - (i % 2)] ?? '').toLowerCase()));
}

/** The names and values of a raw header list, two by two. */
export function pairsOf(headers: readonly string[]): [name: string, value: string][] {
  return headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : []));
}

/** Whether an answer can have no body (RFC 9110 6.4.1), so that bytes after its head are strays. */
export function isBodiless(method: string | undefined, status: number | undefined): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** A text as a header value: a rule may be named in any script, a header value may not (RFC 9110 5.5). */
export function headerText(text: string): string {
  // Through UTF-8: encodeURIComponent throws at half a surrogate pair, which the name of a file may have in it.
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(Buffer.from(text).toString());
}
