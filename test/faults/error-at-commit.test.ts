import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { ask, closing, faultyProxy, nothingLeft } from './faulty.ts';

const STORED = [
  'HTTP/1.1 200 OK',
  'Server: upstream',
  'ETag: "5d41"',
  'x-oss-hash-crc64ecma: 9962',
  'X-OSS-Version-Id: v7',
  'x-oss-request-id: upstream-id',
  'Content-Length: 2',
  '',
  'ok',
].join('\r\n');

const put = (body: string, ...headers: string[]) =>
  closing('PUT /b/k', ...headers, `Content-Length: ${body.length}`) + body;

describe('an error at commit', () => {
  it('comes after the upstream has received the whole request', async () => {
    const body = randomBytes(3 * 1024 * 1024);
    const { port, upstream, proxy } = await faultyProxy('{ code: InternalError, at: commit }', {
      upstream: (socket) => {
        let bytes = 0;
        socket.on('data', (chunk) => {
          bytes += chunk.length;
          if (bytes >= body.length) socket.end(STORED);
        });
      },
    });
    const head = closing('PUT /b/k', `Content-Length: ${body.length}`);
    const answer = await ask(port, Buffer.concat([Buffer.from(head), body]));
    expect(answer.statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    const received = upstream.received();
    expect(received.subarray(received.indexOf('\r\n\r\n') + 4).equals(body)).toBe(true);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', code: 'InternalError', status: 500, upstreamStatus: 200, bytesIn: body.length },
    ]);
    await nothingLeft(proxy, upstream);
  });

  it('is the default of CallbackFailed of OSS: 203, with the headers of the stored object', async () => {
    const { port, proxy } = await faultyProxy('CallbackFailed', { provider: 'aliyun-oss', upstream: STORED });
    const { statusLine, headers, body } = await ask(port, put('hello'));
    expect(statusLine).toBe('HTTP/1.1 203 Non-Authoritative Information');
    expect(headers).toEqual(
      expect.arrayContaining(['ETag: "5d41"', 'x-oss-hash-crc64ecma: 9962', 'X-OSS-Version-Id: v7']),
    );
    expect(headers).toContain('Server: AliyunOSS');
    expect(headers.filter((line) => /^(x-oss-request-id|content-length|server):/i.test(line))).toHaveLength(
      3,
    );
    expect(headers.join()).not.toContain('upstream-id');
    expect(body).toContain('<Code>CallbackFailed</Code>');
    expect(proxy.journal.entries()).toMatchObject([{ status: 203, upstreamStatus: 200 }]);
  });

  it('is the default of InvalidCallback of JD: 567, in JSON', async () => {
    const { port } = await faultyProxy('InvalidCallback', { provider: 'jd-jss', upstream: STORED });
    const { statusLine, headers, body } = await ask(port, put('hello'));
    expect(statusLine).toMatch(/^HTTP\/1\.1 567 /);
    expect(headers).toContain('ETag: "5d41"');
    expect(JSON.parse(body)).toMatchObject({ code: 'InvalidCallback' });
  });

  it('does not repeat a header that both the rule and the upstream set', async () => {
    const { port } = await faultyProxy("{ code: CallbackFailed, headers: { etag: 'mine' } }", {
      provider: 'aliyun-oss',
      upstream: STORED,
    });
    const { headers } = await ask(port, put('hello'));
    expect(headers.filter((line) => /^etag:/i.test(line))).toEqual(['etag: mine']);
  });

  it('comes before the request is forwarded if a stored code has at: headers', async () => {
    const { port, upstream } = await faultyProxy('{ code: CallbackFailed, at: headers }', {
      provider: 'aliyun-oss',
      upstream: STORED,
    });
    expect((await ask(port, put('hello'))).statusLine).toContain(' 203 ');
    expect(upstream.received()).toHaveLength(0);
  });

  it('asks a client that waits for 100 Continue for its body once', async () => {
    const { port } = await faultyProxy('CallbackFailed', {
      provider: 'aliyun-oss',
      upstream: (socket) =>
        socket.on('data', (chunk) => chunk.toString().endsWith('hello') && socket.write(STORED)),
    });
    const client = rawClient(port);
    client.socket.write(closing('PUT /b/k', 'Expect: 100-continue', 'Content-Length: 5'));
    await eventually('the body is asked for', () => client.received().length > 0);
    expect(client.received().toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.socket.write('hello');
    await eventually('the connection is over', client.closed);
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 203 /);
  });

  it.each([
    [
      'HTTP/1.1 403 Forbidden\r\nX-b: 1\r\nContent-Length: 42\r\n\r\n<Error><Code>AccessDenied</Code></Error>\r\n',
      403,
    ],
    ['HTTP/1.1 500 Oh No\r\nX-b: 1\r\nContent-Length: 4\r\n\r\noops', 500],
    ['HTTP/1.1 301 Moved\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n', 301],
  ])('an upstream that did not store is passed on byte for byte: %j', async (said, status) => {
    const { port, proxy } = await faultyProxy('{ code: InternalError, at: commit }', { upstream: said });
    const answered = (await rawExchange(port, put('hello'))).toString('latin1');
    expect(answered).toBe(said.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'forwarded', rule: 'faulty', status, upstreamStatus: status });
    expect(entry?.fault).toBeUndefined();
    expect(entry?.code).toBeUndefined();
    expect(entry?.requestId).toBeUndefined();
  });

  it('is a 502 without marks if the upstream is down, and counts as its failure', async () => {
    const { port, proxy, upstream } = await faultyProxy('{ code: InternalError, at: commit }');
    await upstream.close();
    const { statusLine, headers } = await ask(port, put('hello'));
    expect(statusLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect(headers.filter((line) => /^x-brownout/i.test(line))).toEqual([]);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'upstream-failed', failure: 'no-answer', status: 502 });
    expect(entry?.fault).toBeUndefined();
    expect(entry?.code).toBeUndefined();
    const metrics = await proxy.metrics.registry.metrics();
    expect(metrics).toContain('brownout_upstream_failures_total{failure="no-answer"} 1');
    expect(metrics).not.toContain('brownout_faults_injected_total{');
  });

  it('aborts the request to the upstream if the client leaves', async () => {
    const { port, proxy, upstream } = await faultyProxy('CallbackFailed', { provider: 'aliyun-oss' });
    const client = rawClient(port);
    client.socket.write(put('hello'));
    await eventually('the upstream was asked', () => upstream.received().includes('hello'));
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
  });

  it('answers HEAD with only the head of the error', async () => {
    const { port, proxy } = await faultyProxy('{ code: NoSuchKey, at: commit }', {
      upstream: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
    });
    const { statusLine, rest } = await ask(port, closing('HEAD /b/k'));
    expect(statusLine).toBe('HTTP/1.1 404 Not Found');
    expect(rest).toHaveLength(0);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', upstreamStatus: 200, bytesOut: 0 },
    ]);
  });

  it('does not hold the client forever if the 2xx of the upstream never ends', async () => {
    const { port, proxy, upstream } = await faultyProxy('{ code: InternalError, at: commit }', {
      upstream: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf',
      timeout: 100,
    });
    expect((await ask(port, closing('PUT /b/k'))).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    await nothingLeft(proxy, upstream);
  });

  it('uses the connection to the upstream again', async () => {
    let connections = 0;
    const { port } = await faultyProxy('CallbackFailed', {
      provider: 'aliyun-oss',
      upstream: (socket) => {
        connections += 1;
        socket.on('data', () => socket.write(STORED));
      },
    });
    for (let nth = 0; nth < 5; nth += 1) await ask(port, closing('PUT /b/k', 'Content-Length: 0'));
    expect(connections).toBe(1);
  });
});
