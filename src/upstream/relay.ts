import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { captureErrorCode } from '../http/error-code.ts';
import { endToEnd, headerValue, isBodiless } from '../http/headers.ts';
import { drainBeforeClosing, flushed, reset } from '../http/sockets.ts';

/** Sends the upstream's answer to the client with the same status, reason phrase, headers and bytes (RFC 9110 7.6). */
export function relay(exchange: Exchange, answer: UpstreamAnswer): void {
  const { request, response } = exchange;
  const { body } = answer;
  if (response.destroyed) return;
  if (body.destroyed && !answer.isComplete()) {
    // The upstream broke off while a fault held the answer back. The client has not received anything.
    exchange.failure = 'cut-short';
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
  exchange.sendBody(answer);
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
    // The rest of the upload must not be read as the next request on this connection.
    headers.push('Connection', 'close');
    drainBeforeClosing(request);
  }
  response.sendDate = false;
  response.writeHead(answer.status, answer.reason, headers);
}

/** Cuts the client's connection as the upstream did: after an orderly end, a short body would look whole. */
function breakOff(exchange: Exchange): void {
  const { request, response } = exchange;
  exchange.failure = 'cut-short';
  // In HTTP/1.0, an orderly end of the connection is the end of the body. Only a reset shows that the body is short.
  if (request.httpVersion === '1.0') void flushed(request.socket).then(() => reset(request.socket));
  else response.destroy();
}
