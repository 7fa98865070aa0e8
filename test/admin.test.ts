import { describe, expect, it, onTestFinished } from 'vitest';
import { createAdmin } from '../src/admin.ts';
import { listen } from '../src/listener.ts';
import { RuleSet } from '../src/rules/decide.ts';
import { closing, injecting } from './faults/faulty.ts';
import { eventually, proxyTo } from './support/proxy.ts';
import { rawExchange } from './support/raw.ts';
import { upstreamSaying } from './support/through.ts';

/** An admin server over a proxy that answers every request with SlowDown. */
async function admin(isReady = () => true) {
  const { port, proxy } = await proxyTo('http://127.0.0.1:1', { rules: injecting('SlowDown') });
  const server = createAdmin({ proxy, isReady });
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const address = await listen(server, 0, '127.0.0.1');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    adminPort: address.port,
    proxy,
    get: (path: string, init?: RequestInit) => fetch(url + path, init),
    /** Sends so many requests through the proxy. */
    async exchange(count: number) {
      for (let nth = 1; nth <= count; nth += 1) await rawExchange(port, closing(`GET /b/${nth}`));
      await eventually('the exchanges are over', () => proxy.journal.count === count);
    },
  };
}

/** The journal's page, whose shape is its contract. */
async function pageIn(response: Response) {
  return (await response.json()) as { count: number; entries: { time: string; key: string }[] };
}

describe('the admin port', () => {
  it('/healthz is fine as long as the process answers', async () => {
    const { get } = await admin(() => false);
    const response = await get('/healthz');
    expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('/readyz is 503 while the proxy drains', async () => {
    let ready = true;
    const { get } = await admin(() => ready);
    const before = await get('/readyz');
    expect([before.status, await before.text()]).toEqual([200, 'ready\n']);
    ready = false;
    const after = await get('/readyz');
    expect([after.status, await after.text()]).toEqual([503, 'draining\n']);
  });

  it('/metrics is what Prometheus reads', async () => {
    const { get, exchange } = await admin();
    await exchange(1);
    const response = await get('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toMatch(
      /^brownout_requests_total\{operation="GetObject",status="503"\} 1$/m,
    );
  });

  it('/journal has the entries, oldest first, and how many there were', async () => {
    const { get, exchange } = await admin();
    expect(await (await get('/journal')).json()).toEqual({ count: 0, entries: [] });
    await exchange(3);
    const response = await get('/journal');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { count, entries } = await pageIn(response);
    expect(count).toBe(3);
    expect(entries).toMatchObject([
      { key: '1' },
      { key: '2' },
      { key: '3', rule: 'faulty', code: 'SlowDown' },
    ]);
    expect(entries[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    // A field that does not apply is left out.
    expect(entries[0]).not.toHaveProperty('upstreamStatus');
  });

  it.each([
    ['2', ['2', '3']],
    ['0', []],
    ['999999999', ['1', '2', '3']],
  ])('/journal?limit=%s is that many of the latest', async (limit, keys) => {
    const { get, exchange } = await admin();
    await exchange(3);
    const { count, entries } = await pageIn(await get(`/journal?limit=${limit}`));
    expect(count).toBe(3);
    expect(entries.map(({ key }) => key)).toEqual(keys);
  });

  it.each(['', '-1', '1.5', 'ten', '1e3', '10000000000', '0x10'])(
    '/journal?limit=%s is refused',
    async (limit) => {
      const { get } = await admin();
      const response = await get(`/journal?limit=${limit}`);
      expect(response.status).toBe(400);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toEqual({
        title: 'Bad Request',
        status: 400,
        detail: `limit is a number of entries, not "${limit}"`,
      });
    },
  );

  it.each(['/', '/metricz', '/journal/', '/healthz%00', '/../etc/passwd'])(
    '%s is a 404 that says what there is',
    async (path) => {
      const { get } = await admin();
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({
        detail: 'nothing here; there is /healthz, /readyz, /metrics, /journal',
      });
    },
  );

  it.each(['//', '///', 'http://[', '*'])('the target %j is a 404 as well', async (target) => {
    const { adminPort } = await admin();
    const answered = await rawExchange(adminPort, closing(`GET ${target}`));
    expect(answered.toString()).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  it.each(['/healthz', '/readyz', '/metrics', '/journal'])('%s is only read', async (path) => {
    const { get } = await admin();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await get(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
      expect(await response.json()).toMatchObject({ status: 405, detail: `${path} is read with GET` });
    }
  });

  it('HEAD has the head of GET and no body', async () => {
    const { adminPort } = await admin();
    const answered = (await rawExchange(adminPort, closing('HEAD /healthz'))).toString();
    expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*Content-Length: 3\r\n(.+\r\n)*\r\n$/);
  });

  it('asking it is no exchange', async () => {
    const { get, proxy } = await admin();
    await (await get('/metrics')).text();
    expect(proxy.journal.count).toBe(0);
    expect(await proxy.metrics.registry.metrics()).not.toContain('brownout_requests_total{');
  });

  it('a request for it at the proxy is forwarded like any other', async () => {
    const upstream = await upstreamSaying('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine');
    const { port } = await proxyTo(upstream.url, { rules: new RuleSet([], new Map()) });
    expect((await rawExchange(port, closing('GET /metrics'))).toString()).toMatch(/mine$/);
  });
});
