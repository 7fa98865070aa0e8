import type { IncomingHttpHeaders } from 'node:http';
import type { ProxyServer } from '../proxy/proxy.ts';
import type { RuleBook } from '../rulebook/rulebook.ts';
import { type AdminAnswer, AdminRefusal } from './answer.ts';
import type { LiveJournal } from './live.ts';

/** What the admin port shows and changes. */
export interface AdminState {
  readonly proxy: ProxyServer;
  readonly book: RuleBook;
  /** False while the proxy drains. */
  readonly isReady: () => boolean;
  /** Makes it as it was after the start. */
  readonly reset: () => void;
}

/** A request to the admin port, read as far as its route wants it. */
export interface Call extends AdminState {
  /** What stands for the `{…}` of the path, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Text of the body; '' where the route takes none. */
  readonly body: string;
  /** The streams that are open. */
  readonly live: Set<LiveJournal>;
}

/** One operation of the admin port; `schema/admin-api.openapi.json` describes each. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `{…}` stands for one segment, percent-encoded. */
  readonly path: string;
  /** The query parameters it knows. */
  readonly query?: readonly string[];
  readonly takesBody?: true;
  /** For monitors, which ask by any name: the Host is not looked at. */
  readonly isOpen?: true;
  /** It tells nothing of this very proxy, and needs no token. */
  readonly isPublic?: true;
  handle(call: Call): AdminAnswer | Promise<AdminAnswer>;
}

/** What stands for the `{…}` of a route's path, decoded; `undefined` where the path is another. Throws {@link AdminRefusal}. */
export function matchPath(route: string, path: string): string[] | undefined {
  const wanted = route.split('/');
  const given = path.split('/');
  const fits = (segment: string, index: number) =>
    segment.startsWith('{') ? given[index] !== '' : segment === given[index];
  if (wanted.length !== given.length || !wanted.every(fits)) return undefined;
  return given.filter((_, index) => wanted[index]?.startsWith('{')).map(decoded);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AdminRefusal(400, `"${segment}" is not percent-encoded UTF-8. a % itself is written %25`);
  }
}
