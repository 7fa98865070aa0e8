import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * Sends bytes to 127.0.0.1:port over a plain socket. Resolves with all bytes that come back until the connection is closed
 * or reset: a server that refuses a request before reading it may do both.
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

/** Client over a plain socket. */
export interface RawClient {
  readonly socket: Socket;
  /** All bytes received so far. */
  received(): Buffer;
  /** Tells whether the connection is closed. */
  closed(): boolean;
}

/** Connects to 127.0.0.1:port. Closed when the test ends. */
export function rawClient(port: number): RawClient {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { socket, received: () => Buffer.concat(chunks), closed: () => socket.closed };
}

/** Answer that was parsed from raw bytes. */
export interface RawAnswer {
  readonly statusLine: string;
  /** Lines below the status line, as they came. */
  readonly headers: readonly string[];
  /** Body without chunk headers. */
  readonly body: string;
  /** Bytes after the answer on the connection. */
  readonly rest: Buffer;
}

/** Parses the first answer in these bytes; `undefined` while it is not complete. An answer to HEAD has no body. */
export function readAnswer(bytes: Buffer, method = 'GET'): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...headers] = bytes.toString('latin1', 0, end).split('\r\n');
  const after = bytes.subarray(end + 4);
  const framing = headers.join('\n').toLowerCase();
  const length = method === 'HEAD' ? '0' : /^content-length: (\d+)$/m.exec(framing)?.[1];
  if (length !== undefined) {
    if (after.length < Number(length)) return undefined;
    const [body, rest] = [after.subarray(0, Number(length)).toString(), after.subarray(Number(length))];
    return { statusLine, headers, body, rest };
  }
  if (!framing.includes('transfer-encoding: chunked')) {
    return { statusLine, headers, body: after.toString(), rest: Buffer.alloc(0) };
  }
  const { isWhole, ...chunked } = joinChunks(after);
  return isWhole ? { statusLine, headers, ...chunked } : undefined;
}

/**
 * Joins the whole chunks of a body, and tells whether the last one has come. Node may send two chunks of the upstream as
 * one: from 24.22 on it joins those that wait.
 */
export function joinChunks(bytes: Buffer): { body: string; rest: Buffer; isWhole: boolean } {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = line < 0 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, line), 16);
    const start = line + 2;
    const isThere = start + size + 2 <= bytes.length;
    if (isThere) at = start + size + 2;
    if (isThere && size > 0) chunks.push(bytes.subarray(start, start + size));
    else return { body: Buffer.concat(chunks).toString(), rest: bytes.subarray(at), isWhole: isThere };
  }
}

/** Upstream that answers with exactly the given bytes, so that tests control framing and the case of headers. */
export interface RawUpstream {
  readonly port: number;
  readonly url: string;
  /** All bytes received so far, over all connections, in order of arrival. */
  received(): Buffer;
  /** Number of open connections. */
  open(): number;
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1. An answer of bytes is sent once per connection, when the first request head is complete. A function
 * is called with each connection instead.
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

function afterHead(socket: Socket, callback: () => void): void {
  let head = '';
  const read = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', read);
    callback();
  };
  socket.on('data', read);
}
