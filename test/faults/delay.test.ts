import { describe, expect, it } from 'vitest';
import type { FaultContext } from '../../src/faults/fault.ts';
import { decide } from '../../src/rules/decide.ts';
import { request } from '../rules/rule-set.ts';
import { eventually } from '../support/proxy.ts';
import { rawClient } from '../support/raw.ts';
import { ask, closing, injectingAll, nothingLeft, proxyInjecting, timers } from './faulty.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET = closing('GET /b/k');
/** ms; Node's timers go by whole ms and may be one early. */
const WAIT = 150;

describe('a delay', () => {
  it('holds the request back for its time', async () => {
    let asked = 0;
    const { port, proxy } = await proxyInjecting(`{ delay: ${WAIT}ms }`, {
      upstream: (socket) =>
        socket.once('data', () => {
          asked = performance.now();
          socket.write(OK);
        }),
    });
    const started = performance.now();
    const { statusLine, body } = await ask(port, GET);
    expect([statusLine, body]).toEqual(['HTTP/1.1 200 OK', 'ok']);
    expect(asked - started).toBeGreaterThanOrEqual(WAIT - 1);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'delay', status: 200, upstreamStatus: 200, bytesOut: 2 },
    ]);
    expect(proxy.journal.entries()[0]?.duration).toBeGreaterThanOrEqual(WAIT - 1);
  });

  it('holds back 100 Continue, and then the body is forwarded', async () => {
    const { port, upstream } = await proxyInjecting(`{ delay: ${WAIT}ms }`, {
      upstream: (socket) => socket.on('data', (chunk) => `${chunk}`.endsWith('hello') && socket.write(OK)),
    });
    const client = rawClient(port);
    const started = performance.now();
    client.socket.write(closing('PUT /b/k', 'Expect: 100-continue', 'Content-Length: 5'));
    await eventually('the body is asked for', () => client.received().length > 0);
    expect(performance.now() - started).toBeGreaterThanOrEqual(WAIT - 1);
    client.socket.write('hello');
    await eventually('the connection is over', client.closed);
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(upstream.received().toString()).toMatch(/\r\n\r\nhello$/);
  });

  it.each(['commit', 'response:headers'])(
    'at: %s holds back the answer after the upstream has done its work',
    async (at) => {
      let answered = 0;
      const { port, proxy } = await proxyInjecting(`{ delay: { for: ${WAIT}ms, at: '${at}' } }`, {
        upstream: (socket) =>
          socket.once('data', () => {
            answered = performance.now();
            socket.write(OK);
          }),
      });
      const client = rawClient(port);
      client.socket.write(GET);
      await eventually('the client has an answer', () => client.received().length > 0);
      expect(performance.now() - answered).toBeGreaterThanOrEqual(WAIT - 1);
      await eventually('the connection is over', client.closed);
      expect(client.received().toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/);
      await eventually('the exchange is over', () => proxy.journal.count === 1);
      expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', upstreamStatus: 200 }]);
    },
  );

  it('comes before the error of its rule, at headers and at commit', async () => {
    for (const at of ['headers', 'commit']) {
      const fault = `{ delay: { for: ${WAIT}ms, at: ${at} }, error: { code: InternalError, at: ${at} } }`;
      const { port, proxy } = await proxyInjecting(fault, { upstream: OK });
      const started = performance.now();
      expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
      expect(performance.now() - started).toBeGreaterThanOrEqual(WAIT - 1);
      expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', fault: 'delay+error' }]);
    }
  });

  it.each([
    ['headers', ''],
    // A byte is missing: from 24.22 on, Node keeps the connection of an answer that has come whole.
    ['commit', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok'],
  ])('a client that leaves in one at %s leaves no timer and no upstream request', async (at, answer) => {
    const { port, proxy, upstream } = await proxyInjecting(`{ delay: { for: 10m, at: ${at} } }`, {
      upstream: (socket) => socket.once('data', () => socket.write(answer)),
    });
    const before = timers();
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('the wait has begun', () =>
      at === 'headers' ? proxy.inFlight() === 1 : proxy.forwarder.connections() === 1,
    );
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    await eventually('no timer is left', () => timers() <= before);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left', fault: 'delay' }]);
  });
});

describe('a delay longer than the time-outs', () => {
  it('does not count the waiting client as idle', async () => {
    const { port } = await proxyInjecting('{ delay: 400ms }', { upstream: OK, idleTimeout: 100 });
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 200 OK');
  });

  it('does not end in a time-out of an upstream whose answer is held back', async () => {
    const { port, proxy } = await proxyInjecting('{ delay: { for: 400ms, at: commit } }', {
      upstream: OK,
      timeout: 100,
    });
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 200 OK');
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', failure: undefined }]);
  });

  it('leaves both time-outs in force when it is over', async () => {
    const idle = await proxyInjecting('{ delay: 200ms }', { idleTimeout: 100 });
    const client = rawClient(idle.port);
    client.socket.write(GET);
    await eventually('the idle client is let go', client.closed);
    const late = await proxyInjecting('{ delay: { for: 300ms, at: commit } }', {
      upstream: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok',
      timeout: 100,
    });
    const reader = rawClient(late.port);
    reader.socket.write(GET);
    await eventually('the upstream that says no more is given up', reader.closed);
    await eventually('the exchange is over', () => late.proxy.journal.count === 1);
    expect(late.proxy.journal.entries()).toMatchObject([
      { outcome: 'upstream-failed', failure: 'cut-short' },
    ]);
  });

  it('does not pass on half an answer if the upstream breaks off meanwhile', async () => {
    const { port, proxy } = await proxyInjecting('{ delay: { for: 200ms, at: commit } }', {
      upstream: (socket) =>
        socket.once('data', () => {
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        }),
    });
    const client = rawClient(port);
    client.socket.write(GET);
    await eventually('the connection is over', client.closed);
    expect(client.received()).toHaveLength(0);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'upstream-failed', failure: 'cut-short' }]);
  });
});

