import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { headerValue } from '../http/headers.ts';
import { keepOnePool } from '../http/node-internals.ts';

/** Server that requests are forwarded to, and the settings for it. */
export interface Upstream {
  /** Scheme, host and port; no path. */
  readonly url: URL;
  /** Certificates (PEM) that are trusted for an HTTPS upstream, besides Node's own. */
  readonly ca: string | undefined;
  /** Time without a byte from the upstream after which a request is given up, in ms. */
  readonly timeout: number;
  /** Send the upstream's own name as Host instead of the client's. Breaks SigV4, which signs Host. */
  readonly rewriteHost: boolean;
  /** Name of a header for the proxy that is not sent on, in lower case. */
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

/** Reason why the upstream gave no answer, as a sentence; the status is 504 if it took too long, else 502. */
export class UpstreamFailure extends Error {
  readonly status: 502 | 504;

  constructor(message: string, status: 502 | 504, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** Says as a sentence what a socket error of the upstream means. */
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

/** Makes the pool of connections to an upstream. */
export function agentFor(upstream: Upstream): http.Agent {
  // LIFO keeps a few connections in use. FIFO would use all of them rarely, and the upstream closes idle ones.
  const options = { keepAlive: true, scheduling: 'lifo', timeout: upstream.timeout } as const;
  const agent =
    upstream.url.protocol === 'http:'
      ? new http.Agent(options)
      : // In Node, `ca` replaces the list of trusted certificates.
        new https.Agent(upstream.ca ? { ...options, ca: [...rootCertificates, upstream.ca] } : options);
  keepOnePool(agent);
  return agent;
}

/** Counts the open connections of a pool, busy and idle. */
export function connectionsOf({ sockets, freeSockets }: http.Agent): number {
  return [...Object.values(sockets), ...Object.values(freeSockets)].reduce(
    (sum, pool) => sum + (pool?.length ?? 0),
    0,
  );
}

/** Says why an answer cannot be passed on, if it cannot: Node reads heads that it refuses to write. */
export function rejectionReason({ status, reason, rawHeaders }: UpstreamAnswer): string | undefined {
  if (status < 200) return `answered with status ${status}`;
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) return 'sent a reason phrase with control characters';
  const coding = headerValue(rawHeaders, 'transfer-encoding')?.toLowerCase();
  if (coding !== undefined && coding !== 'chunked') return `sent the transfer coding "${coding}"`;
  return undefined;
}
