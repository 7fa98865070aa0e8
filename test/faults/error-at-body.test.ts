import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { rawClient, readAnswer } from '../support/raw.ts';
import { ask, closing, faultyProxy, nothingLeft, proxyInjecting, timers } from './faulty.ts';

const MIB = 1024 * 1024;
const BIG = 16 * MIB;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const put = (length: number, ...headers: string[]) =>
  ['PUT /b/k HTTP/1.1', 'Host: h', ...headers, `Content-Length: ${length}`, '', ''].join('\r\n');
const waits = (length: number) => put(length, 'Expect: 100-continue');

/** OSS keeps connections after errors: what follows on them can be seen. */
const kept = (error: string) => faultyProxy(error, { provider: 'aliyun-oss' });

describe('an error at a point of the upload', () => {
  it.each([
    ['body:25%', BIG / 4],
    ['body:5MiB', 5 * MIB],
    ['body:0%', 0],
  ])('%s: nothing is answered before, the error after, and nothing is forwarded', async (at, bytes) => {
    const { port, upstream, proxy } = await faultyProxy(`{ code: SlowDown, at: '${at}' }`);
    const client = rawClient(port);
    client.socket.write(put(BIG));
    if (bytes > 0) {
      client.socket.write(Buffer.alloc(bytes - 1));
      await eventually('all of it has been read', () => client.socket.writableLength === 0);
      expect(client.received()).toHaveLength(0);
      client.socket.write('x');
    }
    await eventually('the answer is whole', () => readAnswer(client.received()) !== undefined);
    expect(readAnswer(client.received())?.statusLine).toBe('HTTP/1.1 503 Slow Down');
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(upstream.received()).toHaveLength(0);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'error', code: 'SlowDown', bytesIn: bytes, status: 503 },
    ]);
  });

  it('at body:end comes with the last byte, and all bytes are counted', async () => {
    const { port, proxy } = await kept('{ code: SlowDown, at: body:end }');
    const client = rawClient(port);
    client.socket.write(put(3));
    client.socket.write('ab');
    await eventually('the request is there', () => proxy.inFlight() === 1);
    expect(client.received()).toHaveLength(0);
    client.socket.write('c');
    await eventually('the answer is whole', () => readAnswer(client.received()) !== undefined);
    expect(proxy.journal.entries()).toMatchObject([{ bytesIn: 3 }]);
    expect(client.closed()).toBe(false);
  });

  it('drains the rest, and the connection serves the next request', async () => {
    const { port, proxy } = await kept('{ code: SlowDown, at: body:1MiB }');
    const client = rawClient(port);
    for (let nth = 1; nth <= 3; nth += 1) {
      const before = client.received().length;
      client.socket.write(put(BIG));
      client.socket.write(Buffer.alloc(BIG));
      await eventually('the answer is whole', () => !!readAnswer(client.received().subarray(before)));
      expect(readAnswer(client.received().subarray(before))?.rest).toHaveLength(0);
    }
    await eventually('all is read', () => proxy.journal.count === 3 && client.socket.writableLength === 0);
    expect(client.closed()).toBe(false);
  });

  it('reaches a client that reads only after it has sent all, although the connection closes', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: body:1MiB }');
    const client = rawClient(port);
    client.socket.pause();
    client.socket.write(put(BIG));
    await new Promise((resolve) => client.socket.write(Buffer.alloc(BIG), resolve));
    client.socket.resume();
    await once(client.socket, 'end');
    expect(readAnswer(client.received())?.body).toContain('<Code>SlowDown</Code>');
  });

  it('does not happen if the body ends before the point, and the journal says so', async () => {
    const { port, upstream, proxy } = await faultyProxy('{ code: SlowDown, at: body:5MiB }', {
      upstream: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    });
    const answer = await ask(port, `${closing('PUT /b/k', 'Content-Length: 5')}hello`);
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expect(upstream.received().toString()).toMatch(/hello$/);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'forwarded', status: 200, upstreamStatus: 200, bytesIn: 5 });
    expect(entry?.fault).toBeUndefined();
  });

  it('comes at the end of a body in chunks for every share, and for a place after the end', async () => {
    for (const at of ['body:50%', 'body:5MiB']) {
      const { port, upstream } = await faultyProxy(`{ code: SlowDown, at: '${at}' }`);
      const chunked = closing('PUT /b/k', 'Transfer-Encoding: chunked');
      const answer = await ask(port, `${chunked}5\r\nhello\r\n0\r\n\r\n`);
      expect(answer.statusLine).toBe('HTTP/1.1 503 Slow Down');
      expect(upstream.received()).toHaveLength(0);
    }
  });

  it('comes at once for every share of a request without a body', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: body:50% }');
    expect((await ask(port, closing('GET /b/k'))).statusLine).toBe('HTTP/1.1 503 Slow Down');
  });

  it('comes later in a throttled upload, and the rest of the upload is not throttled', async () => {
    const { port, proxy } = await proxyInjecting(
      '{ throttle: { upload: 100B }, error: { code: SlowDown, at: body:30B } }',
    );
    const start = performance.now();
    await ask(port, `${closing('PUT /b/k', 'Content-Length: 9000')}${'x'.repeat(9000)}`);
    expect(performance.now() - start).toBeGreaterThan(150);
    expect(proxy.journal.entries()).toMatchObject([{ fault: 'throttle+error', bytesIn: 9000 }]);
  });

  it('leaves nothing open if the client leaves before the point', async () => {
    const { port, proxy, upstream } = await faultyProxy('{ code: SlowDown, at: body:50% }');
    const client = rawClient(port);
    client.socket.write(put(BIG));
    client.socket.write('some');
    await eventually('the exchange is going on', () => proxy.inFlight() === 1);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left', bytesIn: 4 }]);
    expect(upstream.received()).toHaveLength(0);
  });
});

