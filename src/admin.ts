import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { ProxyServer } from './proxy.ts';

/** The operator's side of a proxy, on a port of its own: is it up, what did it count, what did it do. */
interface AdminState {
  readonly proxy: ProxyServer;
  /** False while the proxy drains. */
  readonly isReady: () => boolean;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const PATHS = ['/healthz', '/readyz', '/metrics', '/journal'];

/** Makes the admin server; it is not listening yet. */
export function createAdmin(state: AdminState): http.Server {
  return http.createServer((request, response) => {
    pageFor(request, state)
      .then((page) => send(request, response, page))
      .catch((error: unknown) => send(request, response, problem(500, String(error))));
  });
}

async function pageFor(request: IncomingMessage, { proxy, isReady }: AdminState): Promise<Page> {
  const target = request.url ?? '/';
  // `//` is a target that HTTP allows and URL does not.
  const url = URL.canParse(target, 'http://admin') ? new URL(target, 'http://admin') : undefined;
  if (url === undefined || !PATHS.includes(url.pathname)) {
    return problem(404, `nothing here; there is ${PATHS.join(', ')}`);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem(405, `${url.pathname} is read with GET`);
  }
  switch (url.pathname) {
    case '/metrics':
      return {
        status: 200,
        type: proxy.metrics.registry.contentType,
        body: await proxy.metrics.registry.metrics(),
      };
    case '/journal':
      return journalPage(proxy, url.searchParams.get('limit'));
    case '/readyz':
      return isReady() ? text(200, 'ready\n') : text(503, 'draining\n');
    default:
      return text(200, 'ok\n');
  }
}

function journalPage(proxy: ProxyServer, limit: string | null): Page {
  if (limit !== null && !/^\d{1,9}$/.test(limit)) {
    return problem(400, `limit is a number of entries, not "${limit}"`);
  }
  const { journal } = proxy;
  const entries = journal.entries(limit === null ? undefined : Number(limit));
  return json(200, { count: journal.count, entries });
}

function send(request: IncomingMessage, response: ServerResponse, page: Page): void {
  response.writeHead(page.status, {
    'Content-Type': page.type,
    'Content-Length': Buffer.byteLength(page.body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // RFC 9110 15.5.6: a 405 says what would do.
    ...(page.status === 405 && { Allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}

function text(status: number, body: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function json(status: number, value: unknown, type = 'application/json'): Page {
  return { status, type, body: `${JSON.stringify(value)}\n` };
}

/** An error as problem details (RFC 9457). */
function problem(status: number, detail: string): Page {
  const title = http.STATUS_CODES[status] ?? 'Error';
  return json(status, { title, status, detail }, 'application/problem+json');
}
