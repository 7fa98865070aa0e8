import type { IncomingMessage, OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';

/** How long a closing connection waits for more of an upload nobody reads, in ms. */
const LINGER = 2000;

/**
 * Copies a body, its trailers too, with back-pressure, and counts its bytes. By hand because `stream.pipeline` halves
 * the request rate; the callers own the guards it would bring: what to destroy when one side breaks.
 */
export function pump(from: IncomingMessage, to: OutgoingMessage, count: (bytes: number) => void): void {
  const resume = () => from.resume();
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    // What a broken receiver does not take is read all the same: the sender may be waiting to be read out.
    if (to.destroyed || to.write(chunk)) return;
    from.pause();
    to.once('drain', resume);
  });
  from.once('end', () => {
    if (from.rawTrailers.length > 0) to.addTrailers(pairs(from.rawTrailers));
    to.end();
  });
}

function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return result;
}

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
const HOP_BY_HOP_LENGTHS = new Set([...HOP_BY_HOP].map((name) => name.length));

/** A `Connection` header may name further hop-by-hop fields, but never the ones that frame or route the message. */
const NEVER_HOP_BY_HOP = new Set(['content-length', 'host', 'authorization', 'date', 'trailer']);

/** The end-to-end fields of a raw header list, names and values in turn, untouched in case and order (RFC 9110 7.6.1). */
export function endToEnd(rawHeaders: readonly string[]): string[] {
  let named: Set<string> | undefined;
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const lower = HOP_BY_HOP_LENGTHS.has(name.length) ? name.toLowerCase() : '';
    if (lower === 'connection') named = namedByConnection(value, named);
    else if (!HOP_BY_HOP.has(lower)) kept.push(name, value);
  }
  return named ? kept.filter((_, i) => !named.has((kept[i - (i % 2)] ?? '').toLowerCase())) : kept;
}

function namedByConnection(value: string, known: Set<string> | undefined): Set<string> | undefined {
  if (value === 'close' || value === 'keep-alive') return known;
  const names = value.split(',').map((token) => token.trim().toLowerCase());
  return new Set([...(known ?? []), ...names.filter((name) => !NEVER_HOP_BY_HOP.has(name))]);
}

/**
 * Makes a connection that closes after an early answer read on until the client has sent its body or has been quiet
 * for 2 s. Node would close at once, and the kernel answers unread bytes with a reset that can wipe out the answer
 * before the client reads it.
 */
export function drainBeforeClosing(request: IncomingMessage): void {
  const { socket } = request;
  socket.destroySoon = () => {
    // Node's own, not what was here before: on a kept connection that may be the hook of an earlier request.
    socket.destroySoon = Socket.prototype.destroySoon;
    if (request.complete || socket.destroyed) {
      socket.destroySoon();
      return;
    }
    socket.end();
    request.resume();
    const close = () => socket.destroy();
    const quiet = setTimeout(close, LINGER);
    request.on('data', () => quiet.refresh());
    request.once('end', close);
    socket.once('close', () => clearTimeout(quiet));
  };
}
