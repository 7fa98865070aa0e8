import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { rawClient, readAnswer } from '../support/raw.ts';
import { ask, closing, nothingLeft, proxyInjecting } from './faulty.ts';

const MIB = 1024 * 1024;
const HELLO = `${closing('PUT /b/k', 'X-Case: Kept', 'Content-Length: 5')}hello`;
const status = (code: number, body = String(code)) =>
  `HTTP/1.1 ${code} Said\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** An upstream that gives these answers, one for each request whose end it has seen, over all connections. */
function answering(ends: string | number, ...answers: string[]) {
  let nth = 0;
  return (socket: Socket) => {
    let received = '';
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (typeof ends === 'string') received += chunk.toString('latin1');
      if (typeof ends === 'string' ? !received.endsWith(ends) : bytes < ends) return;
      received = '';
      bytes = 0;
      socket.write(answers[nth++] ?? status(599));
    });
  };
}

/** Whether this process holds a spool open, by the names that Linux gives to files without one. */
async function heldSpools(): Promise<number> {
  const links = await Promise.all(
    readdirSync('/proc/self/fd').map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => /brownout-[\da-f-]{36} \(deleted\)$/.test(link)).length;
}

describe('a request that is sent twice', () => {
  it('reaches the upstream twice, byte for byte, and the client gets the second answer', async () => {
    const { port, upstream, proxy } = await proxyInjecting('{ duplicate: true }', {
      upstream: answering('hello', status(201), status(202)),
    });
    const answer = await ask(port, HELLO);
    expect(answer).toMatchObject({ statusLine: 'HTTP/1.1 202 Said', body: '202' });
    const [first, second, ...more] = upstream
      .received()
      .toString()
      .split(/(?<=hello)/);
    expect(first).toContain('PUT /b/k HTTP/1.1\r\n');
    expect(first).toContain('X-Case: Kept\r\n');
    expect(second).toBe(first);
    expect(more).toEqual([]);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'duplicate', status: 202, upstreamStatus: 202, bytesIn: 5, bytesOut: 3 },
    ]);
    await eventually('the file is gone', async () => (await heldSpools()) === 0);
  });

  it('with relay: first, gives the first answer to the client and the journal', async () => {
    const refusal = '<Error><Code>NoSuchUpload</Code></Error>';
    const { port, upstream, proxy } = await proxyInjecting('{ duplicate: { relay: first } }', {
      upstream: answering('hello', status(201), status(404, refusal)),
    });
    expect((await ask(port, HELLO)).statusLine).toBe('HTTP/1.1 201 Said');
    expect(upstream.received().toString().match(/PUT/g)).toHaveLength(2);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', status: 201, upstreamStatus: 201 });
    expect(entry?.upstreamCode).toBeUndefined();
  });

  it('with relay: second, gives a refusal of the second to the client and the journal', async () => {
    const refusal = '<Error><Code>NoSuchUpload</Code></Error>';
    const { port, proxy } = await proxyInjecting('{ duplicate: true }', {
      upstream: answering('hello', status(200), status(404, refusal)),
    });
    expect((await ask(port, HELLO)).body).toBe(refusal);
    expect(proxy.journal.entries()).toMatchObject([{ upstreamStatus: 404, upstreamCode: 'NoSuchUpload' }]);
  });

  it.each([
    ['first', 'HTTP/1.1 204 Said'],
    ['second', 'HTTP/1.1 404 Said'],
  ])('without a body, relay: %s answers %s', async (relay, wanted) => {
    const { port, upstream } = await proxyInjecting(`{ duplicate: { relay: ${relay} } }`, {
      upstream: answering('\r\n\r\n', status(204, ''), status(404, 'gone')),
    });
    const { statusLine } = await ask(port, closing('DELETE /b/k'));
    expect(statusLine).toBe(wanted);
    expect(
      upstream
        .received()
        .toString()
        .match(/DELETE/g),
    ).toHaveLength(2);
  });

  it('is sent in chunks both times if it came in chunks', async () => {
    const { port, upstream } = await proxyInjecting('{ duplicate: true }', {
      upstream: answering('0\r\n\r\n', status(200), status(200)),
    });
    await ask(port, `${closing('PUT /b/k', 'Transfer-Encoding: chunked')}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
    const bodies = upstream
      .received()
      .toString()
      .split('PUT ')
      .slice(1)
      .map((each) => each.split('\r\n\r\n', 2)[1]);
    expect(bodies[0]?.replace(/\r\n|[\d]/g, '')).toBe('abcde');
    expect(bodies[1]?.replace(/\r\n|[\d]/g, '')).toBe('abcde');
  });

  it('asks a client that waits for 100 Continue once', async () => {
    const { port } = await proxyInjecting('{ duplicate: true }', {
      upstream: answering('hello', status(200), status(200)),
    });
    const client = rawClient(port);
    client.socket.write('PUT /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    await eventually('it is asked', () => client.received().length > 0);
    client.socket.write('hello');
    await eventually('it is answered', () => client.received().includes('200 Said'));
    expect(
      client
        .received()
        .toString()
        .match(/100 Continue/g),
    ).toHaveLength(1);
  });

  it('keeps 60 MiB in a file without a name, not in memory', async () => {
    const size = 60 * MIB;
    // A folder of its own: others may have spools in the one that all share.
    const folder = mkdtempSync(join(tmpdir(), 'brownout-duplicate-'));
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
    const { port, upstream, proxy } = await proxyInjecting('{ duplicate: true }', {
      upstream: answering(size, status(200), status(200)),
    });
    const client = rawClient(port);
    client.socket.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    client.socket.write(Buffer.alloc(size, 'x'));
    await eventually('some of it is in the file', async () => (await heldSpools()) === 1);
    expect(readdirSync(folder)).toEqual([]);
    await eventually('it is answered', () => readAnswer(client.received()) !== undefined);
    expect(upstream.received().length).toBeGreaterThan(2 * size);
    await eventually('the file is gone', async () => (await heldSpools()) === 0);
    expect(proxy.journal.entries()).toMatchObject([{ bytesIn: size, outcome: 'injected' }]);
  });
});

