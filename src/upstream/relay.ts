import type { IncomingMessage } from 'node:http';
import type { Exchange } from '../exchange/exchange.ts';
import { captureErrorCode } from '../http/error-code.ts';
import { endToEnd, isBodiless } from '../http/headers.ts';
import { drainBeforeClosing, flushed, reset } from '../http/sockets.ts';
import { pump } from '../http/stream.ts';

/** Sends the upstream's answer on to the client: same status, reason phrase, headers and bytes (RFC 9110 7.6). */
export function relay(exchange: Exchange, upstream: IncomingMessage): void {
  const { request, response } = exchange;
  if (response.destroyed) return;
  if (upstream.destroyed && !upstream.complete) {
    // It broke off while a fault held its answer back; nothing of it has reached the client.
    exchange.failure = 'cut-short';
    exchange.isFailureTold = true;
    response.destroy();
    return;
  }
  exchange.isRelayed = true;
  const hasBody = !isBodiless(request.method, upstream.statusCode);
  writeHead(exchange, upstream, hasBody);
  if (!hasBody) {
    upstream.resume();
    response.end();
    return;
  }
  captureErrorCode(upstream, exchange);
  const { download } = exchange;
  // A stage may hold back even the first byte; the head is not its business.
  if (download.length > 0) response.flushHeaders();
  const count = (bytes: number) => {
    exchange.bytesOut += bytes;
  };
  pump(
    upstream,
    response,
    count,
    download,
    download.length === 0 ? undefined : () => end(exchange, upstream),
  );
  upstream.once('close', () => {
    if (upstream.complete || response.destroyed || response.writableEnded || exchange.closeAs) return;
    breakOff(exchange);
  });
}

function writeHead(exchange: Exchange, upstream: IncomingMessage, hasBody: boolean): void {
  const { request, response, injection } = exchange;
  const isChunked =
    hasBody && request.httpVersion !== '1.0' && upstream.headers['transfer-encoding'] !== undefined;
  const headers = endToEnd(upstream.rawHeaders, isChunked);
  if (injection) headers.push(...injection.marks());
  if (!request.complete) {
    // A body nobody will read must not be taken for the next request on this connection.
    headers.push('Connection', 'close');
    drainBeforeClosing(request);
  }
  response.sendDate = false;
  response.writeHead(upstream.statusCode ?? 502, upstream.statusMessage ?? '', headers);
}

/** A stage may have ended the body before its time; the rest of what the upstream sends is of no use then. */
function end(exchange: Exchange, upstream: IncomingMessage): void {
  void exchange.endBody(exchange.response);
  if (!upstream.complete) upstream.destroy();
}

/** Cut off like the upstream was: an orderly end would let a short body pass for a whole one. */
function breakOff(exchange: Exchange): void {
  const { request, response } = exchange;
  exchange.failure = 'cut-short';
  exchange.isFailureTold = true;
  // To HTTP/1.0 the end of the connection is the end of the body: only a reset says otherwise.
  if (request.httpVersion === '1.0') void flushed(request.socket).then(() => reset(request.socket));
  else response.destroy();
}
