import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { watchedClient } from '../support/endings.ts';
import { eventually } from '../support/proxy.ts';
import { joinChunks } from '../support/raw.ts';
import { closing, nothingLeft, proxyInjecting } from './faulty.ts';

const MIB = 1024 * 1024;
const GET = 'GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n';
const WHOLE = randomBytes(3 * MIB);
const LONG = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\nETag: "5d41"\r\ncontent-LENGTH: ${WHOLE.length}\r\n\r\n`),
  WHOLE,
]);
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n';

const headOf = (bytes: Buffer) => bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n'));
const bodyOf = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);

describe('a truncated answer', () => {
  it.each([
    ['50%', 1.5 * MIB, 'FIN'],
    ['1MiB', MIB, 'FIN'],
    ['0B', 0, 'FIN'],
    ["{ at: 'response:1MiB' }", MIB, 'FIN'],
    ["{ at: 'response:1MiB', end: fin, length: promised }", MIB, 'FIN'],
    ["{ at: 'response:50%', end: rst }", 1.5 * MIB, 'ECONNRESET'],
  ])('at %s promises 3 MiB, has %i bytes and ends with %s', async (set, bytes, ending) => {
    const { port, proxy, upstream } = await proxyInjecting(`{ truncate: ${set} }`, { upstream: LONG });
    const client = watchedClient(port);
    client.socket.write(GET);
    expect(await client.ending).toBe(ending);
    const received = client.received();
    expect(headOf(received)).toMatch(/^HTTP\/1\.1 200 OK\r\nETag: "5d41"\r\ncontent-LENGTH: 3145728\r\n/);
    expect(bodyOf(received)).toHaveLength(bytes);
    expect(bodyOf(received).equals(WHOLE.subarray(0, bytes))).toBe(true);
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'truncate', status: 200, upstreamStatus: 200, bytesOut: bytes },
    ]);
  });

  it.each([
    ['response:1MiB', MIB],
    ['response:50%', 1.5 * MIB],
    ['response:0%', 0],
  ])('at %s with length: sent has the length %i, and its connection stays open', async (at, bytes) => {
    const { port, proxy, upstream } = await proxyInjecting(`{ truncate: { at: '${at}', length: sent } }`, {
      upstream: LONG,
    });
    const client = watchedClient(port);
    client.socket.write(GET);
    const end = `content-LENGTH: ${bytes}\r\n`;
    await eventually(
      'the answer is whole',
      () => bodyOf(client.received()).length >= bytes && headOf(client.received()) !== '',
    );
    expect(`${headOf(client.received())}\r\n`).toContain(end);
    expect(bodyOf(client.received()).equals(WHOLE.subarray(0, bytes))).toBe(true);
    const before = client.received().length;
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe('FIN');
    const second = client.received().subarray(before);
    expect(second.toString('latin1', 0, 200)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(bodyOf(second).equals(WHOLE.subarray(0, bytes))).toBe(true);
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', upstreamStatus: 200, bytesOut: bytes },
      { outcome: 'injected', bytesOut: bytes },
    ]);
  });

  it.each([
    ['7B', 'hellowo', 'FIN'],
    ["{ at: 'response:7B', end: rst }", 'hellowo', 'ECONNRESET'],
    ['end', 'helloworld', 'FIN'],
    ['50%', 'helloworld', 'FIN'],
  ])('in chunks at %s ends without its last one', async (set, body, ending) => {
    const { port } = await proxyInjecting(`{ truncate: ${set} }`, { upstream: CHUNKED });
    const client = watchedClient(port);
    client.socket.write(GET);
    expect(await client.ending).toBe(ending);
    expect(joinChunks(bodyOf(client.received()))).toMatchObject({
      body,
      rest: Buffer.alloc(0),
      isWhole: false,
    });
  });

  it('in chunks with length: sent has its last chunk', async () => {
    const { port, proxy } = await proxyInjecting("{ truncate: { at: 'response:7B', length: sent } }", {
      upstream: CHUNKED,
    });
    const client = watchedClient(port);
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe('FIN');
    expect(joinChunks(bodyOf(client.received()))).toMatchObject({ body: 'hellowo', isWhole: true });
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', bytesOut: 7 }]);
  });

  it.each([
    ['4MiB', closing('GET /b/k')],
    ['end', closing('GET /b/k')],
    ["{ at: 'response:4MiB', length: sent }", closing('GET /b/k')],
    ['50%', closing('HEAD /b/k')],
  ])('at %s is whole where it has no such point: nothing was injected', async (set, request) => {
    const { port, proxy } = await proxyInjecting(`{ truncate: ${set} }`, { upstream: LONG });
    const client = watchedClient(port);
    client.socket.write(request);
    expect(await client.ending).toBe('FIN');
    expect(headOf(client.received())).not.toContain('x-brownout');
    expect(headOf(client.received())).toContain('content-LENGTH: 3145728');
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'forwarded', rule: 'faulty', status: 200 });
    expect(entry?.fault).toBeUndefined();
  });

  it('has the mark of the rule, except under --stealth', async () => {
    for (const stealth of [false, true]) {
      const { port } = await proxyInjecting('{ truncate: 50% }', { upstream: LONG, stealth });
      const client = watchedClient(port);
      client.socket.write(GET);
      await client.ending;
      expect(headOf(client.received()).includes('x-brownout-rule: faulty')).toBe(!stealth);
    }
  });

  it('closes the connection to the upstream if the client leaves in the middle', async () => {
    const { port, proxy, upstream } = await proxyInjecting('{ truncate: 90% }', {
      upstream: LONG.subarray(0, MIB),
    });
    const client = watchedClient(port);
    client.socket.write(GET);
    await eventually('the answer has begun', () => client.received().length > 0);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
  });
});
