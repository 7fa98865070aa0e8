import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { joinChunks, rawClient, readAnswer } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';
import { ask, closing, nothingLeft, proxyInjecting, timers } from './faulty.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789';
const GET = closing('GET /b/k');
const PUT = `${closing('PUT /b/k', 'Content-Length: 10')}abcdefghij`;

/** Answers when it has this much of a body. */
const answeringAfter = (end: string) => (socket: import('node:net').Socket) => {
  let seen = '';
  socket.on('data', (chunk) => {
    seen += chunk;
    if (seen.endsWith(end)) socket.write(OK);
  });
};
const WHOLE = answeringAfter('abcdefghij');
const HEAD = answeringAfter('\r\n\r\n');

/** How many requests the upstream has seen. */
const heads = (bytes: Buffer) => bytes.toString().split('PUT /b/k').length - 1;

/** What the upstream has of a body. */
const bodyOf = (bytes: Buffer) => bytes.toString().split('\r\n\r\n').slice(1).join();

/** ms: the time-outs of the tests that a stall has to outlive. */
const TIME_OUT = 100;

/** Waits until {@link TIME_OUT} has ended what began now: the connection of a silent client, and an exchange with a silent upstream. */
async function timeOutsPass(): Promise<void> {
  const silent = await upstreamSaying();
  const idle = rawClient((await proxyTo(silent.url, { idleTimeout: TIME_OUT })).port);
  const waiting = await proxyTo(silent.url, { timeout: TIME_OUT });
  const [, { statusLine }] = await Promise.all([once(idle.socket, 'close'), ask(waiting.port, GET)]);
  expect(statusLine).toBe('HTTP/1.1 504 Gateway Timeout');
}

