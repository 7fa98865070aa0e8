import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type WatchedClient, watchedClient } from '../support/endings.ts';
import { eventually } from '../support/proxy.ts';
import { closing, nothingLeft, proxyInjecting, timers } from './faulty.ts';

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\nETag: "5d41"\r\nContent-Length: 2\r\n\r\nok';
const ENDINGS = [
  ['rst', 'ECONNRESET'],
  ['fin', 'FIN'],
] as const;

const bodyOf = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);

function put(client: WatchedClient, body: Buffer, ...headers: string[]): void {
  client.socket.write(closing('PUT /b/k', ...headers, `Content-Length: ${body.length}`));
  client.socket.write(body);
}

function saying(body: Buffer, ...headers: string[]) {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\n${[...headers, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`),
    body,
  ]);
}

describe.each(ENDINGS)('a reset with %s', (how, ending) => {
  it('at headers answers nothing and forwards nothing', async () => {
    const { port, upstream, proxy } = await proxyInjecting(`{ reset: { at: headers, with: ${how} } }`);
    const client = watchedClient(port);
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe(ending);
    expect(client.received()).toHaveLength(0);
    await nothingLeft(proxy, upstream);
    expect(upstream.received()).toHaveLength(0);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'reset', rule: 'faulty', bytesOut: 0 });
    expect([entry?.status, entry?.upstreamStatus]).toEqual([undefined, undefined]);
  });

  it('at headers ends that way, even with an unread upload', async () => {
    const { port, upstream, proxy } = await proxyInjecting(`{ reset: { at: headers, with: ${how} } }`);
    const client = watchedClient(port);
    put(client, Buffer.alloc(8 * MIB));
    expect([ending, 'EPIPE']).toContain(await client.ending);
    expect(client.received()).toHaveLength(0);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(upstream.received()).toHaveLength(0);
  });

  it.each([
    ['body:50%', 512 * 1024],
    ['body:300KiB', 300 * 1024],
    ['body:0B', 0],
    ['body:end', MIB - 1],
    ['body:100%', MIB - 1],
    ['body:1MiB', MIB - 1],
  ])('at %s gives the upstream an upload of 1 MiB cut off after %i bytes', async (at, bytes) => {
    const { port, upstream, proxy } = await proxyInjecting(`{ reset: { at: '${at}', with: ${how} } }`);
    const client = watchedClient(port);
    const body = randomBytes(MIB);
    put(client, body);
    expect([ending, 'EPIPE']).toContain(await client.ending);
    expect(client.received()).toHaveLength(0);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    const received = upstream.received();
    expect(received.toString('latin1', 0, 200)).toContain(`Content-Length: ${MIB}`);
    expect(bodyOf(received)).toHaveLength(bytes);
    expect(bodyOf(received).equals(body.subarray(0, bytes))).toBe(true);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'reset' });
    expect(entry?.status).toBeUndefined();
  });

  it('at body:end leaves out the last chunk of an upload in chunks', async () => {
    const { port, upstream, proxy } = await proxyInjecting(`{ reset: { at: body:end, with: ${how} } }`);
    const client = watchedClient(port);
    client.socket.write(closing('PUT /b/k', 'Transfer-Encoding: chunked'));
    client.socket.write('5\r\nhello\r\n0\r\n\r\n');
    expect(await client.ending).toBe(ending);
    await nothingLeft(proxy, upstream);
    expect(bodyOf(upstream.received()).toString()).toBe('5\r\nhello\r\n');
  });

  it('at commit withholds the answer of an upstream that has done its work', async () => {
    const { port, upstream, proxy } = await proxyInjecting(`{ reset: { at: commit, with: ${how} } }`, {
      upstream: OK,
    });
    const client = watchedClient(port);
    put(client, Buffer.from('hello'));
    expect(await client.ending).toBe(ending);
    expect(client.received()).toHaveLength(0);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(bodyOf(upstream.received()).toString()).toBe('hello');
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', upstreamStatus: 200, bytesIn: 5, bytesOut: 0 });
    expect(entry?.status).toBeUndefined();
  });

  it.each([
    ['response:0B', 0],
    ['response:1MiB', MIB],
    ['response:50%', 1.5 * MIB],
    ['response:end', 3 * MIB],
  ])('at %s of an answer of 3 MiB sends its head and %i bytes', async (at, bytes) => {
    const body = randomBytes(3 * MIB);
    const { port, upstream, proxy } = await proxyInjecting(`{ reset: { at: '${at}', with: ${how} } }`, {
      upstream: saying(body, 'ETag: "5d41"'),
    });
    const client = watchedClient(port);
    client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await client.ending).toBe(ending);
    const received = client.received();
    expect(received.toString('latin1', 0, 300)).toMatch(
      /^HTTP\/1\.1 200 OK\r\nETag: "5d41"\r\nContent-Length: 3145728\r\n/,
    );
    expect(received.toString('latin1', 0, 300)).toContain('x-brownout-fault: reset\r\n');
    expect(bodyOf(received)).toHaveLength(bytes);
    expect(bodyOf(received).equals(body.subarray(0, bytes))).toBe(true);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'reset', status: 200, upstreamStatus: 200, bytesOut: bytes },
    ]);
    await eventually('the upstream is let go', () => upstream.open() === 0 || at === 'response:end');
  });

  it('within an answer in chunks leaves out the last chunk', async () => {
    const { port } = await proxyInjecting(`{ reset: { at: response:50%, with: ${how} } }`, {
      upstream: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    });
    const client = watchedClient(port);
    client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await client.ending).toBe(ending);
    expect(bodyOf(client.received()).toString()).toBe('5\r\nhello\r\n');
  });

  it('lets earlier bytes arrive at a client that reads slowly', async () => {
    const body = randomBytes(8 * MIB);
    const { port } = await proxyInjecting(`{ reset: { at: response:7MiB, with: ${how} } }`, {
      upstream: saying(body),
    });
    const client = watchedClient(port);
    client.socket.on('data', () => {
      client.socket.pause();
      setTimeout(() => client.socket.resume(), 3);
    });
    client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.ending;
    expect(bodyOf(client.received())).toHaveLength(7 * MIB);
  });
});

describe('a reset', () => {
  it('in its short form is an RST', async () => {
    const { port } = await proxyInjecting('{ reset: headers }');
    const client = watchedClient(port);
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe('ECONNRESET');
  });

  it('at headers does not ask a client for its body', async () => {
    const { port } = await proxyInjecting('{ reset: headers }');
    const client = watchedClient(port);
    client.socket.write(closing('PUT /b/k', 'Expect: 100-continue', 'Content-Length: 5'));
    expect(await client.ending).toBe('ECONNRESET');
    expect(client.received()).toHaveLength(0);
  });

  it.each([
    ['body:2MiB', 'an upload of 1 MiB'],
    ['response:3B', 'an answer of 2 bytes'],
  ])('at %s leaves %s alone, and the journal says so', async (at) => {
    const { port, proxy } = await proxyInjecting(`{ reset: '${at}' }`, {
      upstream: (socket) => {
        let bytes = 0;
        socket.on('data', (chunk) => {
          bytes += chunk.length;
          if (bytes > MIB) socket.end(OK);
        });
      },
    });
    const client = watchedClient(port);
    put(client, Buffer.alloc(MIB));
    expect(await client.ending).toBe('FIN');
    expect(client.received().toString()).toBe(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'forwarded', rule: 'faulty', status: 200 });
    expect(entry?.fault).toBeUndefined();
  });

  it('does not change the answer of an upstream that answers before the point', async () => {
    const { port, proxy } = await proxyInjecting('{ reset: body:50% }', {
      upstream: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    });
    const client = watchedClient(port);
    client.socket.write(closing('PUT /b/k', 'Content-Length: 10'));
    await eventually('it is answered', () => client.received().length > 0);
    client.socket.write('0123456789');
    expect(await client.ending).toBe('FIN');
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 403 /);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'forwarded', upstreamStatus: 403 }]);
  });

  it('comes after the bytes that a throttle of the same rule holds back', async () => {
    const { port } = await proxyInjecting('{ throttle: 512KiB, reset: response:128KiB }', {
      upstream: saying(Buffer.alloc(MIB)),
    });
    const client = watchedClient(port);
    client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await client.ending).toBe('ECONNRESET');
    expect(bodyOf(client.received())).toHaveLength(128 * 1024);
  });

  it('does not count if the client leaves first', async () => {
    const before = timers();
    const { port, upstream, proxy } = await proxyInjecting('{ reset: body:50% }');
    const client = watchedClient(port);
    client.socket.write(closing('PUT /b/k', 'Content-Length: 1000'));
    await eventually('the upstream was asked', () => upstream.received().length > 0);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