describe('a request that is sent once although a rule asks for twice', () => {
  it.each([
    ['a length above the limit', 'Content-Length: 5', 'hello', 'hello'],
    [
      'more bytes in chunks than the limit',
      'Transfer-Encoding: chunked',
      '5\r\nhello\r\n0\r\n\r\n',
      '0\r\n\r\n',
    ],
  ])('%s', async (_, framing, body, ends) => {
    const { port, upstream, proxy } = await proxyInjecting('{ duplicate: { limit: 4B } }', {
      upstream: answering(ends, status(201), status(202)),
    });
    const answer = await ask(port, closing('PUT /b/k', framing) + body);
    expect(answer.statusLine).toBe('HTTP/1.1 201 Said');
    expect(upstream.received().toString().match(/PUT/g)).toHaveLength(1);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'forwarded', upstreamStatus: 201 });
    expect(entry?.fault).toBeUndefined();
    await eventually('the file is gone', async () => (await heldSpools()) === 0);
  });

  it('an upstream that answers before it has the whole body', async () => {
    const { port, proxy } = await proxyInjecting('{ duplicate: true }', {
      upstream: (socket) => socket.once('data', () => socket.write(status(403))),
    });
    const client = rawClient(port);
    client.socket.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${MIB}\r\n\r\nsome`);
    await eventually('it is answered', () => client.received().includes('403 Said'));
    client.socket.write(Buffer.alloc(MIB - 4));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'forwarded', upstreamStatus: 403 }]);
    await eventually('the file is gone', async () => (await heldSpools()) === 0);
  });
});

describe('a request that is sent twice, when something breaks', () => {
  it.each([
    ['first', 'HTTP/1.1 201 Said', { outcome: 'injected', upstreamStatus: 201, failure: 'no-answer' }],
    ['second', 'HTTP/1.1 502 Bad Gateway', { outcome: 'upstream-failed', failure: 'no-answer' }],
  ])('relay: %s, an upstream that dies in between', async (relay, statusLine, entry) => {
    let connections = 0;
    const { port, proxy } = await proxyInjecting(`{ duplicate: { relay: ${relay} } }`, {
      upstream: (socket) => {
        connections += 1;
        let nth = 0;
        socket.on('data', (chunk: Buffer) => {
          if (!chunk.includes('hello')) return;
          nth += 1;
          if (connections > 1 || nth > 1) socket.destroy();
          else socket.write(status(201));
        });
      },
    });
    expect((await ask(port, HELLO)).statusLine).toBe(statusLine);
    expect(proxy.journal.entries()).toMatchObject([entry]);
    await eventually('the file is gone', async () => (await heldSpools()) === 0);
  });

  it('leaves nothing open if the client leaves during the upload', async () => {
    const { port, proxy, upstream } = await proxyInjecting('{ duplicate: true }');
    const client = rawClient(port);
    client.socket.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${MIB}\r\n\r\nsome`);
    await eventually('the file is there', async () => (await heldSpools()) === 1);
    await eventually('the upstream has it', () => upstream.received().includes('some'));
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    await eventually('the file is gone', async () => (await heldSpools()) === 0);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
  });

  it.each(['first', 'second'])(
    'leaves nothing open if the client leaves during the second time, relay: %s',
    async (relay) => {
      let nth = 0;
      const { port, proxy, upstream } = await proxyInjecting(`{ duplicate: { relay: ${relay} } }`, {
        upstream: (socket) =>
          socket.on('data', (chunk: Buffer) => {
            // From 24.22 on, Node would keep the connection of an answer that has come whole.
            if (chunk.includes('hello') && ++nth === 1)
              socket.write(status(201).replace('\r\n', '\r\nConnection: close\r\n'));
          }),
      });
      const client = rawClient(port);
      client.socket.write(HELLO);
      await eventually('it has it twice', () => upstream.received().toString().split('hello').length === 3);
      client.socket.destroy();
      await nothingLeft(proxy, upstream);
      await eventually('the file is gone', async () => (await heldSpools()) === 0);
      expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
    },
  );
});

describe('duplicate beside other faults', () => {
  it('acts before an error at commit, which replaces the second answer', async () => {
    const { port, upstream, proxy } = await proxyInjecting(
      '{ duplicate: true, error: { code: InternalError, at: commit } }',
      { upstream: answering('hello', status(200), status(200)) },
    );
    expect((await ask(port, HELLO)).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    expect(upstream.received().toString().match(/PUT/g)).toHaveLength(2);
    expect(proxy.journal.entries()).toMatchObject([{ fault: 'duplicate+error', upstreamStatus: 200 }]);
  });

  it('sends a throttled body unchanged the second time', async () => {
    const { port, upstream } = await proxyInjecting('{ throttle: { upload: 100B }, duplicate: true }', {
      upstream: answering('hello', status(200), status(200)),
    });
    await ask(port, HELLO);
    const [first, second] = upstream
      .received()
      .toString()
      .split(/(?<=hello)/);
    expect(second).toBe(first);
  });
});
