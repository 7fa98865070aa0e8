/**
 * Every use of Node that its documentation does not promise. A new major release of Node is tried with
 * test/http/node-internals.test.ts, where each test is named after what breaks. Looked at: lib/_http_outgoing.js,
 * _http_server.js, _http_agent.js, _tls_wrap.js and util.js of Node 20.20.
 */
import type { Agent, ClientRequest, OutgoingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import util from 'node:util';

interface RawHead {
  _storeHeader(requestLine: string, headers: readonly string[]): void;
}

/**
 * Gives an outgoing request its head as it is to be sent, names and values in turn: `http.request` does the same with
 * headers that it is given as a list. `setHeader` would group repeated headers and merge some of them.
 */
export function setRawHead(outgoing: ClientRequest, requestLine: string, headers: readonly string[]): void {
  // Node 20.20: OutgoingMessage.prototype._storeHeader.
  (outgoing as ClientRequest & RawHead)._storeHeader(`${requestLine}\r\n`, headers);
}

/**
 * Lets the next close of a connection be done by `close`, once. Node's server closes a connection after its last answer by
 * `destroySoon`, also while the rest of an upload is still on its way.
 */
export function replaceNextClose(socket: Socket, close: () => void): void {
  // Node 20.20: resOnFinish calls socket.destroySoon().
  socket.destroySoon = () => {
    // Node's own method, not the previous one: on a kept connection that may be the hook of an earlier request.
    socket.destroySoon = Socket.prototype.destroySoon;
    close();
  };
}

/** Returns the TCP socket that a TLS socket was made of, or the socket itself: only a TCP socket can reset. */
export function tcpSocketOf(socket: Socket): Socket {
  // Node 20.20: TLSSocket keeps the socket it wraps as _parent.
  const { _parent: plain } = socket as Socket & { _parent?: Socket | null };
  return plain ?? socket;
}

/**
 * Calls back when a response that has no socket yet gets one. Node hands a pipelined request over while the response
 * before it is still open.
 */
export function onceConnected(response: ServerResponse, ready: () => void): void {
  // Node 20.20: ServerResponse.prototype.assignSocket emits 'socket', which is documented for ClientRequest only.
  response.once('socket', ready);
}

/** Ends the connection of a message with the message: a response says `Connection: close`, a request leaves its pool. */
export function closeConnectionAfter(message: OutgoingMessage): void {
  // Node 20.20: OutgoingMessage.shouldKeepAlive, read when the head is written and when a request is done.
  message.shouldKeepAlive = false;
}

/** Makes an agent keep one pool: there is one upstream, and Node would spell out host, port and TLS settings per request. */
export function keepOnePool(agent: Agent): void {
  // Node 20.20: Agent.prototype.addRequest asks getName for the pool of each request.
  agent.getName = () => 'upstream';
}

/** Loads a module that takes a copy of `util._extend`, which warns on Node ≥ 22; the module gets `Object.assign` instead. */
export function withoutExtendWarning<Module>(load: () => Module): Module {
  // Node 20.20: util._extend is a writable property. http-proxy 1.18.1 reads it when it is loaded.
  const legacy = util as unknown as { _extend: unknown };
  const original = legacy._extend;
  legacy._extend = Object.assign;
  try {
    return load();
  } finally {
    legacy._extend = original;
  }
}
