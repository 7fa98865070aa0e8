import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onTestFinished } from 'vitest';

/** A client over a plain or a TLS socket that notes how its connection ends. */
export interface WatchedClient {
  readonly socket: Socket;
  /** All bytes received so far. */
  received(): Buffer;
  /** How it ended: `FIN`, or the code of the error, such as `ECONNRESET`. */
  readonly ending: Promise<string>;
}

/** Connects to 127.0.0.1:port, by TLS where a certificate authority is given; gone when the test is over. */
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
