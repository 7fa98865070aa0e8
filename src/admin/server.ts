import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { closeServer, listen } from '../http/listener.ts';
import { type AdminAnswer, AdminRefusal, problem } from './answer.ts';
import { readBody, refuseOtherFormats } from './body.ts';
import { CATALOG_ROUTES } from './catalog.ts';
import {
  type Access,
  refuseOtherHosts,
  refuseOtherOrigins,
  refuseReaders,
  refuseStrangers,
} from './guard.ts';
import { HEALTH_ROUTES } from './health.ts';
import { JOURNAL_ROUTES } from './journal.ts';
import type { LiveJournal } from './live.ts';
import { type AdminState, matchPath, type Route } from './route.ts';
import { RULE_ROUTES } from './rules.ts';
import { SCHEMA_ROUTES } from './schema.ts';
import { SESSION_ROUTES } from './sessions.ts';
import { STATE_ROUTES } from './state.ts';

/** Every operation of the admin port. */
export const ROUTES: readonly Route[] = [
  ...RULE_ROUTES,
  ...JOURNAL_ROUTES,
  ...STATE_ROUTES,
  ...SESSION_ROUTES,
  ...CATALOG_ROUTES,
  ...HEALTH_ROUTES,
  ...SCHEMA_ROUTES,
];

/** ms: a head that takes longer, and a whole request that does, is somebody holding connections. */
const HEAD_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;

/** ms without a byte either way; streams have a heartbeat, so that only a reader who takes none is cut off. */
const QUIET = 60_000;

const MOST_CONNECTIONS = 256;

/** ms for what is being answered to get through when the proxy goes away. */
const GRACE = 1000;

/** The operator's side of a proxy: a server of its own. */
interface Admin {
  listen(port: number, host: string): Promise<AddressInfo>;
  /** Ends the streams, and closes the port. */
  close(): Promise<void>;
}

/** What the operator decided about the port. */
interface AdminSettings {
  /** What changes need, and reading where others reach the port; without it changes are taken on a loopback address only. */
  readonly token: string | undefined;
  /** Called with a sentence on each change that was made. */
  readonly onChange: (sentence: string) => void;
}

interface AdminContext {
  readonly state: AdminState;
  readonly live: Set<LiveJournal>;
  access: Access;
}

/** Makes the admin server; it is not listening yet. */
export function createAdmin(state: AdminState, { token, onChange }: AdminSettings): Admin {
  const context: AdminContext = { state, live: new Set(), access: { token, host: '', address: '' } };
  const open = new Set<ServerResponse>();
  const tell = (answer: AdminAnswer) => {
    if (answer.changed !== undefined) onChange(`${answer.changed} by the admin port`);
    return answer;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse, askForBody: () => void) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    send(request, response, await answerTo(context, request, askForBody).then(tell).catch(problem));
  };
  const server = http.createServer({
    headersTimeout: HEAD_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: 2000,
  });
  server.on('request', (request, response) => handle(request, response, () => {}));
  // Unhandled, Node would say 100 to a body that is going to be refused. Where it is not said, Node closes the connection.
  server.on('checkContinue', (request, response) =>
    handle(request, response, () => response.writeContinue()),
  );
  server.timeout = QUIET;
  server.maxConnections = MOST_CONNECTIONS;
  return {
    async listen(port, host) {
      const bound = await listen(server, port, host);
      context.access = { token, host, address: bound.address };
      return bound;
    },
    async close() {
      for (const stream of context.live) stream.finish();
      await closeServer(server, GRACE, () => open.size);
    },
  };
}

async function answerTo(
  { state, live, access }: AdminContext,
  request: IncomingMessage,
  askForBody: () => void,
): Promise<AdminAnswer> {
  const { headers, method } = request;
  const { host, path, query } = readTarget(request);
  const here = ROUTES.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  if (!here.some(({ route }) => route.isOpen)) {
    refuseOtherOrigins(headers, host);
    refuseOtherHosts(headers, host, access);
  }
  const wanted = here.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
  const methods = here.map(({ route }) => route.method);
  if (wanted === undefined) throw unknown(path, methods);
  const { route, params } = wanted;
  if (!route.isOpen) refuseUnknown(query, route.query ?? []);
  if (route.method !== 'GET') {
    refuseStrangers(headers, access);
    refuseOtherFormats(headers);
  } else if (!route.isOpen && !route.isPublic) {
    refuseReaders(headers, access);
  }
  const body = route.takesBody ? await readBody(request, askForBody) : '';
  return route.handle({ ...state, params, query, headers, body, live });
}

/** The parts of a target as they are: no dots are resolved and no slashes merged, as a rule may be called `..`. */
function readTarget({ url = '', headers, headersDistinct }: IncomingMessage): {
  host: string | undefined;
  path: string;
  query: URLSearchParams;
} {
  // RFC 9112, 3.2: who is asked must not depend on which of them is read.
  if ((headersDistinct.host?.length ?? 0) > 1) throw new AdminRefusal(400, 'Host is given more than once');
  // RFC 9112, 3.2.2: a target may be a whole URL, and then its authority counts instead of Host.
  const [, authority, rest = ''] = /^(?:http:\/\/([^/?#]*))?([^#]*)/is.exec(url) ?? [];
  const [path = '', ...query] = rest.split('?');
  return { host: authority ?? headers.host, path, query: new URLSearchParams(query.join('?')) };
}

/** @param methods those that routes of this path have */
function unknown(path: string, methods: readonly Route['method'][]): AdminRefusal {
  if (methods.length === 0) {
    const paths = [...new Set(ROUTES.map((route) => route.path))].filter((each) => !each.includes('{'));
    return new AdminRefusal(404, `there is nothing at ${JSON.stringify(path)}${didYouMean(path, paths)}`);
  }
  // RFC 9110 15.5.6: a 405 says what would do.
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return new AdminRefusal(405, `${path} takes ${allowed}`, { Allow: allowed });
}

function refuseUnknown(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw new AdminRefusal(400, `unknown parameter "${name}"${didYouMean(name, known)}`);
    }
    if (query.getAll(name).length > 1) throw new AdminRefusal(400, `the parameter "${name}" is given twice`);
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: AdminAnswer,
): void {
  // What was not read of a request would be taken for the next one; `requestTimeout` ends it if it does not end.
  request.resume();
  response.writeHead(status, {
    ...headers,
    ...(typeof body === 'string' && status !== 204 && { 'Content-Length': Buffer.byteLength(body) }),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  if (typeof body === 'string') {
    response.end(request.method === 'HEAD' ? undefined : body);
  } else if (request.method === 'HEAD') {
    body.destroy();
    response.end();
  } else {
    response.flushHeaders();
    // A reader that leaves is no error, and it leaves nothing behind.
    pipeline(body, response, () => {});
  }
}
