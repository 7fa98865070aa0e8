import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceNextClose, tcpSocketOf } from './node-internals.ts';

/** How long a closing connection waits for more of an upload nobody reads, in ms. */
const LINGER = 2000;

/** How long the program at the other end of a connection gets to read what has reached it, in ms. */
const MOMENT = 25;

/**
 * Makes a connection that closes after an early answer read on until the client has sent its body or has been quiet
 * for 2 s. Node would close at once, and the kernel answers unread bytes with a reset that can wipe out the answer
 * before the client reads it.
 */
export function drainBeforeClosing(request: IncomingMessage): void {
  const { socket } = request;
  replaceNextClose(socket, () => {
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
  });
}

/** Resolves when all that was written to a socket so far has been handed to the kernel, or cannot be any more. */
export function flushed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.write('', () => resolve());
  });
}

/**
 * Resolves when all that was written to a socket so far has reached the other side, as far as the system tells and within
 * 2 s, and its program has had a moment to read it: a reset wipes out what is still under way.
 */
async function delivered(socket: Socket): Promise<void> {
  const deadline = performance.now() + LINGER;
  await flushed(socket);
  while (performance.now() < deadline && (await unacknowledged(socket)) > 0) await sleep(MOMENT);
  await sleep(MOMENT);
}

/** Bytes the other side has not acknowledged. Only Linux tells, by port; 0 elsewhere. */
async function unacknowledged({ localPort = 0, remotePort = 0 }: Socket): Promise<number> {
  const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`^ *\\d+: \\w+:${port(localPort)} \\w+:${port(remotePort)} \\w+ (\\w+):`, 'm');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const [, queued] = row.exec(await readFile(table, 'latin1').catch(() => '')) ?? [];
    if (queued !== undefined) return Number.parseInt(queued, 16);
  }
  return 0;
}

/** Closes the connection of a request by a reset or by an orderly end of it; `sent`: after an answer that is to arrive. */
export async function hangUp(request: IncomingMessage, how: 'rst' | 'fin', sent: boolean): Promise<void> {
  const { socket } = request;
  if (how === 'rst') {
    if (sent) await delivered(socket);
    reset(socket);
    return;
  }
  await flushed(socket);
  // Unread bytes would turn the orderly end into a reset.
  drainBeforeClosing(request);
  socket.destroySoon();
}

/** Closes a connection with a reset, TLS or not. */
export function reset(socket: Socket): void {
  tcpSocketOf(socket).resetAndDestroy();
}

/** The idle time-outs (ms) of connections that are kept awake now, and how often. */
const awake = new WeakMap<Socket, { readonly timeout: number; times: number }>();

/**
 * Keeps a connection on which nothing moves from being taken for an idle one, until what it gives is called. `lapsed` is
 * called where it would have been closed.
 */
export function keepAwake(socket: Socket, lapsed?: () => void): () => void {
  const kept = awake.get(socket) ?? { timeout: socket.timeout ?? 0, times: 0 };
  awake.set(socket, kept);
  kept.times += 1;
  socket.setTimeout(0);
  const lapse = lapsed && kept.timeout > 0 ? setTimeout(lapsed, kept.timeout) : undefined;
  return () => {
    clearTimeout(lapse);
    kept.times -= 1;
    if (kept.times > 0) return;
    awake.delete(socket);
    if (!socket.destroyed) socket.setTimeout(kept.timeout);
  };
}

/** Calls back when no more of a body will come. Node forgets an answered request: its socket must be asked as well. */
export function whenDrained(request: IncomingMessage, done: () => void): void {
  const { socket } = request;
  const once = () => {
    request.off('close', once);
    socket.off('close', once);
    done();
  };
  request.once('close', once);
  socket.once('close', once);
}
