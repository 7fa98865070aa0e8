import http, { type Server, type ServerOptions } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Identity } from './tls.ts';

/** Bytes of a request's head that are read before it is refused with 431: room for the longest presigned URL. */
const MAX_HEADER_SIZE = 64 * 1024;

/** How often a closing proxy looks whether its last exchange is over, in ms. */
const LOOK_EVERY = 20;

/** Makes a server that clients can keep busy for hours, but not idle for longer than so many ms. */
export function createServer(identity: Identity | undefined, idleTimeout: number): Server {
  const server = serverFor(identity, {
    // An upload may take as long as it takes; the head may not (headersTimeout stays at Node's 60 s).
    requestTimeout: 0,
    // Longer than the pools of common clients hold theirs, or they would meet resets that no rule asked for.
    keepAliveTimeout: 75_000,
    maxHeaderSize: MAX_HEADER_SIZE,
    noDelay: true,
  });
  server.timeout = idleTimeout;
  // Node would drop what comes after the 1000th line without a word, Content-Length and Authorization too.
  server.maxHeadersCount = 0;
  return server;
}

/** A server of HTTP, over TLS for one that has an identity. */
function serverFor(identity: Identity | undefined, options: ServerOptions): Server {
  if (!identity) return http.createServer(options);
  const server = https.createServer({ ...options, ...identity });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const { closeAllConnections } = server;
  server.closeAllConnections = () => {
    closeAllConnections.call(server);
    // Node does not count those that are still shaking hands, and would wait for them.
    for (const socket of sockets) socket.destroy();
  };
  return server;
}

/** Listens, and says where; where that cannot be, or the server is closed meanwhile, rejects with a sentence. */
export function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => reject(new Error(unlistenable(cause, port, host), { cause }));
    const giveUp = () =>
      reject(new Error(`the server was closed before it listened at port ${port} of ${host}`));
    server.once('error', refuse).once('close', giveUp);
    server.listen(port, host, () => {
      server.off('error', refuse).off('close', giveUp);
      // A server listening on a port has an AddressInfo; strings are for pipes.
      resolve(server.address() as AddressInfo);
    });
  });
}

function unlistenable(cause: unknown, port: number, host: string): string {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is taken; port 0 takes a free one`;
    case 'EACCES':
      return `port ${port} of ${host} is not for everybody; those from 1024 on are`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine; 127.0.0.1 is, and 0.0.0.0 stands for all of them`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not resolve, so nobody can listen there`;
    default:
      return `nobody can listen at port ${port} of ${host}: ${cause instanceof Error ? cause.message : cause}`;
  }
}

/** Where clients of a listening server point: `http://127.0.0.1:40123`. */
export function urlOf({ address, port, family }: AddressInfo, scheme = 'http'): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Stops listening, waits for what is in flight for up to so many ms, then cuts it off. */
export function closeServer(server: Server, grace: number, inFlight: () => number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = performance.now() + grace;
    // Node waits for connections on which nothing goes on, too, and clients hold theirs for a minute and more.
    const look = () => {
      if (inFlight() === 0 || performance.now() >= deadline) server.closeAllConnections();
    };
    const looking = setInterval(look, LOOK_EVERY);
    server.close(() => {
      clearInterval(looking);
      resolve();
    });
    look();
  });
}
