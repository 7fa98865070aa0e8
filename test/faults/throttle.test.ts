import { createHash } from 'node:crypto';
import http from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { rawClient, readAnswer } from '../support/raw.ts';
import { ask, closing, nothingLeft, proxyInjecting, timers } from './faulty.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET = closing('GET /b/k');

/** Answers once so many bytes of a body have come. */
const answeringAfter = (bytes: number) => (socket: Socket) => {
  let left = bytes;
  socket.on('data', (chunk) => {
    const head = chunk.indexOf('\r\n\r\n');
    left -= head < 0 ? chunk.length : chunk.length - head - 4;
    if (left === 0) socket.write(OK);
  });
};

/** Sends a body of so many bytes, as fast as it is taken, or in chunks. */
const sending =
  (bytes: number, framing = `Content-Length: ${bytes}`) =>
  (socket: Socket) =>
    socket.once('data', () => {
      const isChunked = framing.startsWith('Transfer-Encoding');
      socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
      if (isChunked) socket.write(`${bytes.toString(16)}\r\n`);
      socket.write(pattern(bytes));
      if (isChunked) socket.write('\r\n0\r\n\r\n');
    });

/** Bytes that show it if any are lost or swapped. */
function pattern(bytes: number): Buffer {
  const block = Buffer.alloc(bytes);
  for (let i = 0; i + 4 <= bytes; i += 4) block.writeUInt32LE(i, i);
  return block;
}

const put = (bytes: number) =>
  Buffer.concat([Buffer.from(closing('PUT /b/k', `Content-Length: ${bytes}`)), pattern(bytes)]);
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bodyOf = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);

