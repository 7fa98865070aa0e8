import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { headerValue } from '../http/headers.ts';
import { keepOnePool } from '../http/node-internals.ts';

/** Where requests are forwarded to, and how. */
export interface Upstream {
  /** Scheme, host and port; no path. */
  readonly url: URL;
  /** Certificates (PEM) to trust for an HTTPS upstream, besides those that Node trusts by itself. */
  readonly ca: string | undefined;
  /** ms without a byte from the upstream before a request to it is given up. */
  readonly timeout: number;
  /** Send the upstream's own name as Host instead of the client's. Breaks SigV4, which signs Host. */
  readonly rewriteHost: boolean;
  /** A header, in lower case, that it is not sent: it was meant for the proxy. */
  readonly withheld?: string | undefined;
}

/** Reads `http://host:port` or `https://host:port`; throws a sentence that says what is wrong. */
export function parseUpstream(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error(`"${text}" is no upstream; it is written http://host:port, https://host:port or memory:`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw new Error(
      `the upstream "${text}" has more than scheme, host and port; targets are forwarded as they come`,
    );
  }
  return url;
}

/** Why the upstream gave no answer, in words, and the status that says so: 502, or 504 when it took too long. */
export class UpstreamFailure extends Error {
  readonly status: 502 | 504;

  constructor(message: string, status: 502 | 504, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** What a socket error of the upstream means, in words. */
export function failureFrom(error: NodeJS.ErrnoException, upstream: Upstream): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const where = upstream.url.origin;
  switch (error.code) {
    case 'ECONNREFUSED':
      return new UpstreamFailure(`the upstream ${where} refuses connections`, 502, error);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UpstreamFailure(`the name of the upstream ${where} does not resolve`, 502, error);
    case 'ECONNRESET':
    case 'EPIPE':
      return new UpstreamFailure(`the upstream ${where} closed the connection without an answer`, 502, error);
    default:
      return new UpstreamFailure(`the upstream ${where} failed: ${error.message}`, 502, error);
  }
}

/** The pool of connections to an upstream. */
export function agentFor(upstream: Upstream): http.Agent {
  // LIFO keeps few connections warm instead of many lukewarm ones that the upstream is about to close.
  const options = { keepAlive: true, scheduling: 'lifo', timeout: upstream.timeout } as const;
  const agent =
    upstream.url.protocol === 'http:'
      ? new http.Agent(options)
      : // Node takes a `ca` for a replacement of its own list, not for an addition.
        new https.Agent(upstream.ca ? { ...options, ca: [...rootCertificates, upstream.ca] } : options);
  keepOnePool(agent);
  return agent;
}

/** How many connections a pool has open, busy and idle. */
export function connectionsOf({ sockets, freeSockets }: http.Agent): number {
  return [...Object.values(sockets), ...Object.values(freeSockets)].reduce(
    (sum, pool) => sum + (pool?.length ?? 0),
    0,
  );
}

/** What makes an answer one that cannot be passed on: Node reads what it would refuse to write. */
export function flawOf({ status, reason, rawHeaders }: UpstreamAnswer): string | undefined {
  if (status < 200) return `answered with status ${status}`;
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) return 'sent a reason phrase with control characters';
  const coding = headerValue(rawHeaders, 'transfer-encoding')?.toLowerCase();
  if (coding !== undefined && coding !== 'chunked') return `sent the transfer coding "${coding}"`;
  return undefined;
}
