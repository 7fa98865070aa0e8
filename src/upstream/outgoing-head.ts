import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { endToEnd, headerValue, isBodiless, without } from '../http/headers.ts';
import { closeConnectionAfter, setRawHead } from '../http/node-internals.ts';
import type { Upstream } from './upstream.ts';

/** Writes the client's head to the outgoing request: target, Host, names, case, order and repeats as they came. */
export function writeOutgoingHead(outgoing: ClientRequest, exchange: Exchange, upstream: Upstream): void {
  const { request, facts } = exchange;
  // Otherwise Node would add a Connection header, and a framing of its own for a PUT without one.
  outgoing.removeHeader('connection');
  outgoing.removeHeader('content-length');
  outgoing.removeHeader('transfer-encoding');
  outgoing.maxHeadersCount = 0;
  const { expect, 'transfer-encoding': transferEncoding } = request.headers;
  const { path, authority } = originForm(facts.target, request.method);
  const host = upstream.rewriteHost ? upstream.url.host : (authority ?? missingHost(request, upstream));
  let headers = endToEnd(request.rawHeaders, transferEncoding !== undefined);
  // The proxy sends the 100 itself. A second one from the upstream would be one too many.
  if (expect !== undefined) headers = without(headers, (name) => name === 'expect');
  const { withheld } = upstream;
  if (withheld !== undefined) headers = without(headers, (name) => name === withheld);
  if (host !== undefined) headers = ['Host', host, ...without(headers, (name) => name === 'host')];
  // It is not end-to-end, but the body is sent on with the same framing.
  if (transferEncoding !== undefined) headers.push('Transfer-Encoding', transferEncoding);
  outgoing.path = path;
  setRawHead(outgoing, `${request.method} ${path} HTTP/1.1`, headers);
}

/** Returns a Host for a request without one: HTTP/1.0 clients may leave it out, and HTTP/1.1 needs it. */
function missingHost(request: IncomingMessage, upstream: Upstream): string | undefined {
  return request.headers.host === undefined ? upstream.url.host : undefined;
}

/**
 * Returns the origin-form of a target, with no byte changed, and the authority of an absolute-form target, which is sent
 * as Host. A proxy sends origin-form to the origin (RFC 9112 3.2.2).
 */
function originForm(target: string, method: string | undefined): { path: string; authority?: string } {
  if (target.startsWith('/')) return { path: target };
  const [, authority, rest = ''] = /^[^/?#]+:\/\/([^/?]+)(.*)$/s.exec(target) ?? [];
  if (authority === undefined) return { path: target };
  if (rest === '') return { path: method === 'OPTIONS' ? '*' : '/', authority };
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority };
}

/** Tells whether the head of a request announces a body (RFC 9112 6). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Closes the connection after an answer without body or length: Swift 2.30 sends `0\r\n\r\n` there, as if in chunks. */
export function closeAfterBodilessAnswer(
  outgoing: ClientRequest,
  exchange: Exchange,
  { status, rawHeaders }: UpstreamAnswer,
): void {
  if (
    isBodiless(exchange.request.method, status) &&
    headerValue(rawHeaders, 'content-length') === undefined
  ) {
    closeConnectionAfter(outgoing);
  }
}