describe('a stall', () => {
  it.each([
    { at: 'headers', isForwarded: false, up: '', upstreamStatus: undefined, status: undefined, down: '' },
    {
      at: 'body:50%',
      isForwarded: true,
      up: 'abcde',
      upstreamStatus: undefined,
      status: undefined,
      down: '',
    },
    { at: 'body:3B', isForwarded: true, up: 'abc', upstreamStatus: undefined, status: undefined, down: '' },
    { at: 'body:0B', isForwarded: true, up: '', upstreamStatus: undefined, status: undefined, down: '' },
    {
      at: 'body:100%',
      isForwarded: true,
      up: 'abcdefghij',
      upstreamStatus: 200,
      status: undefined,
      down: '',
    },
    { at: 'body:end', isForwarded: true, up: 'abcdefghij', upstreamStatus: 200, status: undefined, down: '' },
    { at: 'commit', isForwarded: true, up: 'abcdefghij', upstreamStatus: 200, status: undefined, down: '' },
    {
      at: 'response:headers',
      isForwarded: true,
      up: 'abcdefghij',
      upstreamStatus: 200,
      status: undefined,
      down: '',
    },
    { at: 'response:0%', isForwarded: true, up: 'abcdefghij', upstreamStatus: 200, status: 200, down: '' },
    {
      at: 'response:50%',
      isForwarded: true,
      up: 'abcdefghij',
      upstreamStatus: 200,
      status: 200,
      down: '01234',
    },
    {
      at: 'response:7B',
      isForwarded: true,
      up: 'abcdefghij',
      upstreamStatus: 200,
      status: 200,
      down: '0123456',
    },
  ])('at $at stops there, until the client leaves', async ({ at, ...wanted }) => {
    const { port, proxy, upstream } = await proxyInjecting(`{ stall: '${at}' }`, {
      upstream: WHOLE,
      idleTimeout: TIME_OUT,
      timeout: TIME_OUT,
    });
    const before = timers();
    const client = rawClient(port);
    client.socket.write(PUT);
    const isThere = () => ({
      isForwarded: upstream.received().includes('\r\n\r\n'),
      up: bodyOf(upstream.received()),
      status: client.received().toString().startsWith('HTTP/1.1 200 OK\r\n') ? 200 : undefined,
      down: bodyOf(client.received()),
    });
    const { upstreamStatus, ...there } = wanted;
    await eventually('it stalls', () => proxy.inFlight() === 1 && isDeepStrictEqual(isThere(), there));
    await timeOutsPass();
    expect(isThere()).toEqual(there);
    expect([proxy.inFlight(), client.closed()]).toEqual([1, false]);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    await eventually('no timer is left', () => timers() <= before);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'stall', failure: undefined });
    expect(entry).toMatchObject({ upstreamStatus, status: wanted.status, bytesOut: wanted.down.length });
    expect(await proxy.metrics.registry.metrics()).toContain(
      'brownout_faults_injected_total{rule="faulty",fault="stall",code="",operation="PutObject"} 1',
    );
  });

  it.each([
    ['headers', ''],
    ['body:50%', 'abcde'],
    ['body:end', 'abcdefghij'],
    ['commit', 'abcdefghij'],
    ['response:50%', 'abcdefghij'],
  ])('at %s for a time goes on after that, and nothing is lost', async (at, up) => {
    const { port, proxy, upstream } = await proxyInjecting(`{ stall: { at: '${at}', for: 300ms } }`, {
      upstream: WHOLE,
      idleTimeout: TIME_OUT,
      timeout: TIME_OUT,
    });
    const started = performance.now();
    const client = rawClient(port);
    client.socket.write(PUT);
    await eventually('it stalls', () => bodyOf(upstream.received()) === up);
    await eventually('the connection is over', client.closed);
    expect(performance.now() - started).toBeGreaterThanOrEqual(299);
    expect(readAnswer(client.received())).toMatchObject({
      statusLine: 'HTTP/1.1 200 OK',
      body: '0123456789',
    });
    expect(bodyOf(upstream.received())).toBe('abcdefghij');
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'stall', status: 200, upstreamStatus: 200, bytesIn: 10, bytesOut: 10 },
    ]);
  });

  it('does not send 100 Continue to a client that waits for it', async () => {
    const upstream = await upstreamSaying(OK);
    const rules = rulesOf('provider: aws-s3\nrules: [{ match: { method: PUT }, fault: { stall: headers } }]');
    const { port, proxy } = await proxyTo(upstream.url, { rules });
    const client = rawClient(port);
    client.socket.write(closing('PUT /b/k', 'Expect: 100-continue', 'Content-Length: 10'));
    await eventually('the exchange is going on', () => proxy.inFlight() === 1);
    // Whatever the stalled client was to be told, it was told before a later one.
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 200 OK');
    expect(client.received()).toHaveLength(0);
    expect(upstream.received().toString()).not.toContain('PUT');
  });

  it('counts the bytes of chunked bodies, not their frames', async () => {
    const chunked =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n';
    const { port } = await proxyInjecting("{ stall: 'response:6B' }", {
      upstream: (socket) => socket.on('data', () => socket.write(chunked)),
    });
    const [client, later] = [rawClient(port), rawClient(port)];
    for (const { socket, received } of [client, later]) {
      socket.write(GET);
      await eventually('it stalls', () => received().toString().endsWith('ef\r\n'));
    }
    // What the later one has is all that an answer can have by now.
    const body = Buffer.from(bodyOf(client.received()));
    expect(joinChunks(body)).toMatchObject({ body: 'abcdef', isWhole: false });
  });

  it('stops the client when the buffers are full, and reads on after the idle time-out to see it leave', async () => {
    const { port, proxy, upstream } = await proxyInjecting("{ stall: 'body:1KiB' }", { idleTimeout: 1000 });
    const client = rawClient(port);
    const big = 64 * 1024 * 1024;
    client.socket.write(closing('PUT /b/k', `Content-Length: ${big}`));
    client.socket.write(Buffer.alloc(big));
    await eventually('it stalls', () => bodyOf(upstream.received()).length === 1024);
    expect(client.socket.writableLength).toBeGreaterThan(big / 2);
    await eventually('the rest is read', () => client.socket.writableLength === 0);
    const later = rawClient(port);
    later.socket.write(`${closing('PUT /b/k', 'Content-Length: 2048')}${'a'.repeat(2048)}`);
    await eventually('a later one stalls', () => upstream.received().toString().endsWith('a'.repeat(1024)));
    later.socket.destroy();
    expect([client.closed(), client.received().length]).toEqual([false, 0]);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(upstream.received().filter((byte) => byte === 0)).toHaveLength(1024);
    expect(proxy.journal.entries()).toContainEqual(
      expect.objectContaining({ outcome: 'injected', fault: 'stall', bytesIn: big }),
    );
  });

  it.each(['headers', "'body:1KiB'"])(
    'at %s notices that a client leaves that has filled the buffers',
    async (at) => {
      const { port, proxy, upstream } = await proxyInjecting(`{ stall: ${at} }`, { idleTimeout: 500 });
      const client = rawClient(port);
      client.socket.write(closing('PUT /b/k', 'Content-Length: 67108864'));
      client.socket.write(Buffer.alloc(67108864));
      await eventually('the exchange is going on', () => proxy.inFlight() === 1);
      await sleep(100);
      client.socket.destroy();
      await nothingLeft(proxy, upstream);
    },
  );
});

