import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { ask, closing, proxyInjecting } from './faulty.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const PUT = `${closing('PUT /b/k', 'Content-Length: 5')}hello`;

describe('an exchange with several faults, or with a fault and an upstream failure', () => {
  it('throttles an injected answer, too', async () => {
    const { port, proxy } = await proxyInjecting('{ throttle: { download: 1KiB }, error: SlowDown }');
    const started = performance.now();
    const { statusLine, body } = await ask(port, PUT);
    expect([statusLine, body.length > 200]).toEqual(['HTTP/1.1 503 Slow Down', true]);
    // Of some 258 bytes at 1 KiB/s a part is due at once.
    expect(performance.now() - started).toBeGreaterThan(100);
    expect(proxy.journal.entries()).toMatchObject([{ fault: 'throttle+error', bytesOut: body.length }]);
  });

  it('waits once for a late delay, although the upstream gets the request twice', async () => {
    let times = 0;
    const { port } = await proxyInjecting('{ delay: { for: 1s, at: commit }, duplicate: true }', {
      upstream: (socket) =>
        socket.on('data', (chunk) => {
          if (!chunk.includes('hello')) return;
          times += 1;
          socket.write(OK);
        }),
    });
    const started = performance.now();
    expect((await ask(port, PUT)).statusLine).toBe('HTTP/1.1 200 OK');
    expect(times).toBe(2);
    // Twice would be 2 s; the second in between is for a machine with much else to do.
    expect(performance.now() - started).toBeLessThan(1990);
  });

  it('does not count an injected orderly end in an upload as a failure of the upstream', async () => {
    const { port, proxy } = await proxyInjecting("{ reset: { at: 'body:50%', with: fin } }");
    const client = net.connect(port, '127.0.0.1').on('error', () => {});
    client.write('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n');
    client.end(Buffer.alloc(3_000_000));
    client.resume();
    await eventually('the exchange is over', () => proxy.inFlight() === 0 && proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'reset', failure: undefined },
    ]);
  });

  it('reads the rest of the upload under an error inside a 200 if the upstream stops reading', async () => {
    const { port, proxy, upstream } = await proxyInjecting(
      '{ error: { code: InternalError, at: embedded } }',
      {
        upstream: (socket) =>
          socket.once('data', () => {
            socket.pause();
            socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
          }),
      },
    );
    const client = net.connect(port, '127.0.0.1').on('error', () => {});
    const body = Buffer.alloc(20_000_000);
    client.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`);
    client.write(body);
    client.resume();
    await eventually(
      'the whole upload has been read',
      () => proxy.journal.count === 1 && proxy.inFlight() === 0,
    );
    expect(proxy.journal.entries()).toMatchObject([{ status: 200, upstreamStatus: 403 }]);
    expect(proxy.forwarder.connections()).toBe(0);
    client.destroy();
    await upstream.close();
  });

  it.each(['{ delay: 1ms }', '{ throttle: 1MiB }', '{ duplicate: true }', '{ corrupt: { header: etag } }'])(
    'does not count a write that succeeds under %s as stored but failed',
    async (fault) => {
      const { port, proxy } = await proxyInjecting(fault, {
        upstream: (socket) =>
          socket.on(
            'data',
            (chunk) =>
              chunk.includes('hello') &&
              socket.write(OK.replace('\r\n', '\r\nETag: "5d41402abc4b2a76b9719d911017c592"\r\n')),
          ),
      });
      expect((await ask(port, PUT)).statusLine).toBe('HTTP/1.1 200 OK');
      await eventually('the exchange is over', () => proxy.journal.count === 1);
      const metrics = await proxy.metrics.registry.metrics();
      expect(metrics).toMatch(/^brownout_faults_injected_total\{.*\} 1$/m);
      expect(metrics).not.toMatch(/^brownout_stored_but_failed_total\{/m);
    },
  );
});
