import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';

/** Who a server is to clients that speak TLS: certificate, with those above it if there are any, and its key; PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Reads an identity from PEM files. Throws a sentence if there is one file without the other, or if they are no pair. */
export function readIdentity(
  certFile: string | undefined,
  keyFile: string | undefined,
): Identity | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new Error('to speak TLS to clients takes a certificate and its key: give both files, or neither');
  }
  const identity = { cert: readPem(certFile, 'certificate'), key: readPem(keyFile, 'key') };
  try {
    createSecureContext(identity);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error:[0-9A-F]+:/, '') : String(cause);
    throw new Error(`"${certFile}" and "${keyFile}" are no certificate and its key, in PEM: ${why}`, {
      cause,
    });
  }
  return identity;
}

/** Reads a PEM file; throws a sentence that says what it was to be. */
export function readPem(file: string, noun: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the ${noun}'s file "${file}" cannot be read: ${why}`, { cause });
  }
}

/** A server of HTTP, over TLS for one that has an identity. */
export function createHttpServer(identity: Identity | undefined, options: http.ServerOptions): http.Server {
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
