import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { AdminRefusal } from './answer.ts';

/** Settings that decide who may read from the admin port, and who may make changes. */
export interface Access {
  /** Token for changes, and also for reading if other machines reach the port; `undefined` if none is set. */
  readonly token: string | undefined;
  /** Value of `--admin-host`: a name of this port. */
  readonly host: string;
  /** Address that the port listens at. */
  readonly address: string;
}

/**
 * Refuses requests of web pages of other origins. Web pages cannot set or leave out Origin and Sec-Fetch-Site (Fetch
 * standard, "forbidden request-header"), and no answer has a CORS header.
 */
export function refuseOtherOrigins(headers: IncomingHttpHeaders, host: string | undefined): void {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && hostOf(origin) !== hostOf(`http://${host}`)) {
    throw new AdminRefusal(403, `this port does not answer web pages of ${origin}`);
  }
  if (site === 'cross-site' || site === 'same-site') {
    throw new AdminRefusal(
      403,
      `this port does not answer web pages of other sites, nor links on them (${site})`,
    );
  }
}

/** Returns host and port of a URL (`localhost:9090`), without the default port of the scheme; `undefined` if it is not a URL. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host || undefined : undefined;
}

/** Names that nobody can register, so no web page can come from them: RFC 6761, 6762, ICANN's `internal`, Kubernetes. */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:localhost|test|local|internal|svc))$/;

/**
 * Refuses host names that may not belong to this machine. If the name of a web page was made to lead here (DNS rebinding),
 * its browser takes the port for the same origin, and only Host shows the difference.
 */
export function refuseOtherHosts(
  headers: IncomingHttpHeaders,
  host: string | undefined,
  access: Access,
): void {
  // HTTP/1.0 needs no Host, and no browser speaks it.
  if (host === undefined || isAuthorised(headers, access)) return;
  const name = nameOf(host);
  if (isIP(name) !== 0 || PRIVATE_NAME.test(name) || name === access.host.toLowerCase()) return;
  throw new AdminRefusal(
    403,
    `"${name}" may be anybody's name for this port. ask by an IP address, by localhost, by the name that --admin-host gives, or with the token of --admin-token`,
  );
}

/** Returns the name or address in a Host header; '' if there is none. */
function nameOf(host: string): string {
  const [, bracketed, name = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d*)?$/i.exec(host) ?? [];
  return (bracketed ?? name).toLowerCase().replace(/\.$/, '');
}

/** Refuses changes without the token. If no token is set, allows changes only on a loopback address. */
export function refuseUnauthorisedChange(headers: IncomingHttpHeaders, access: Access): void {
  if (access.token !== undefined) {
    if (isAuthorised(headers, access)) return;
    throw unauthorised('changes need the token');
  }
  if (isLoopback(access.address)) return;
  throw new AdminRefusal(
    403,
    `this port listens at ${access.address}, where others reach it, and takes no changes without a token. set --admin-token, or listen at 127.0.0.1`,
  );
}

/** Refuses to be read without the token, if one is set and other machines reach the port. */
export function refuseUnauthorisedRead(headers: IncomingHttpHeaders, access: Access): void {
  if (access.token === undefined || isLoopback(access.address) || isAuthorised(headers, access)) return;
  throw unauthorised('reading needs the token if other machines reach this port');
}

function unauthorised(why: string): AdminRefusal {
  return new AdminRefusal(401, `${why}: Authorization: Bearer TOKEN`, { 'WWW-Authenticate': 'Bearer' });
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** Tells whether a request has the bearer token (RFC 6750). The name of the scheme may be in any case. */
function isAuthorised({ authorization = '' }: IncomingHttpHeaders, { token }: Access): boolean {
  const [, given] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined || given === undefined) return false;
  // Digests have the same length, and the time to compare them reveals nothing about the token.
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
