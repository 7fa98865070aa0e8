import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { captureErrorCode } from '../http/error-code.ts';
import { endToEnd, headerValue, isBodiless } from '../http/headers.ts';
import { drainBeforeClosing, flushed, reset } from '../http/sockets.ts';
import { pump } from '../http/stream.ts';

/** Sends the upstream's answer on to the client: same status, reason phrase, headers and bytes (RFC 9110 7.6). */
export function relay(exchange: Exchange, answer: UpstreamAnswer): void {
  const { request, response } = exchange;
  const { body } = answer;
  if (response.destroyed) return;
  if (body.destroyed && !answer.isComplete()) {
    // It broke off while a fault held its answer back; nothing of it has reached the client.
    exchange.failure = 'cut-short';
    exchange.isFailureTold = true;
    response.destroy();
    return;
  }
  exchange.isRelayed = true;
  const hasBody = !isBodiless(request.method, answer.status);
  writeHead(exchange, answer, hasBody);
  if (!hasBody) {
    body.resume();
    response.end();
    return;
  }
  captureErrorCode(answer, exchange);
  const { download } = exchange;
  // A stage may hold back even the first byte; the head is not its business.
  if (download.length > 0) response.flushHeaders();
  const count = (bytes: number) => {
    exchange.bytesOut += bytes;
  };
  pump(answer, response, count, download, download.length === 0 ? undefined : () => end(exchange, answer));
  body.once('close', () => {
    if (answer.isComplete() || response.destroyed || response.writableEnded || exchange.closeAs) return;
    breakOff(exchange);
  });
}

function writeHead(exchange: Exchange, answer: UpstreamAnswer, hasBody: boolean): void {
  const { request, response, injection } = exchange;
  const isChunked =
    hasBody &&
    request.httpVersion !== '1.0' &&
    headerValue(answer.rawHeaders, 'transfer-encoding') !== undefined;
  const headers = endToEnd(answer.rawHeaders, isChunked);
  if (injection) headers.push(...injection.marks());
  if (!request.complete) {
    // A body nobody will read must not be taken for the next request on this connection.
    headers.push('Connection', 'close');
    drainBeforeClosing(request);
  }
  response.sendDate = false;
  response.writeHead(answer.status, answer.reason, headers);
}

/** A stage may have ended the body before its time; the rest of what the upstream sends is of no use then. */
function end(exchange: Exchange, answer: UpstreamAnswer): void {
  void exchange.endBody(exchange.response);
  answer.discard();
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
