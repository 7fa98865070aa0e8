import { describe, expect, it } from 'vitest';
import { closing } from '../faults/faulty.ts';
import { rawExchange } from '../support/raw.ts';
import { operator } from './operator.ts';

describe('the admin port', () => {
  it('/healthz answers ok while the process runs', async () => {
    const { ask } = await operator();
    const response = await ask('/healthz');
    expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('/readyz answers ready while the proxy takes requests', async () => {
    const { ask } = await operator();
    const response = await ask('/readyz');
    expect([response.status, await response.text()]).toEqual([200, 'ready\n']);
  });

  it('/metrics has the format of Prometheus', async () => {
    const { ask, exchange } = await operator();
    await exchange('PUT', '/b/k');
    const response = await ask('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toMatch(
      /^brownout_requests_total\{operation="PutObject",status="503"\} 1$/m,
    );
  });

  it.each([
    ['/metricz', '. did you mean "/metrics"?'],
    ['/', '. known: /rules, '],
    ['/journal/', '. did you mean "/journal"?'],
    ['/rules//disable', '. did you mean "/rules"?'],
    ['/etc/passwd', '. known: /rules, '],
  ])('%s is a 404 that suggests a known path', async (path, hint) => {
    const { ask } = await operator();
    const response = await ask(path);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      title: 'Not Found',
      status: 404,
      detail: expect.stringContaining(`there is nothing at "${path}"${hint}`),
    });
  });

  it.each(['//', '///', '*', '/../rules', '/rules/..', 'ftp://h/rules'])(
    'the target %j is a 404 as well',
    async (target) => {
      const { adminPort } = await operator();
      const answered = await rawExchange(
        adminPort,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect(answered.toString()).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    },
  );

  it('takes a whole URL as the target', async () => {
    const { adminPort } = await operator();
    const answered = await rawExchange(
      adminPort,
      'GET http://localhost/seed?#x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(answered.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('a path that is not percent-encoded UTF-8 is refused', async () => {
    const { json } = await operator();
    expect(await json('/rules/%ff')).toMatchObject({
      status: 400,
      body: { detail: '"%ff" is not percent-encoded UTF-8. a % itself is written %25' },
    });
  });

  it.each([
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/metrics', 'GET, HEAD'],
    ['/catalog', 'GET, HEAD'],
    ['/reset', 'POST'],
    ['/seed', 'GET, HEAD, PUT'],
    ['/rules/x', 'GET, HEAD, PUT, DELETE'],
    ['/rules/reload', 'POST, GET, HEAD, PUT, DELETE'],
  ])('%s takes %s', async (path, allowed) => {
    const { ask } = await operator();
    for (const method of ['PATCH', 'OPTIONS']) {
      const response = await ask(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe(allowed);
      expect(await response.json()).toMatchObject({ detail: `${path} takes ${allowed}` });
    }
  });

  it('HEAD has the head of GET and no body', async () => {
    const { adminPort } = await operator();
    for (const [path, type] of [
      ['/healthz', 'text/plain; charset=utf-8\r\nContent-Length: 3'],
      ['/journal', 'application/json\r\nContent-Length: 25'],
    ]) {
      const answered = (
        await rawExchange(adminPort, closing(`HEAD ${path}`).replace('storage.example', 'h'))
      ).toString();
      expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*\r\n$/);
      expect(answered).toContain(`Content-Type: ${type}\r\n`);
    }
  });

  it('refuses an unknown query parameter with a suggestion', async () => {
    const { json } = await operator();
    expect(await json('/journal?limt=1')).toMatchObject({
      status: 400,
      body: { detail: 'unknown parameter "limt". did you mean "limit"?' },
    });
    expect(await json('/rules?limit=1')).toMatchObject({ status: 400 });
    expect(await json('/journal?status=1&status=2')).toMatchObject({
      status: 400,
      body: { detail: 'the parameter "status" is given twice' },
    });
  });

  it('sends answers that are never cached and never taken for HTML', async () => {
    const { ask } = await operator();
    for (const path of ['/rules', '/journal', '/healthz', '/nothing']) {
      const { headers } = await ask(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('does not count its own requests as exchanges', async () => {
    const { ask, proxy } = await operator();
    await (await ask('/metrics')).text();
    expect(proxy.exchanges).toBe(0);
    expect(await proxy.metrics.registry.metrics()).not.toContain('brownout_requests_total{');
  });

  it('has no routes on the port of the proxy, which forwards their paths', async () => {
    const { exchange, proxy } = await operator();
    await exchange('GET', '/rules');
    expect(proxy.journal()).toMatchObject([{ operation: 'ListObjects', outcome: 'forwarded' }]);
  });
});
