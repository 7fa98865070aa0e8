import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import util from 'node:util';
import type HttpProxy from 'http-proxy';
import type { Exchange } from './exchange.ts';
import { dress } from './head.ts';
import { isBodiless } from './headers.ts';
import { ClientGone } from './outcome.ts';
import { pump } from './stream.ts';
import { agentFor, failureFrom, type Upstream, UpstreamFailure } from './upstream.ts';

/** Bytes of an answer's head that are read, as many as of a request's. */
const MAX_HEAD_SIZE = 64 * 1024;

/** Sends exchanges on to one upstream. */
export interface Forwarder {
  /** Resolves with the head of the upstream's answer; rejects with {@link UpstreamFailure} or {@link ClientGone}. */
  forward(exchange: Exchange): Promise<IncomingMessage>;
  /** Open connections to the upstream, busy and idle. */
  connections(): number;
  close(): void;
}

/** Makes the forwarder; one per proxy, as it owns the pool of upstream connections. */
export function createForwarder(upstream: Upstream): Forwarder {
  const agent = agentFor(upstream);
  const proxy = createStreamProxy({
    target: { protocol: upstream.url.protocol, host: hostOf(upstream.url), port: portOf(upstream.url) },
    agent,
    selfHandleResponse: true,
    // Spare it the parsing of a URL that is set byte-exact below.
    toProxy: true,
    ignorePath: true,
    prependPath: false,
    // http-proxy builds its request options on this object: the client's own Host is set below, not Node's.
    ssl: { setHost: false, maxHeaderSize: MAX_HEAD_SIZE },
  });

  const forward = (exchange: Exchange, isRetry = false): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      if (exchange.response.destroyed) {
        reject(new ClientGone());
        return;
      }
      let outgoing: ClientRequest | undefined;
      let answered: IncomingMessage | undefined;
      const fail = (failure: UpstreamFailure) => {
        // Noted here, as a fault may have promised the client a 200 already and answer all the same.
        exchange.failure = failure.status === 504 ? 'time-out' : 'no-answer';
        reject(failure);
      };
      const source = sourceFor(exchange, (opened) => {
        outgoing = opened;
        dress(opened, exchange, upstream);
        exchange.whenGone(() => {
          opened.destroy();
          reject(new ClientGone());
        });
        opened.once('response', (answer) => {
          answered = answer;
          const flaw = flawOf(answer);
          if (flaw !== undefined) {
            fail(new UpstreamFailure(`the upstream ${upstream.url.origin} ${flaw}`, 502));
            opened.destroy();
            return;
          }
          exchange.upstreamStatus = answer.statusCode;
          keepStraysApart(opened, exchange, answer);
          resolve(answer);
        });
        // Upgrade was not passed on, so nobody can have asked for it.
        opened.once('upgrade', (_, socket) => {
          socket.destroy();
          fail(new UpstreamFailure(`the upstream ${upstream.url.origin} switched protocols unasked`, 502));
        });
        opened.once('timeout', () => watch(opened, () => isUpstreamsTurn(opened, answered), upstream));
        upload(opened, exchange);
      });
      proxy.web(source, exchange.response, (error: NodeJS.ErrnoException) => {
        // The head was read: strays after it are not its business, and a body that breaks off is relay's.
        if (answered) return;
        if (exchange.response.destroyed) reject(new ClientGone());
        else if (!isRetry && outgoing?.reusedSocket && isRepeatable(exchange, error)) {
          forward(exchange, true).then(resolve, reject);
        } else fail(failureFrom(error, upstream));
      });
    });

  return {
    forward,
    connections: () => countSockets(agent.sockets) + countSockets(agent.freeSockets),
    close: () => agent.destroy(),
  };
}

