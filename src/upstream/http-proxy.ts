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
import {
  agentFor,
  connectionsOf,
  failureFrom,
  rejectionReason,
  type Upstream,
  UpstreamFailure,
} from './upstream.ts';

/** Largest head of an answer that is read, in bytes; that of a request is the same. */
const MAX_HEAD_SIZE = 64 * 1024;

/** Makes a forwarder that sends requests by http-proxy. */
export function createForwarder(upstream: Upstream): Forwarder {
  const agent = agentFor(upstream);
  const listeners = new Set<AnswerListener>();
  const proxy = createStreamProxy({
    target: { protocol: upstream.url.protocol, host: hostOf(upstream.url), port: portOf(upstream.url) },
    agent,
    selfHandleResponse: true,
    // http-proxy need not parse a URL: the target is set below, byte for byte.
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
      const attempt: UpstreamAttempt = {
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
      const source = sourceFor(exchange, (outgoing) => send(attempt, outgoing));
      proxy.web(source, exchange.response, (error: NodeJS.ErrnoException) => {
        if (!isRetry && !attempt.isOver && isRepeatable(attempt, error)) {
          attempt.forget?.();
          forward(exchange, true).then(resolve, reject);
        } else giveUp(attempt, error);
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

/** One try to send a request to the upstream. It ends with one of the two calls. */
interface UpstreamAttempt {
  readonly exchange: Exchange;
  readonly upstream: Upstream;
  readonly resolve: (answer: UpstreamAnswer) => void;
  readonly reject: (reason: UpstreamFailure | ClientGone) => void;
  outgoing: ClientRequest | undefined;
  answer: IncomingMessage | undefined;
  /** The exchange was aborted: errors of the upstream's connection are our own doing from then on. */
  isOver: boolean;
  /** Unsubscribes from the end of the exchange; set when the request is on its way. */
  forget: (() => void) | undefined;
}

/** Sends the request. Nothing of it has been written before. */
function send(attempt: UpstreamAttempt, outgoing: ClientRequest): void {
  const { exchange, upstream } = attempt;
  attempt.outgoing = outgoing;
  writeOutgoingHead(outgoing, exchange, upstream);
  attempt.forget = exchange.onAbort(() => {
    attempt.isOver = true;
    outgoing.destroy();
    attempt.reject(new ClientGone());
  });
  outgoing.once('response', (answer) => receive(attempt, outgoing, answer));
  // No client can have asked for it: the header Upgrade is not passed on.
  outgoing.once('upgrade', (_, socket) => {
    socket.destroy();
    fail(attempt, new UpstreamFailure(`the upstream ${upstream.url.origin} switched protocols unasked`, 502));
  });
  outgoing.once('timeout', () =>
    watchForSilence(outgoing, () => isWaitingForUpstream(outgoing, attempt.answer), upstream),
  );
  writeOutgoingBody(outgoing, exchange);
}

/** Hands the answer over, unless it is one that cannot be passed on. */
function receive(attempt: UpstreamAttempt, outgoing: ClientRequest, message: IncomingMessage): void {
  const { exchange, upstream, resolve } = attempt;
  attempt.answer = message;
  const answer = new NodeAnswer(message);
  const flaw = rejectionReason(answer);
  if (flaw !== undefined) {
    fail(attempt, new UpstreamFailure(`the upstream ${upstream.url.origin} ${flaw}`, 502));
    outgoing.destroy();
    return;
  }
  exchange.upstreamStatus = answer.status;
  closeAfterBodilessAnswer(outgoing, exchange, answer);
  resolve(answer);
}

/** Rejects because the connection to the upstream broke, if that is still of interest. */
function giveUp(attempt: UpstreamAttempt, error: NodeJS.ErrnoException): void {
  // After the head, nobody waits here any more: relay notices when the body breaks off.
  if (attempt.answer || attempt.isOver) return;
  if (attempt.exchange.response.destroyed) attempt.reject(new ClientGone());
  else fail(attempt, failureFrom(error, attempt.upstream));
}

function fail({ exchange, reject }: UpstreamAttempt, failure: UpstreamFailure): void {
  // Noted here: a fault that has sent its 200 already sends its own body whatever happened.
  exchange.failure = failure.status === 504 ? 'time-out' : 'no-answer';
  reject(failure);
}

/** The part of http-proxy that is used. Its own types have neither the passes nor a call without options. */
interface StreamProxy {
  webPasses: { name: string }[];
  web(
    request: IncomingMessage,
    response: ServerResponse,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
}

/**
 * Makes an http-proxy that has only its `stream` pass. The pass `deleteLength` removes the framing of a chunked DELETE, so
 * that its body is read as a second request (CVE-2026-29057); the pass `XHeaders` adds `X-Forwarded-*`.
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
 * Makes the request that http-proxy sees. It has no headers, so that none can be merged or change case, and its `pipe`
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
 * Gives up on an upstream that sends nothing although it is its turn. Called at the first time-out, because Node reports no
 * other to a request; a client or a fault that holds a body back now may let it go on later.
 */
function watchForSilence(outgoing: ClientRequest, isItsTurn: () => boolean, { timeout }: Upstream): void {
  const { socket } = outgoing;
  const look = () => {
    if (!isItsTurn()) socket?.setTimeout(timeout);
    else outgoing.destroy(new UpstreamFailure(`the upstream sent nothing for ${timeout} ms`, 504));
  };
  socket?.on('timeout', look);
  outgoing.once('close', () => socket?.off('timeout', look));
  look();
}

/** Tells whether the upstream has to act next, and not a client that pauses or a fault that holds a body back. */
function isWaitingForUpstream(outgoing: ClientRequest, answer: IncomingMessage | undefined): boolean {
  return answer ? answer.readableFlowing === true : outgoing.writableEnded || outgoing.writableNeedDrain;
}

/** Tells whether the request has no body and met a pooled connection that the upstream was closing (RFC 9110 9.2.2). */
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
