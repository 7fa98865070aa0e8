import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceNextClose, tcpSocketOf } from './node-internals.ts';

/** Time in ms that a closing connection waits for more of an unread upload. */
const LINGER = 2000;

/** Time in ms that the program at the other end of a connection gets to read the last bytes. */
const READ_TIME = 25;

/**
 * Makes a connection drain its upload before it closes after an early answer: until the client has sent its body, or has
 * sent nothing for 2 s. Node would close at once, and the kernel answers unread bytes with a reset, which can destroy the
 * answer before the client reads it.
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
    const closeNow = () => socket.destroy();
    const quietTimer = setTimeout(closeNow, LINGER);
    request.on('data', () => quietTimer.refresh());
    request.once('end', closeNow);
    socket.once('close', () => clearTimeout(quietTimer));
  });
}

/** Resolves when all bytes written to a socket so far are in the kernel, or can no longer get there. */
export function flushed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.write('', () => resolve());
  });
}

/**
 * Resolves when the other side has acknowledged all bytes written so far and had 25 ms to read them; after 2 s at most. A
 * reset would destroy the bytes that are still on their way.
 */
async function whenDelivered(socket: Socket): Promise<void> {
  const deadline = performance.now() + LINGER;
  await flushed(socket);
  while (performance.now() < deadline && (await unacknowledgedBytes(socket)) > 0) await sleep(READ_TIME);
  await sleep(READ_TIME);
}

/** Returns the bytes that the other side has not acknowledged. Only Linux tells, by port; 0 elsewhere. */
async function unacknowledgedBytes({ localPort = 0, remotePort = 0 }: Socket): Promise<number> {
  const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`^ *\\d+: \\w+:${port(localPort)} \\w+:${port(remotePort)} \\w+ (\\w+):`, 'm');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const [, queued] = row.exec(await readFile(table, 'latin1').catch(() => '')) ?? [];
    if (queued !== undefined) return Number.parseInt(queued, 16);
  }
  return 0;
}

/** Closes the connection of a request by a reset or a FIN. If `sent`, a reset waits until the answer has arrived. */
export async function hangUp(request: IncomingMessage, how: 'rst' | 'fin', sent: boolean): Promise<void> {
  const { socket } = request;
  if (how === 'rst') {
    if (sent) await whenDelivered(socket);
    reset(socket);
    return;
  }
  await flushed(socket);
  // Unread bytes would turn the FIN into a reset.
  drainBeforeClosing(request);
  socket.destroySoon();
}

/** Closes a connection with a reset, TLS or not. */
export function reset(socket: Socket): void {
  tcpSocketOf(socket).resetAndDestroy();
}

/** Connections that are kept awake now: their idle time-out in ms, and how many calls keep them awake. */
const awakeSockets = new WeakMap<Socket, { readonly timeout: number; calls: number }>();

/**
 * Switches the idle time-out of a connection off. Returns a function that switches it on again. `onTimeout` is called at
 * the time when the connection would have been closed.
 */
export function keepAwake(socket: Socket, onTimeout?: () => void): () => void {
  const state = awakeSockets.get(socket) ?? { timeout: socket.timeout ?? 0, calls: 0 };
  awakeSockets.set(socket, state);
  state.calls += 1;
  socket.setTimeout(0);
  const timer = onTimeout && state.timeout > 0 ? setTimeout(onTimeout, state.timeout) : undefined;
  return () => {
    clearTimeout(timer);
    state.calls -= 1;
    if (state.calls > 0) return;
    awakeSockets.delete(socket);
    if (!socket.destroyed) socket.setTimeout(state.timeout);
  };
}

/** Calls back when no more of a body will come. The socket is watched too: Node sends no events of an answered request. */
export function whenDrained(request: IncomingMessage, done: () => void): void {
  const { socket } = request;
  const onClose = () => {
    request.off('close', onClose);
    socket.off('close', onClose);
    done();
  };
  request.once('close', onClose);
  socket.once('close', onClose);
}
