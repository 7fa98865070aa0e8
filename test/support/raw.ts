import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Sends bytes to 127.0.0.1:port over a plain socket and collects what comes back until the connection is gone.
 * A reset ends the exchange as well as a close does: a server that refuses a request unread may send both.
 */
export async function rawExchange(port: number, bytes: string | Uint8Array): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks);
}

/** A backend that answers with bytes of our choosing, so that framing and header case can be seen exactly. */
export interface RawUpstream {
  readonly port: number;
  readonly url: string;
  /** All bytes received so far, over all connections, in order of arrival. */
  received(): Buffer;
  /** Connections that are open now. */
  open(): number;
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1. An answer given as bytes is sent once per connection, when its first request head is complete;
 * a function gets each connection and does what it likes with it.
 */
export async function rawUpstream(
  answer: string | Uint8Array | ((socket: Socket) => void),
): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const chunks: Buffer[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    if (typeof answer === 'function') answer(socket);
    else afterHead(socket, () => socket.write(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    received: () => Buffer.concat(chunks),
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function afterHead(socket: Socket, then: () => void): void {
  let head = '';
  const read = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', read);
    then();
  };
  socket.on('data', read);
}