/** What is used of http-proxy; its typings know neither the passes nor a call without options. */
interface StreamProxy {
  webPasses: { name: string }[];
  web(
    request: IncomingMessage,
    response: ServerResponse,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
}

/**
 * An http-proxy with its `stream` pass only: `deleteLength` strips the framing of a chunked DELETE, whose body then
 * runs on as a second request (CVE-2026-29057), and `XHeaders` would add X-Forwarded-*.
 */
function createStreamProxy(options: HttpProxy.ServerOptions): StreamProxy {
  const proxy = loadHttpProxy().createProxyServer(options) as unknown as StreamProxy;
  proxy.webPasses = proxy.webPasses.filter((pass) => pass.name === 'stream');
  return proxy;
}

/** http-proxy 1.18.1 calls `util._extend`, which warns on Node ≥ 22; it takes its copy when it is loaded. */
function loadHttpProxy(): typeof HttpProxy {
  const legacy = util as unknown as { _extend: unknown };
  const original = legacy._extend;
  legacy._extend = Object.assign;
  try {
    return createRequire(import.meta.url)('http-proxy');
  } finally {
    legacy._extend = original;
  }
}

/**
 * The request as http-proxy sees it: without headers, so that it cannot merge or re-case any, and with a `pipe` that
 * hands over the outgoing request before a byte of it is written.
 */
function sourceFor(exchange: Exchange, onOutgoing: (outgoing: ClientRequest) => void): IncomingMessage {
  const { request } = exchange;
  const source = {
    method: request.method,
    url: '/',
    headers: {},
    socket: request.socket,
    on: () => source,
    pipe: onOutgoing,
  };
  // The six members above are all that http-proxy's `stream` pass touches.
  return source as unknown as IncomingMessage;
}

/** What makes an answer one that cannot be passed on: Node reads what it would refuse to write. */
function flawOf({ statusCode = 0, statusMessage = '', headers }: IncomingMessage): string | undefined {
  if (statusCode < 200) return `answered with status ${statusCode}`;
  if (/[^\t\x20-\x7e\x80-\xff]/.test(statusMessage)) return 'sent a reason phrase with control characters';
  const coding = headers['transfer-encoding']?.toLowerCase();
  if (coding !== undefined && coding !== 'chunked') return `sent the transfer coding "${coding}"`;
  return undefined;
}

/** Strays after a bodiless answer (Swift 2.30 sends "0\r\n\r\n") would be read as the head of the next one. */
function keepStraysApart(outgoing: ClientRequest, exchange: Exchange, answer: IncomingMessage): void {
  if (
    isBodiless(exchange.request.method, answer.statusCode) &&
    answer.headers['content-length'] === undefined
  ) {
    outgoing.shouldKeepAlive = false;
  }
}

/**
 * Gives up on an upstream that is quiet although it is its turn. Called at the first time-out, as Node tells a request
 * of no other: a fault or a client that holds a body back now may let it go on later.
 */
function watch(outgoing: ClientRequest, isItsTurn: () => boolean, { timeout }: Upstream): void {
  const { socket } = outgoing;
  const look = () => {
    if (!isItsTurn()) socket?.setTimeout(timeout);
    else outgoing.destroy(new UpstreamFailure(`the upstream sent nothing for ${timeout} ms`, 504));
  };
  socket?.on('timeout', look);
  outgoing.once('close', () => socket?.off('timeout', look));
  look();
}

/** Whether we wait for the upstream, not for a client that pauses or for a fault that keeps us from sending or reading. */
function isUpstreamsTurn(outgoing: ClientRequest, answer: IncomingMessage | undefined): boolean {
  return answer ? answer.readableFlowing === true : outgoing.writableEnded || outgoing.writableNeedDrain;
}

function upload(outgoing: ClientRequest, exchange: Exchange): void {
  const { request, replay } = exchange;
  if (!hasBody(request)) {
    outgoing.end();
    return;
  }
  if (replay) {
    replay.once('error', (error) => outgoing.destroy(error));
    outgoing.once('close', () => replay.destroy());
    pump(replay, outgoing, undefined);
    return;
  }
  exchange.askForBody();
  // What the upstream did not read is still to be read, or the client could not get past it to the answer.
  outgoing.once('close', () => {
    request.unpipe();
    request.resume();
  });
  // Before the stages: what came in is what the client has sent, whatever became of it.
  request.on('data', (chunk: Buffer) => {
    exchange.bytesIn += chunk.length;
  });
  // A stage may hold back even the first byte; the head is not its business.
  if (exchange.upload.length > 0) outgoing.flushHeaders();
  pump(request, outgoing, undefined, exchange.upload, () =>
    exchange.upload.length === 0 ? outgoing.end() : exchange.endBody(outgoing),
  );
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** A request without a body that met a pooled connection just as the upstream closed it (RFC 9110 9.2.2). */
function isRepeatable(exchange: Exchange, error: NodeJS.ErrnoException): boolean {
  const safe = exchange.request.method !== 'POST' && !hasBody(exchange.request);
  return safe && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function countSockets(pool: NodeJS.ReadOnlyDict<unknown[]>): number {
  return Object.values(pool).reduce((sum, sockets) => sum + (sockets?.length ?? 0), 0);
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}
