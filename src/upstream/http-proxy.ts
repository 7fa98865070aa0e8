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

/** Largest head of an answer that is read, in bytes. The limit for requests is the same. */
const MAX_HEAD_SIZE = 64 * 1024;

/** Makes a forwarder that sends requests by http-proxy. */
export function createForwarder(upstream: Upstream): Forwarder {
  const agent = agentFor(upstream);
  const listeners = new Set<AnswerListener>();
  const proxy = createStreamProxy({
    target: { protocol: upstream.url.protocol, host: hostOf(upstream.url), port: portOf(upstream.url) },
    agent,
    selfHandleResponse: true,
    // The target is set below, byte for byte, so http-proxy does not parse a URL.
    toProxy: true,
    ignorePath: true,
    prependPath: false,
    // http-proxy adds its request options to this object. The client's own Host is set below, so Node must not set one.
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
  /** The exchange was aborted. After that, errors of the upstream's connection are caused by the abort. */
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

/** Resolves with the answer, unless it cannot be passed on. */
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

/** Rejects because the connection to the upstream broke, unless the answer has come or the exchange is over. */
function giveUp(attempt: UpstreamAttempt, error: NodeJS.ErrnoException): void {
  // After the head, nobody waits here anymore. `relay` notices when the body breaks off.
  if (attempt.answer || attempt.isOver) return;
  if (attempt.exchange.response.destroyed) attempt.reject(new ClientGone());
  else fail(attempt, failureFrom(error, attempt.upstream));
}

function fail({ exchange, reject }: UpstreamAttempt, failure: UpstreamFailure): void {
  // It is noted here, because a fault that has sent its 200 sends its own body in any case.
  exchange.failure = failure.status === 504 ? 'time-out' : 'no-answer';
  reject(failure);
}

/** Part of http-proxy that is used. Its own types have neither the passes nor a call without options. */
interface StreamProxy {
  webPasses: { name: string }[];
  web(
    request: IncomingMessage,
    response: ServerResponse,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
}

/**
 * Makes an http-proxy that has only its `stream` pass. The pass `deleteLength` removes the framing of a chunked DELETE:
 * then its body is read as a second request (CVE-2026-29057). The pass `XHeaders` adds `X-Forwarded-*`.
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
 * Makes the request that http-proxy sees. It has no headers, because http-proxy would merge them and change their case.
 * Its `pipe` gets the outgoing request before a byte of it is written.
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
  // http-proxy's `stream` pass uses only the six members above.
  return source as unknown as IncomingMessage;
}

/**
 * Aborts the request if the upstream has to act next and sends nothing. Called at the first time-out, because Node reports
 * only that one to a request. Later time-outs count, too: a client or a fault may hold a body back now and go on later.
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

/** Tells whether the request has no body and got a pooled connection that the upstream was closing (RFC 9110 9.2.2). */
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