describe('an error and a client that waits for 100 Continue', () => {
  it('asks the client for its body once, at a point of the upload', async () => {
    const { port } = await kept('{ code: SlowDown, at: body:50% }');
    const client = rawClient(port);
    client.socket.write(waits(10));
    await eventually('it is asked', () => client.received().length > 0);
    expect(client.received().toString()).toBe(CONTINUE);
    client.socket.write('01234');
    await eventually('it is told', () => client.received().includes('</Error>'));
    expect(client.received().toString().slice(CONTINUE.length)).toMatch(/^HTTP\/1\.1 503 /);
    client.socket.write('56789GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    await eventually(
      'the next is answered',
      () => client.received().toString().split('HTTP/1.1 503').length > 2,
    );
  });

  it('with expect: final, the default, comes instead of the 100, and the connection ends', async () => {
    for (const more of ['', ', expect: final']) {
      const { port } = await kept(`{ code: SlowDown${more} }`);
      const client = rawClient(port);
      client.socket.write(waits(10));
      await once(client.socket, 'end');
      expect(client.received().toString()).toMatch(/^HTTP\/1\.1 503 /);
      expect(readAnswer(client.received())?.headers).toContain('Connection: close');
    }
  });

  it('with expect: continue comes right after the 100, and the body is drained', async () => {
    const { port, proxy } = await kept('{ code: SlowDown, expect: continue }');
    const client = rawClient(port);
    client.socket.write(waits(10));
    await eventually('it is told', () => client.received().includes('</Error>'));
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 503 /);
    client.socket.write('0123456789GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    await eventually(
      'the next is answered',
      () => client.received().toString().split('HTTP/1.1 503').length > 2,
    );
    expect(proxy.journal.count).toBe(2);
    expect(client.closed()).toBe(false);
  });

  it.each([
    ['headers', '', /^HTTP\/1\.1 503 /],
    ['headers', 'expect: continue,', /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 503 /],
    ['body:end', '', /^HTTP\/1\.1 100 Continue\r\n\r\n$/],
  ])('withhold, at: %s, %s what comes is so much later', async (at, more, wanted) => {
    const { port } = await kept(`{ code: SlowDown, at: '${at}', ${more} withhold: 150ms }`);
    const client = rawClient(port);
    const start = performance.now();
    client.socket.write(waits(10));
    await once(client.socket, 'data');
    expect(performance.now() - start).toBeGreaterThanOrEqual(149);
    await eventually('all of it', () => wanted.test(client.received().toString()));
  });

  it.each([
    ['headers', 'final'],
    ['body:end', 'continue'],
  ])('withhold at %s does not touch a client that does not wait, expect: %s', async (at, wait) => {
    const { port } = await kept(`{ code: SlowDown, at: '${at}', withhold: 10m, expect: ${wait} }`);
    const answer = await ask(port, `${closing('PUT /b/k', 'Content-Length: 5')}hello`);
    expect(answer.statusLine).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('leaves nothing open if the client leaves while its 100 is withheld', async () => {
    const { port, proxy, upstream } = await kept('{ code: SlowDown, at: body:end, withhold: 10m }');
    const client = rawClient(port);
    client.socket.write(waits(10));
    await eventually('the exchange is going on', () => proxy.inFlight() === 1);
    const waiting = timers();
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    await eventually('nobody waits any more', () => timers() < waiting);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
  });
});