describe('a throttle', () => {
  it('passes an upload at its rate, and loses no byte', async () => {
    const { port, proxy, upstream } = await proxyInjecting('{ throttle: 64KiB }', {
      upstream: answeringAfter(32 * KIB),
    });
    const started = performance.now();
    expect((await ask(port, put(32 * KIB))).statusLine).toBe('HTTP/1.1 200 OK');
    expect(performance.now() - started).toBeGreaterThan(480);
    expect(sha(bodyOf(upstream.received()))).toBe(sha(pattern(32 * KIB)));
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'throttle', upstreamStatus: 200, bytesIn: 32 * KIB, bytesOut: 2 },
    ]);
  });

  it.each(['Content-Length: 32768', 'Transfer-Encoding: chunked'])(
    'passes a download at its rate (%s)',
    async (framing) => {
      const { port, proxy } = await proxyInjecting('{ throttle: { download: 64KiB } }', {
        upstream: sending(32 * KIB, framing),
      });
      const client = rawClient(port);
      const started = performance.now();
      client.socket.write(GET);
      await eventually('the connection is over', client.closed);
      expect(performance.now() - started).toBeGreaterThan(480);
      const answer = readAnswer(client.received());
      expect(answer?.headers).toContain(framing);
      expect(answer?.body).toBe(pattern(32 * KIB).toString());
      expect(proxy.journal.entries()).toMatchObject([
        { outcome: 'injected', status: 200, bytesOut: 32 * KIB },
      ]);
    },
  );

  it('does not slow down the other direction', async () => {
    const { port } = await proxyInjecting('{ throttle: { download: 1KiB } }', {
      upstream: answeringAfter(8 * MIB),
    });
    expect((await ask(port, put(8 * MIB))).statusLine).toBe('HTTP/1.1 200 OK');
    const other = await proxyInjecting('{ throttle: { upload: 1KiB } }', { upstream: sending(8 * MIB) });
    expect((await ask(other.port, GET)).body).toHaveLength(pattern(8 * MIB).toString().length);
  });

  it('flows evenly at a low rate, and never faster', async () => {
    const { port } = await proxyInjecting('{ throttle: { download: 64KiB } }', {
      upstream: sending(32 * KIB),
    });
    const client = rawClient(port);
    const arrivals: { bytes: number; allowed: number }[] = [];
    let bytes = 0;
    const started = performance.now();
    client.socket.on('data', (chunk) => {
      bytes += chunk.length;
      // A busy machine joins slices, but none is before its time; the head has some bytes, too.
      const allowed = KIB + (64 * KIB * (performance.now() - started + 25)) / 1000;
      arrivals.push({ bytes, allowed });
    });
    client.socket.write(GET);
    await eventually('the connection is over', client.closed);
    expect(arrivals.filter((each) => each.bytes > each.allowed)).toEqual([]);
    // 20 slices of 25 ms, had none been joined.
    expect(arrivals.length).toBeGreaterThan(3);
  });

  it('does not go faster after a pause', async () => {
    const { port } = await proxyInjecting('{ throttle: { download: 64KiB } }', {
      upstream: (socket) =>
        socket.once('data', async () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${32 * KIB}\r\n\r\n`);
          socket.write(Buffer.alloc(KIB));
          await sleep(700);
          socket.write(Buffer.alloc(31 * KIB));
        }),
    });
    const client = rawClient(port);
    const started = performance.now();
    client.socket.write(GET);
    await eventually('the connection is over', client.closed);
    // 31 KiB take 484 ms, of which a tenth of a second may have been saved up.
    expect(performance.now() - started).toBeGreaterThan(700 + 484 - 100 - 20);
  });

  it('does not hold back the head of the request or the answer', async () => {
    const { port, upstream } = await proxyInjecting('{ throttle: 1B }', {
      upstream: (socket) => socket.once('data', () => socket.write(OK)),
    });
    const client = rawClient(port);
    client.socket.write(closing('PUT /b/k', 'Content-Length: 1000'));
    await eventually('the upstream has the head', () => upstream.received().includes('\r\n\r\n'));
    await eventually('the client has the head', () => client.received().includes('\r\n\r\n'));
  });
});

describe('a throttle with the client and the upstream', () => {
  it('applies back-pressure to the client', async () => {
    const { port, upstream } = await proxyInjecting('{ throttle: 64KiB }');
    const client = rawClient(port);
    client.socket.write(closing('PUT /b/k', `Content-Length: ${64 * MIB}`));
    client.socket.write(Buffer.alloc(64 * MIB));
    await eventually('some has come through', () => bodyOf(upstream.received()).length > 20 * KIB);
    expect(client.socket.writableLength).toBeGreaterThan(32 * MIB);
  });

  it('applies back-pressure to the upstream', async () => {
    let unsent = 0;
    const { port, proxy, upstream } = await proxyInjecting('{ throttle: 64KiB }', {
      upstream: (socket) =>
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
          socket.write(Buffer.alloc(64 * MIB));
          setInterval(() => {
            unsent = socket.writableLength;
          }, 10).unref();
        }),
    });
    const client = rawClient(port);
    client.socket.write(GET);
    await eventually('some has come through', () => client.received().length > 20 * KIB);
    expect(unsent).toBeGreaterThan(32 * MIB);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left', fault: 'throttle' }]);
  });

  it.each(['upload', 'download'])('does not count as idle while it moves slowly: %s', async (direction) => {
    const bytes = 2 * KIB;
    const { port, proxy } = await proxyInjecting(`{ throttle: { ${direction}: 4KiB } }`, {
      upstream: direction === 'upload' ? answeringAfter(bytes) : sending(bytes),
      idleTimeout: 100,
      timeout: 100,
    });
    const request = direction === 'upload' ? put(bytes) : GET;
    expect((await ask(port, request)).statusLine).toBe('HTTP/1.1 200 OK');
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', failure: undefined }]);
    expect(proxy.journal.entries()[0]?.duration).toBeGreaterThan(400);
  });

  it('does not count as idle at one byte per time longer than the time-outs', async () => {
    const { port } = await proxyInjecting('{ throttle: 4B }', {
      upstream: (socket) =>
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd')),
      idleTimeout: 100,
      timeout: 100,
    });
    expect((await ask(port, GET)).body).toBe('abcd');
  });

  it('still ends in a time-out if the upstream sends nothing', async () => {
    const { port, proxy } = await proxyInjecting('{ throttle: 64KiB }', {
      upstream: (socket) =>
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab')),
      timeout: 100,
    });
    const client = rawClient(port);
    client.socket.write(GET);
    await eventually('the connection is over', client.closed);
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'upstream-failed', failure: 'cut-short' }]);
  });

  it('passes on the answer of an upstream that refuses a slow upload at once', async () => {
    const { port, proxy, upstream } = await proxyInjecting('{ throttle: 1KiB }', {
      upstream: (socket) =>
        socket.on('data', () => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\noops')),
    });
    const { statusLine, body } = await ask(port, put(4 * MIB));
    expect([statusLine, body]).toEqual(['HTTP/1.1 403 Forbidden', 'oops']);
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ upstreamStatus: 403, bytesIn: 4 * MIB }]);
  });

  it.each(['upload', 'download'])(
    'leaves no timer and no upstream request if the client leaves during an %s',
    async (way) => {
      const { port, proxy, upstream } = await proxyInjecting(`{ throttle: 16B }`, {
        upstream: way === 'upload' ? () => {} : sending(16 * MIB),
      });
      const before = timers();
      const client = rawClient(port);
      client.socket.write(way === 'upload' ? put(KIB) : GET);
      const moved = () => bodyOf(way === 'upload' ? upstream.received() : client.received()).length;
      await eventually('it has begun', () => moved() > 0);
      client.socket.destroy();
      await nothingLeft(proxy, upstream);
      await eventually('no timer is left', () => timers() <= before);
      expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left', fault: 'throttle' }]);
    },
  );

  it('keeps the connection in order if the upstream answers in the middle of the upload', async () => {
    const { port, proxy } = await proxyInjecting('{ throttle: { upload: 1KiB } }', {
      upstream: (socket) => socket.on('data', () => socket.write(OK)),
    });
    const agent = new http.Agent({ keepAlive: true });
    const status = await new Promise((resolve, reject) => {
      const request = http.request({ port, agent, method: 'PUT', path: '/b/k' }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      });
      request.once('error', reject).end(Buffer.alloc(8 * KIB));
    });
    expect(status).toBe(200);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    agent.destroy();
  });
});

describe('a throttle beside other faults', () => {
  it('acts with a delay, and with an error in the middle of the upload', async () => {
    const fault = "{ delay: 100ms, throttle: 32KiB, error: { code: InternalError, at: 'body:50%' } }";
    const { port, proxy } = await proxyInjecting(fault);
    const started = performance.now();
    expect((await ask(port, put(16 * KIB))).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    expect(performance.now() - started).toBeGreaterThan(100 + 250 - 20);
    expect(proxy.journal.entries()).toMatchObject([
      {
        outcome: 'injected',
        fault: 'delay+throttle+error',
        code: 'InternalError',
        upstreamStatus: undefined,
      },
    ]);
  });

  it('acts with a stall in the middle', async () => {
    const fault = "{ throttle: 32KiB, stall: { at: 'response:50%', for: 300ms } }";
    const { port } = await proxyInjecting(fault, { upstream: sending(16 * KIB) });
    const started = performance.now();
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 200 OK');
    // What the throttle lets pass meanwhile waits behind the stall.
    expect(performance.now() - started).toBeGreaterThan(250 + 300 - 20);
  });
});