/** The waits, in ms, that a rule with this delay draws for requests of so many keys. */
async function drawn(delay: string, keys: number, seed = 7): Promise<number[]> {
  const rules = injectingAll(`{ delay: ${delay} }`, 'aws-s3', 'slow', seed);
  const waits: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    const decision = decide(rules, request(`GET /photos/${key}`)).fired;
    // All that a delay at headers touches.
    const context = {
      roll: (detail = '') => decision?.roll(`delay${detail}`),
      recordDraw: () => {},
      hold: (ms: number) => Promise.resolve(waits.push(ms)),
    } as unknown as FaultContext;
    await decision?.rule.faults[0]?.inject(context, () => Promise.resolve(undefined));
  }
  return waits;
}

const MANY = 20_000;
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

describe('the time a delay takes', () => {
  it('is the same each time if it is fixed', async () => {
    expect(new Set(await drawn('1.5s', 10))).toEqual(new Set([1500]));
    expect(new Set(await drawn('{ for: 1.5s }', 10))).toEqual(new Set([1500]));
  });

  it('is spread evenly over a range', async () => {
    const waits = sorted(await drawn('{ min: 100ms, max: 300ms }', MANY));
    expect(waits[0]).toBeGreaterThanOrEqual(100);
    expect(waits.at(-1)).toBeLessThan(300);
    for (const tenth of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      // 3 ms are more than four standard errors of a decile of so many draws.
      expect(Math.abs((waits[(MANY * tenth) / 10] ?? 0) - (100 + 20 * tenth))).toBeLessThan(3);
    }
  });

  it('is lognormal by median and p99', async () => {
    const waits = sorted(await drawn('{ median: 30ms, p99: 900ms }', MANY));
    expect((waits[MANY * 0.5] ?? 0) / 30).toBeCloseTo(1, 1);
    expect((waits[MANY * 0.99] ?? 0) / 900).toBeGreaterThan(0.9);
    expect((waits[MANY * 0.99] ?? 0) / 900).toBeLessThan(1.1);
    // A lognormal is even on a logarithmic scale: 1 % lie below 1 ms, as far below 30 as 900 is above.
    expect(waits[MANY * 0.01]).toBeGreaterThan(0.9);
    expect(waits[MANY * 0.01]).toBeLessThan(1.1);
  });

  it.each(['{ min: 0ms, max: 1s }', '{ median: 30ms, p99: 900ms }'])(
    'of %s is the same with the same seed, and differs with another',
    async (delay) => {
      const first = await drawn(delay, 50, 7);
      expect(await drawn(delay, 50, 7)).toEqual(first);
      const other = await drawn(delay, 50, 8);
      expect(other.filter((ms, i) => ms === first[i])).toEqual([]);
      expect(new Set(first).size).toBe(50);
    },
  );

  it('is drawn again for each of several equal requests', async () => {
    const rules = injectingAll('{ delay: { min: 0ms, max: 1s } }');
    const rolls = [1, 2, 3].map(() => decide(rules, request('GET /photos/k')).fired?.roll('delay'));
    expect(new Set(rolls).size).toBe(3);
  });

  it.each([
    ['{ min: 1ms, max: 40ms }', undefined],
    ['{ median: 5ms, p99: 20ms, at: commit }', 'commit'],
  ])('%s is in the journal as it was drawn', async (delay, at) => {
    const { port, proxy } = await proxyInjecting(`{ delay: ${delay} }`, { upstream: OK, seed: 3 });
    await ask(port, GET);
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    const [entry] = proxy.journal.entries();
    expect(entry?.settings).toEqual({ delay: { for: expect.stringMatching(/^\d+(\.\d{1,3})?ms$/), at } });
    const ms = Number.parseFloat(/[\d.]+/.exec(JSON.stringify(entry?.settings))?.[0] ?? '');
    expect(entry?.duration).toBeGreaterThan(ms - 1.1);
    expect(ms).toBeGreaterThan(0.1);
  });

  it.each(['20ms', '{ for: 20ms }'])('%s is in the journal as the rule has it', async (delay) => {
    const { port, proxy } = await proxyInjecting(`{ delay: ${delay} }`, { upstream: OK });
    await ask(port, GET);
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.settings).toEqual({
      delay: delay === '20ms' ? '20ms' : { for: '20ms' },
    });
  });
});
