import type { IncomingHttpHeaders } from 'node:http';
import type { ProxyServer } from '../proxy/proxy.ts';
import type { RuleBook } from '../rulebook/rulebook.ts';
import { type AdminAnswer, AdminRefusal } from './answer.ts';
import type { LiveJournal } from './live.ts';

/** State that the admin port shows and changes. */
export interface AdminState {
  readonly proxy: ProxyServer;
  readonly book: RuleBook;
  /** False while the proxy drains. */
  readonly isReady: () => boolean;
  /** Restores the state after the start. */
  readonly reset: () => void;
}

/** Parsed request to the admin port. */
export interface Call extends AdminState {
  /** Values of the `{…}` segments of the path, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Text of the body; '' if the route takes none. */
  readonly body: string;
  /** Open streams. */
  readonly live: Set<LiveJournal>;
}

/** Operation of the admin port; `schema/admin-api.openapi.json` describes each. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path, in which `{…}` is one percent-encoded segment. */
  readonly path: string;
  /** Names of the query parameters that the operation knows. */
  readonly query?: readonly string[];
  readonly takesBody?: true;
  /** Set for monitors, which use any name for the port: Host is not checked. */
  readonly isOpen?: true;
  /** Set if the answer says nothing about this proxy, so that it needs no token. */
  readonly isPublic?: true;
  handle(call: Call): AdminAnswer | Promise<AdminAnswer>;
}

/**
 * Returns the decoded values of the `{…}` segments if a path matches a route; `undefined` if it does not. Throws an
 * {@link AdminRefusal} if a value is not percent-encoded UTF-8.
 */
export function matchPath(route: string, path: string): string[] | undefined {
  const pattern = route.split('/');
  const segments = path.split('/');
  const matches = (segment: string, index: number) =>
    segment.startsWith('{') ? segments[index] !== '' : segment === segments[index];
  if (pattern.length !== segments.length || !pattern.every(matches)) return undefined;
  return segments.filter((_, index) => pattern[index]?.startsWith('{')).map(decoded);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AdminRefusal(400, `"${segment}" is not percent-encoded UTF-8. a % itself is written %25`);
  }
}
