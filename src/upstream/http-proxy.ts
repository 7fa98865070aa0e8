import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type HttpProxy from 'http-proxy';
import type { Exchange } from '../exchange/exchange.ts';
import { ClientGone } from '../exchange/outcome.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { withoutExtendWarning } from '../http/node-internals.ts';
import type { AnswerListener, Forwarder } from './forwarder.ts';
import { NodeAnswer } from './node-answer.ts';
import { writeOutgoingBody } from './outgoing-body.ts';
import { closeAfterBodilessAnswer, hasBody, writeOutgoingHead } from './outgoing-head.ts';
import { agentFor, connectionsOf, failureFrom, flawOf, type Upstream, UpstreamFailure } from './upstream.ts';

/** Bytes of an answer's head that are read, as many as of a request's. */
const MAX_HEAD_SIZE = 64 * 1024;

/** Makes a forwarder of http-proxy. */
export function createForwarder(upstream: Upstream): Forwarder {
  const agent = agentFor(upstream);
  const listeners = new Set<AnswerListener>();
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

  const forward = (exchange: Exchange, isRetry = false): Promise<UpstreamAnswer> =>
    new Promise((resolve, reject) => {
      if (exchange.response.destroyed) {
        reject(new ClientGone());
        return;
      }
      const turn: UpstreamAttempt = {
        exchange,
        upstream,
        resolve: (answer) => {
          for (const listener of listeners) listener(exchange, answer);
          resolve(answer);
        },
        reject,
        outgoing: undefined,
        answer: undefined,
        isOver: false,
        forget: undefined,
      };
      const source = sourceFor(exchange, (outgoing) => send(turn, outgoing));
      proxy.web(source, exchange.response, (error: NodeJS.ErrnoException) => {
        if (!isRetry && !turn.isOver && isRepeatable(turn, error)) {
          turn.forget?.();
          forward(exchange, true).then(resolve, reject);
        } else giveUp(turn, error);
      });
    });

  return {
    forward,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connections: () => connectionsOf(agent),
    close: () => agent.destroy(),
  };
}

/** An exchange on its way to the upstream and back, which ends with one of two calls. */
interface UpstreamAttempt {
  readonly exchange: Exchange;
  readonly upstream: Upstream;
  readonly resolve: (answer: UpstreamAnswer) => void;
  readonly reject: (reason: UpstreamFailure | ClientGone) => void;
  outgoing: ClientRequest | undefined;
  answer: IncomingMessage | undefined;
  /** The client has left, or a fault has cut it off: what comes of the upstream's connection then is our doing. */
  isOver: boolean;
  /** Takes it off what the exchange stops when it is over; set when it is under way. */
  forget: (() => void) | undefined;
}

/** Sends the request, of which nothing has been written yet. */
function send(turn: UpstreamAttempt, outgoing: ClientRequest): void {
  const { exchange, upstream } = turn;
  turn.outgoing = outgoing;
  writeOutgoingHead(outgoing, exchange, upstream);
  turn.forget = exchange.onAbort(() => {
    turn.isOver = true;
    outgoing.destroy();
    turn.reject(new ClientGone());
  });
  outgoing.once('response', (answer) => receive(turn, outgoing, answer));
  // Upgrade was not passed on, so nobody can have asked for it.
  outgoing.once('upgrade', (_, socket) => {
    socket.destroy();
    fail(turn, new UpstreamFailure(`the upstream ${upstream.url.origin} switched protocols unasked`, 502));
  });
  outgoing.once('timeout', () => watch(outgoing, () => isUpstreamsTurn(outgoing, turn.answer), upstream));
  writeOutgoingBody(outgoing, exchange);
}

/** Hands over the head of the answer, unless it is one that cannot be passed on. */
function receive(turn: UpstreamAttempt, outgoing: ClientRequest, message: IncomingMessage): void {
  const { exchange, upstream, resolve } = turn;
  turn.answer = message;
  const answer = new NodeAnswer(message);
  const flaw = flawOf(answer);
  if (flaw !== undefined) {
    fail(turn, new UpstreamFailure(`the upstream ${upstream.url.origin} ${flaw}`, 502));
    outgoing.destroy();
    return;
  }
  exchange.upstreamStatus = answer.status;
  closeAfterBodilessAnswer(outgoing, exchange, answer);
  resolve(answer);
}

/** Says that the connection to the upstream broke, and for whom that is news. */
function giveUp(turn: UpstreamAttempt, error: NodeJS.ErrnoException): void {
  // The head was read: strays after it are not its business, and a body that breaks off is relay's.
  if (turn.answer || turn.isOver) return;
  if (turn.exchange.response.destroyed) turn.reject(new ClientGone());
  else fail(turn, failureFrom(error, turn.upstream));
}

function fail({ exchange, reject }: UpstreamAttempt, failure: UpstreamFailure): void {
  // Noted here, as a fault may have promised the client a 200 already and answer all the same.
  exchange.failure = failure.status === 504 ? 'time-out' : 'no-answer';
  reject(failure);
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

function loadHttpProxy(): typeof HttpProxy {
  return withoutExtendWarning(() => createRequire(import.meta.url)('http-proxy'));
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

/** A request without a body that met a pooled connection just as the upstream closed it (RFC 9110 9.2.2). */
function isRepeatable(
  { exchange, outgoing, answer }: UpstreamAttempt,
  error: NodeJS.ErrnoException,
): boolean {
  const { request, response } = exchange;
  if (answer || response.destroyed || !outgoing?.reusedSocket) return false;
  const isSafe = request.method !== 'POST' && !hasBody(request);
  return isSafe && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}
