import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { AdminRefusal } from './answer.ts';

/** Who may ask the admin port, and who may change things by it. */
export interface Access {
  /** What changes need, if it is set; and reading too, where others reach the port. */
  readonly token: string | undefined;
  /** The `--admin-host`: a name the port is known by. */
  readonly host: string;
  /** The address it listens at. */
  readonly address: string;
}

/**
 * Refuses what a web page of another origin sends, with or without the page's knowing whom it asks. Web pages cannot
 * set or leave out Origin and Sec-Fetch-Site (Fetch standard, "forbidden request-header"), and no CORS header is ever
 * answered.
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

/** `localhost:9090`; the port of its scheme is left out, as URLs do. `undefined` where it is no URL. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host || undefined : undefined;
}

/** Names that nobody can register, and so lead nobody's web page here: RFC 6761, 6762, ICANN's `internal`, Kubernetes. */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:localhost|test|local|internal|svc))$/;

/**
 * Refuses names that are not known to be this machine's. A web page whose own name was made to lead here (DNS rebinding)
 * is of the same origin for its browser, and only the Host tells.
 */
export function refuseOtherHosts(
  headers: IncomingHttpHeaders,
  host: string | undefined,
  access: Access,
): void {
  // HTTP/1.0 needs none; no browser speaks it.
  if (host === undefined || isAuthorised(headers, access)) return;
  const name = nameOf(host);
  if (isIP(name) !== 0 || PRIVATE_NAME.test(name) || name === access.host.toLowerCase()) return;
  throw new AdminRefusal(
    403,
    `"${name}" may be anybody's name for this port. ask by an IP address, by localhost, by the name that --admin-host gives, or with the token of --admin-token`,
  );
}

/** The name or address in a Host; '' where it is none. */
function nameOf(host: string): string {
  const [, bracketed, name = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d*)?$/i.exec(host) ?? [];
  return (bracketed ?? name).toLowerCase().replace(/\.$/, '');
}

/** Refuses changes by those who do not have the token; without one, by all but those on this machine. */
export function refuseStrangers(headers: IncomingHttpHeaders, access: Access): void {
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

/** Refuses readers who do not have the token where there is one and others than this machine reach the port. */
export function refuseReaders(headers: IncomingHttpHeaders, access: Access): void {
  if (access.token === undefined || isLoopback(access.address) || isAuthorised(headers, access)) return;
  throw unauthorised('what this port tells needs the token where others reach it');
}

function unauthorised(why: string): AdminRefusal {
  return new AdminRefusal(401, `${why}: Authorization: Bearer TOKEN`, { 'WWW-Authenticate': 'Bearer' });
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** Bearer tokens are those of RFC 6750; the name of the scheme may be in any case. */
function isAuthorised({ authorization = '' }: IncomingHttpHeaders, { token }: Access): boolean {
  const [, given] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined || given === undefined) return false;
  // Digests are of one length, and how much of them is alike says nothing of the token.
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
