import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawExchange } from '../support/raw.ts';
import { OK, through, upstreamSaying } from '../support/through.ts';

const get = (headers = '', version = '1.1') =>
  `GET /b/k HTTP/${version}\r\nHost: h\r\nConnection: close\r\n${headers}\r\n`;

/** Calls back when a head has arrived. */
function onHead(socket: net.Socket, callback: () => void): void {
  socket.once('data', callback);
}

describe('a client cannot', () => {
  it.each([
    ['a GET', get('Trailer: x\r\n')],
    [
      'a PUT of known length',
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTrailer: x\r\nContent-Length: 2\r\n\r\nhi',
    ],
  ])('break the proxy by a Trailer header in %s without chunks', async (_, request) => {
    const { answered, forwarded } = await through(request);
    expect(answered).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(forwarded).not.toMatch(/trailer/i);
  });

  it('hide Content-Length and Authorization behind a thousand headers', async () => {
    const filler = Array.from({ length: 2100 }, (_, i) => `x-${i}: 1\r\n`).join('');
    const { forwarded } = await through(
      `PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${filler}Content-Length: 2\r\nAuthorization: a\r\n\r\nhi`,
    );
    expect(forwarded.match(/^x-\d+: 1/gm)).toHaveLength(2100);
    expect(forwarded.endsWith('Content-Length: 2\r\nAuthorization: a\r\n\r\nhi')).toBe(true);
  });

  it('have pipelined requests forwarded while the first one is open, nor after it has left', async () => {
    const upstream = await upstreamSaying(() => {});
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.write(
      'GET /b/1 HTTP/1.1\r\nHost: h\r\n\r\nPUT /b/2 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n'.repeat(
        3,
      ),
    );
    await eventually('the first is forwarded', () => upstream.received().length > 0);
    client.destroy();
    await eventually('nothing is left', () => proxy.inFlight() === 0 && proxy.forwarder.connections() === 0);
    expect(upstream.received().toString()).toBe('GET /b/1 HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(proxy.journal.count).toBe(1);
  });

  it('get pipelined requests answered out of order', async () => {
    const upstream = await upstreamSaying((socket) => {
      socket.on('data', (chunk) => {
        const [, name = ''] = /\/b\/(\d)/.exec(chunk.toString()) ?? [];
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`);
      });
    });
    const { port } = await proxyTo(upstream.url);
    const requests = ['1', '2', '3'].map(
      (n) => `GET /b/${n} HTTP/1.1\r\nHost: h\r\n${n === '3' ? 'Connection: close\r\n' : ''}\r\n`,
    );
    const answered = (await rawExchange(port, requests.join(''))).toString();
    expect(answered.match(/\r\n\r\n\d/g)).toEqual(['\r\n\r\n1', '\r\n\r\n2', '\r\n\r\n3']);
  });

  it('dodge a rule by an absolute-form target: its authority is what the upstream gets as Host', async () => {
    const { forwarded } = await through(
      'GET http://other.example/b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    );
    expect(forwarded).toBe('GET /b/k HTTP/1.1\r\nHost: other.example\r\n\r\n');
  });

  it('fill the journal with very long targets', async () => {
    const { proxy } = await through(
      `GET /b/${'k'.repeat(60_000)} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    const [entry] = proxy.journal.entries();
    expect(entry?.target.length).toBeLessThan(2100);
    expect(entry?.key?.length).toBeLessThan(2100);
  });
});

describe('an upstream cannot', () => {
  it.each([
    [
      'announces trailers and sends none',
      'HTTP/1.1 200 OK\r\nTrailer: x\r\nContent-Length: 2\r\n\r\nok',
      200,
    ],
    ['has a status below 100', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', 502],
    ['has control characters in its reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n', 502],
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 502],
    ['switches to a named protocol', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 502],
    [
      'has a transfer coding besides chunked',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      502,
    ],
    [
      'has a head of 20 KiB',
      `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(20_480)}\r\nContent-Length: 0\r\n\r\n`,
      200,
    ],
  ])('break the proxy by an answer that %s', async (_, answer, status) => {
    const { answered, proxy } = await through(get('Upgrade: x\r\n'), answer);
    expect(answered).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await eventually('nothing is left', () => proxy.inFlight() === 0);
  });

  it('break the proxy by trailers to a HEAD or to HTTP/1.0', async () => {
    const chunks = 'HTTP/1.1 200 OK\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n';
    const old = await through(get('', '1.0'), `${chunks}2\r\nok\r\n0\r\nx: 1\r\n\r\n`);
    expect(old.answered).toMatch(/\r\n\r\nok$/);
    const head = await through(get().replace('GET', 'HEAD'), chunks);
    expect(head.answered).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('keep its connection if it answers an upload early and the client leaves', async () => {
    const upstream = await upstreamSaying((socket) =>
      onHead(socket, () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
    );
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.write('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nsome');
    await once(client, 'data');
    client.destroy();
    await eventually('nothing is left', () => proxy.inFlight() === 0 && upstream.open() === 0);
  });

  it('lose its early refusal if it stops reading, even for a client that reads last', async () => {
    const upstream = await upstreamSaying((socket) =>
      onHead(socket, () => {
        socket.pause();
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope');
      }),
    );
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.pause();
    const body = Buffer.alloc(32 * 1024 * 1024);
    client.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      client.once('error', reject);
      client.write(body, () => resolve());
    });
    const chunks = await client.toArray();
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*nope$/);
    await eventually('nothing is left', () => proxy.inFlight() === 0 && proxy.forwarder.connections() === 0);
  });

  it('pass half a body off as a whole one to an HTTP/1.0 client, for which the body ends with the connection', async () => {
    const upstream = await upstreamSaying((socket) =>
      onHead(socket, () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')),
    );
    const { port } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.write('GET /b/k HTTP/1.0\r\nHost: h\r\n\r\n');
    client.resume();
    const [error] = await once(client, 'error');
    expect(error.code).toBe('ECONNRESET');
  });
});

it('closing lets open exchanges end, and sends each client Connection: close with its answer', async () => {
  const upstream = await upstreamSaying((socket) =>
    socket.on('data', () => setTimeout(() => socket.write(OK), 200)),
  );
  const { url, proxy } = await proxyTo(upstream.url);
  const agent = new http.Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const asked = Array.from({ length: 8 }, () => once(http.get(`${url}/b/k`, { agent }), 'response'));
  await eventually('all are under way', () => proxy.inFlight() === 8);
  await proxy.close(5000);
  for (const [response] of await Promise.all(asked)) {
    expect([response.statusCode, response.headers.connection]).toEqual([200, 'close']);
  }
});