describe('a stall and the upstream', () => {
  const REFUSED = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\noops';

  it('passes on a refusal of half an upload only after the stall', async () => {
    const { port, proxy, upstream } = await proxyInjecting("{ stall: { at: 'body:50%', for: 300ms } }", {
      upstream: (socket) => socket.on('data', () => socket.end(REFUSED)),
    });
    const started = performance.now();
    const { statusLine, body } = await ask(port, PUT);
    expect([statusLine, body]).toEqual(['HTTP/1.1 403 Forbidden', 'oops']);
    expect(performance.now() - started).toBeGreaterThanOrEqual(299);
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', upstreamStatus: 403 }]);
  });

  it('does not end if the upstream hangs up on half an upload', async () => {
    const { port, proxy, upstream } = await proxyInjecting("{ stall: 'body:50%' }", {
      upstream: (socket) => socket.on('data', () => socket.destroy()),
    });
    const clients = [rawClient(port), rawClient(port)];
    for (const [nth, { socket }] of clients.entries()) {
      socket.write(PUT);
      await eventually(
        'the upstream has hung up',
        () => heads(upstream.received()) === nth + 1 && upstream.open() === 0,
      );
      await eventually('the proxy knows', () => proxy.forwarder.connections() === 0);
    }
    expect(clients.map((client) => [client.closed(), client.received().length])).toEqual([
      [false, 0],
      [false, 0],
    ]);
    for (const { socket } of clients) socket.destroy();
    await nothingLeft(proxy, upstream);
  });

  it('still ends in a time-out if the upstream sends nothing after the stall', async () => {
    const { port, proxy } = await proxyInjecting("{ stall: { at: 'body:50%', for: 300ms } }", {
      timeout: 100,
    });
    expect((await ask(port, PUT)).statusLine).toBe('HTTP/1.1 504 Gateway Timeout');
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'upstream-failed', failure: 'time-out' }]);
  });
});

describe('a stall at a point that is never reached', () => {
  it.each([
    ['an upload without a body', 'body:50%', GET, HEAD],
    ['a shorter upload', 'body:11B', PUT, WHOLE],
    ['a shorter download', 'response:11B', GET, HEAD],
    [
      'an answer to HEAD',
      'response:50%',
      closing('HEAD /b/k'),
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n',
    ],
  ])('%s passes and is not called injected', async (_, at, request, answer) => {
    const { port, proxy } = await proxyInjecting(`{ stall: '${at}' }`, { upstream: answer });
    const { statusLine, headers } = await ask(port, request);
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect(headers.join('\n')).not.toContain('x-brownout');
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'forwarded', rule: 'faulty', fault: undefined },
    ]);
  });

  it('is missed at the end of a chunked download, although the head had its mark', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n';
    const { port, proxy } = await proxyInjecting("{ stall: 'response:5B' }", { upstream: chunked });
    expect((await ask(port, GET)).headers).toContain('x-brownout-fault: stall');
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'forwarded', fault: undefined }]);
  });

  it('is reached right after the last byte of a body', async () => {
    const { port, proxy } = await proxyInjecting("{ stall: { at: 'response:10B', for: 1ms } }", {
      upstream: HEAD,
    });
    expect((await ask(port, GET)).headers).toContain('x-brownout-fault: stall');
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', fault: 'stall' }]);
  });

  it('does not change the other faults of its rule', async () => {
    const fault = "{ stall: { at: 'body:50%', for: 1s }, error: { code: InternalError, at: commit } }";
    const { port, proxy } = await proxyInjecting(fault, { upstream: HEAD });
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'error', code: 'InternalError' },
    ]);
  });
});

describe('a stall beside other faults', () => {
  it.each(['headers', 'commit'])('at %s comes before the error of its rule there', async (at) => {
    const fault = `{ stall: { at: ${at}, for: 200ms }, error: { code: InternalError, at: ${at} } }`;
    const { port, proxy } = await proxyInjecting(fault, { upstream: OK });
    const started = performance.now();
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    expect(performance.now() - started).toBeGreaterThanOrEqual(199);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', fault: 'stall+error' }]);
  });
});

describe('500 stalls at a time', () => {
  const half = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n0123456789';

  it.each([
    { at: 'headers', forwarded: 0, down: 0 },
    { at: 'body:5B', forwarded: 500, down: 0 },
    { at: 'commit', forwarded: 500, down: 0 },
    { at: 'response:10B', forwarded: 500, down: 10 },
  ])('at $at cost no CPU, and end with their clients', async ({ at, ...wanted }) => {
    const { port, proxy, upstream } = await proxyInjecting(`{ stall: '${at}' }`, {
      upstream: (socket) => socket.on('data', (chunk) => `${chunk}`.endsWith('j') && socket.write(half)),
    });
    const before = timers();
    const clients = Array.from({ length: 500 }, () => rawClient(port));
    for (const { socket } of clients) socket.write(PUT);
    await eventually('all stall', () => {
      const forwarded = upstream.received().toString().split('abcde').length - 1;
      const isThere = clients.every((client) => bodyOf(client.received()).length === wanted.down);
      return proxy.inFlight() === 500 && forwarded === wanted.forwarded && isThere;
    });
    await sleep(100);
    const used = process.cpuUsage();
    await sleep(400);
    const { user, system } = process.cpuUsage(used);
    // A loop that waits takes all of it, and 500 of them more than that; a collector may run meanwhile.
    expect((user + system) / 1000, 'ms of CPU in 400 ms').toBeLessThan(250);
    for (const { socket } of clients) socket.destroy();
    await nothingLeft(proxy, upstream);
    await eventually('no timer is left', () => timers() <= before);
  });
});
