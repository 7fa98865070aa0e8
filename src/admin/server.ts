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
  refuseUnauthorisedChange,
  refuseUnauthorisedRead,
} from './guard.ts';
import { HEALTH_ROUTES } from './health.ts';
import { JOURNAL_ROUTES } from './journal.ts';
import type { LiveJournal } from './live.ts';
import { type AdminState, matchPath, type Route } from './route.ts';
import { RULE_ROUTES } from './rules.ts';
import { SCHEMA_ROUTES } from './schema.ts';
import { SESSION_ROUTES } from './sessions.ts';
import { STATE_ROUTES } from './state.ts';

/** All operations of the admin port. */
export const ROUTES: readonly Route[] = [
  ...RULE_ROUTES,
  ...JOURNAL_ROUTES,
  ...STATE_ROUTES,
  ...SESSION_ROUTES,
  ...CATALOG_ROUTES,
  ...HEALTH_ROUTES,
  ...SCHEMA_ROUTES,
];

/** Longest time in ms for the head of a request, and for a whole request: a slower client only holds connections. */
const HEAD_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;

/** Idle time in ms after which a connection is closed. Streams have a heartbeat, so only a reader that does not read is cut off. */
const IDLE_TIMEOUT = 60_000;

const MOST_CONNECTIONS = 256;

/** Time in ms that open answers get when the proxy closes. */
const GRACE = 1000;

/** Admin server of a proxy. */
interface Admin {
  listen(port: number, host: string): Promise<AddressInfo>;
  /** Ends the streams, and closes the port. */
  close(): Promise<void>;
}

/** Settings of the admin port. */
interface AdminSettings {
  /** Token of {@link Access}. */
  readonly token: string | undefined;
  /** Called with a sentence about each change. */
  readonly onChange: (sentence: string) => void;
}

interface AdminContext {
  readonly state: AdminState;
  readonly live: Set<LiveJournal>;
  access: Access;
}

/** Makes the admin server. It does not listen yet. */
export function createAdmin(state: AdminState, { token, onChange }: AdminSettings): Admin {
  const context: AdminContext = { state, live: new Set(), access: { token, host: '', address: '' } };
  const open = new Set<ServerResponse>();
  const reportChange = (answer: AdminAnswer) => {
    if (answer.changed !== undefined) onChange(`${answer.changed} by the admin port`);
    return answer;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse, askForBody: () => void) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    send(request, response, await answerTo(context, request, askForBody).then(reportChange).catch(problem));
  };
  const server = http.createServer({
    headersTimeout: HEAD_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: 2000,
  });
  server.on('request', (request, response) => handle(request, response, () => {}));
  // By default Node sends 100 Continue at once, also for a body that will be refused. If it is not sent, Node closes the connection.
  server.on('checkContinue', (request, response) =>
    handle(request, response, () => response.writeContinue()),
  );
  server.timeout = IDLE_TIMEOUT;
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
  const matching = ROUTES.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  if (!matching.some(({ route }) => route.isOpen)) {
    refuseOtherOrigins(headers, host);
    refuseOtherHosts(headers, host, access);
  }
  const match = matching.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
  const methods = matching.map(({ route }) => route.method);
  if (match === undefined) throw noRoute(path, methods);
  const { route, params } = match;
  if (!route.isOpen) refuseUnknownParameters(query, route.query ?? []);
  if (route.method !== 'GET') {
    refuseUnauthorisedChange(headers, access);
    refuseOtherFormats(headers);
  } else if (!route.isOpen && !route.isPublic) {
    refuseUnauthorisedRead(headers, access);
  }
  const body = route.takesBody ? await readBody(request, askForBody) : '';
  return route.handle({ ...state, params, query, headers, body, live });
}

/** Splits a target into its parts. Dots are not resolved and slashes not merged, as a rule may have the name `..`. */
function readTarget({ url = '', headers, headersDistinct }: IncomingMessage): {
  host: string | undefined;
  path: string;
  query: URLSearchParams;
} {
  // RFC 9112, 3.2: otherwise the host would depend on which of them is read.
  if ((headersDistinct.host?.length ?? 0) > 1) throw new AdminRefusal(400, 'Host is given more than once');
  // RFC 9112, 3.2.2: a target may be a whole URL. Then its authority is used instead of Host.
  const [, authority, rest = ''] = /^(?:http:\/\/([^/?#]*))?([^#]*)/is.exec(url) ?? [];
  const [path = '', ...query] = rest.split('?');
  return { host: authority ?? headers.host, path, query: new URLSearchParams(query.join('?')) };
}

/** @param methods methods of the routes with this path */
function noRoute(path: string, methods: readonly Route['method'][]): AdminRefusal {
  if (methods.length === 0) {
    const paths = [...new Set(ROUTES.map((route) => route.path))].filter((each) => !each.includes('{'));
    return new AdminRefusal(404, `there is nothing at ${JSON.stringify(path)}${didYouMean(path, paths)}`);
  }
  // RFC 9110 15.5.6: a 405 lists the allowed methods.
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return new AdminRefusal(405, `${path} takes ${allowed}`, { Allow: allowed });
}

function refuseUnknownParameters(query: URLSearchParams, known: readonly string[]): void {
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
  // The unread rest of a request would be taken for the next request. `requestTimeout` limits how long it may take.
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
    // It is not an error if a reader leaves, and there is nothing to clean up.
    pipeline(body, response, () => {});
  }
}
