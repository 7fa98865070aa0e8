import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onTestFinished } from 'vitest';

/** Client over a plain or a TLS socket that records how its connection ends. */
export interface WatchedClient {
  readonly socket: Socket;
  /** All bytes received so far. */
  received(): Buffer;
  /** Way in which the connection ended: `FIN`, or the code of the error, such as `ECONNRESET`. */
  readonly ending: Promise<string>;
}

/** Connects to 127.0.0.1:port, by TLS if a certificate authority is given. Closed when the test ends. */
export function watchedClient(port: number, ca?: string): WatchedClient {
  const socket: Socket =
    ca === undefined
      ? connect(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca });
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ending = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('FIN'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed unseen'));
  });
  return { socket, received: () => Buffer.concat(chunks), ending };
}
