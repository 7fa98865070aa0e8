import http, { type Server, type ServerOptions } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Identity } from './tls.ts';

/** Largest head of a request, in bytes; a larger one is refused with 431. It has room for the longest presigned URL. */
const MAX_HEADER_SIZE = 64 * 1024;

/** Interval in ms at which a closing server checks whether its last exchange has ended. */
const CHECK_INTERVAL = 20;

/** Makes a server whose connections may be busy for hours, but idle for `idleTimeout` ms at most. */
export function createServer(identity: Identity | undefined, idleTimeout: number): Server {
  const server = createHttpServer(identity, {
    // An upload may take any time. The head may not: headersTimeout stays at Node's 60 s.
    requestTimeout: 0,
    // Longer than the pools of common clients keep connections, or clients would get resets that no rule asked for.
    keepAliveTimeout: 75_000,
    maxHeaderSize: MAX_HEADER_SIZE,
    noDelay: true,
  });
  server.timeout = idleTimeout;
  // By default Node silently drops headers after the 1000th, Content-Length and Authorization too.
  server.maxHeadersCount = 0;
  return server;
}

/** Makes an HTTP server, with TLS if there is an identity. */
function createHttpServer(identity: Identity | undefined, options: ServerOptions): Server {
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
    // Node does not count connections in the TLS handshake, and would wait for them.
    for (const socket of sockets) socket.destroy();
  };
  return server;
}

/** Listens and resolves with the address. Rejects with a message if it cannot, or if the server is closed meanwhile. */
export function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => reject(new Error(listenError(cause, port, host), { cause }));
    const onClose = () =>
      reject(new Error(`the server was closed before it listened at port ${port} of ${host}`));
    server.once('error', onError).once('close', onClose);
    server.listen(port, host, () => {
      server.off('error', onError).off('close', onClose);
      // A server listening on a port has an AddressInfo; strings are for pipes.
      resolve(server.address() as AddressInfo);
    });
  });
}

function listenError(cause: unknown, port: number, host: string): string {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is taken; port 0 takes a free one`;
    case 'EACCES':
      return `port ${port} of ${host} needs more rights; ports from 1024 on do not`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine; 127.0.0.1 is one, and 0.0.0.0 stands for all`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not resolve`;
    default:
      return `cannot listen at port ${port} of ${host}: ${cause instanceof Error ? cause.message : cause}`;
  }
}

/** Returns the URL of a listening server: `http://127.0.0.1:40123`. */
export function urlOf({ address, port, family }: AddressInfo, scheme = 'http'): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Stops listening, waits up to `grace` ms for exchanges in flight, then closes their connections. */
export function closeServer(server: Server, grace: number, inFlight: () => number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = performance.now() + grace;
    // Node waits for idle connections too, and clients keep theirs for a minute and more.
    const check = () => {
      if (inFlight() === 0 || performance.now() >= deadline) server.closeAllConnections();
    };
    const checking = setInterval(check, CHECK_INTERVAL);
    server.close(() => {
      clearInterval(checking);
      resolve();
    });
    check();
  });
}
