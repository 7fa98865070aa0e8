import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { rawClient, readAnswer } from '../support/raw.ts';
import { ask, closing, faultyProxy, nothingLeft, timers } from './faulty.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const COMPLETE = closing('POST /b/k?uploadId=u', 'Content-Length: 5');

/** An upstream that has read a request and answers only when told to. */
async function heldBack(error: string, provider = 'aws-s3') {
  let release = () => {};
  const started = await faultyProxy(error, {
    provider,
    upstream: (socket) => {
      release = () => void socket.write(OK);
    },
  });
  return { ...started, release: () => release() };
}

describe('an error inside a 200', () => {
  it('sends the head at once, while the upstream still works', async () => {
    const { port, upstream, release } = await heldBack('{ code: SlowDown, at: embedded }');
    const client = rawClient(port);
    client.socket.write(`${COMPLETE}hello`);
    await eventually('the head has come', () => client.received().includes('\r\n\r\n'));
    await eventually('the upstream has the request', () => upstream.received().includes('hello'));
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
    release();
    await eventually('the connection is over', client.closed);
    expect(readAnswer(client.received())?.body).toMatch(/^<\?xml .*<Code>SlowDown<\/Code>.*<\/Error>$/s);
  });

  it.each(['aws-s3', 'aliyun-oss', 'huawei-obs', 'oss-classic'])(
    'of %s ends exactly in </Error>, or in one newline if the rule says so',
    async (provider) => {
      for (const [setting, end] of [
        ['', '</Error>'],
        [', trailingNewline: false', '</Error>'],
        [', trailingNewline: true', '</Error>\n'],
      ] as const) {
        const error = `{ code: AccessDenied, at: embedded${setting} }`;
        const { port } = await faultyProxy(error, { provider, upstream: OK });
        const { statusLine, headers, body } = await ask(port, `${COMPLETE}hello`);
        expect(statusLine).toBe('HTTP/1.1 200 OK');
        expect(headers.join('\n')).not.toMatch(/^content-length/im);
        expect(body.slice(body.indexOf('</Error>'))).toBe(end);
      }
    },
  );

  it('is the default for a catalog row that is a 200', async () => {
    const { port, proxy } = await faultyProxy('{ code: InternalError, variant: embedded-complete }', {
      upstream: OK,
    });
    const { statusLine, body } = await ask(port, `${COMPLETE}hello`);
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect(body).toContain('<Code>InternalError</Code>');
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', code: 'InternalError', status: 200, upstreamStatus: 200 },
    ]);
  });

  it('sends white space during the wait, and then the error', async () => {
    const { port, release } = await heldBack('{ code: SlowDown, at: embedded, padding: 10ms }');
    const client = rawClient(port);
    client.socket.write(`${COMPLETE}hello`);
    const padding = () =>
      client
        .received()
        .toString()
        .match(/^2\r\n\r\n\r\n/gm)?.length ?? 0;
    await eventually('white space has come three times', () => padding() >= 3);
    release();
    await eventually('the connection is over', client.closed);
    const body = readAnswer(client.received())?.body ?? '';
    expect(body).toMatch(/^(\r\n){3,}<\?xml.*<\/Error>$/s);
    expect(new XMLParser().parse(body.trim())).toMatchObject({ Error: { Code: 'SlowDown' } });
  });

  it('sends white space for the time in the rule, even if the upstream is faster', async () => {
    const { port, proxy } = await faultyProxy('{ code: SlowDown, at: embedded, padding: 250ms }', {
      upstream: OK,
    });
    const { body } = await ask(port, `${COMPLETE}hello`);
    expect(body).toMatch(/^(\r\n){2,}<\?xml/);
    expect(proxy.journal.entries()[0]?.duration).toBeGreaterThanOrEqual(249);
  });

  it('asks a client that waits for 100 Continue for its body before the 200', async () => {
    const { port, upstream } = await faultyProxy('{ code: SlowDown, at: embedded, padding: 10ms }', {
      upstream: (socket) =>
        socket.on('data', (chunk) => chunk.toString().endsWith('hello') && socket.write(OK)),
    });
    const client = rawClient(port);
    client.socket.write(closing('PUT /b/k', 'Expect: 100-continue', 'Content-Length: 5'));
    await eventually('the head has come', () => client.received().includes('200 OK'));
    client.socket.write('hello');
    await eventually('the connection is over', client.closed);
    const received = client.received().toString();
    expect(received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(received.match(/100 Continue/g)).toHaveLength(1);
    expect(upstream.received().toString()).toMatch(/hello$/);
  });

  it('leaves no timer behind after the padding', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: embedded, padding: 1ms }', {
      upstream: (socket) => socket.on('data', () => socket.write(OK)),
    });
    const before = timers();
    for (let nth = 0; nth < 20; nth += 1) await ask(port, closing('GET /b/k'));
    await eventually('nobody waits any more', () => timers() <= before);
  });

  it('sends no white space without padding', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: embedded }', { upstream: OK });
    expect((await ask(port, `${COMPLETE}hello`)).body).toMatch(/^<\?xml/);
  });

  it('has the bytes of the body in the journal', async () => {
    const { port, proxy } = await faultyProxy('{ code: SlowDown, at: embedded, padding: 10ms }', {
      upstream: OK,
    });
    const { body } = await ask(port, `${COMPLETE}hello`);
    expect(proxy.journal.entries()).toMatchObject([{ bytesIn: 5, bytesOut: Buffer.byteLength(body) }]);
  });

  it('has no body for HEAD, and counts none', async () => {
    const { port, proxy } = await faultyProxy('{ code: SlowDown, at: embedded, padding: 10ms }', {
      upstream: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    });
    const { statusLine, rest } = await ask(port, closing('HEAD /b/k'));
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect(rest).toHaveLength(0);
    expect(proxy.journal.entries()).toMatchObject([{ bytesOut: 0 }]);
  });

  it('sends the body to an HTTP/1.0 client without chunks, up to the end of the connection', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: embedded }', { upstream: OK });
    const { headers, body } = await ask(port, 'GET /b/k HTTP/1.0\r\nHost: h\r\n\r\n');
    expect(headers.join('\n')).not.toMatch(/transfer-encoding/i);
    expect(body).toMatch(/^<\?xml.*<\/Error>$/s);
  });

  it('keeps the connection, even if the provider closes it after errors', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: embedded }', {
      upstream: (socket) => socket.on('data', () => socket.write(OK)),
    });
    const client = rawClient(port);
    for (let nth = 0; nth < 3; nth += 1) {
      const before = client.received().length;
      client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
      await eventually('the answer is whole', () => !!readAnswer(client.received().subarray(before)));
    }
    expect(client.closed()).toBe(false);
  });
});

describe('an error inside a 200, when the upstream fails', () => {
  it.each([
    [
      'refuses',
      'HTTP/1.1 503 No\r\nContent-Length: 36\r\n\r\n<Error><Code>SlowDown</Code></Error>',
      503,
      'SlowDown',
    ],
    ['stored', OK, 200, undefined],
  ])('that %s: the journal has the true status', async (_, said, upstreamStatus, upstreamCode) => {
    const { port, proxy } = await faultyProxy('{ code: InternalError, at: embedded }', { upstream: said });
    const { statusLine, body } = await ask(port, `${COMPLETE}hello`);
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect(body).toContain('<Code>InternalError</Code>');
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', status: 200, upstreamStatus });
    expect(entry?.upstreamCode).toBe(upstreamCode);
  });

  it('is sent even if the upstream is down, and the journal has the failure', async () => {
    const { port, proxy, upstream } = await faultyProxy('{ code: InternalError, at: embedded }');
    await upstream.close();
    const { statusLine, body } = await ask(port, `${COMPLETE}hello`);
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect(body).toMatch(/<Code>InternalError<\/Code>.*<\/Error>$/s);
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', status: 200, failure: 'no-answer' });
    expect(entry?.upstreamStatus).toBeUndefined();
  });

  it('leaves nothing open if the client leaves during the padding', async () => {
    const { port, proxy, upstream } = await heldBack('{ code: SlowDown, at: embedded, padding: 10m }');
    const client = rawClient(port);
    client.socket.write(`${COMPLETE}hello`);
    await eventually('white space has come', () => client.received().includes('2\r\n\r\n'));
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left', status: 200 }]);
  });

  it('leaves nothing open if the client leaves while the upstream works', async () => {
    const { port, proxy, upstream } = await heldBack('{ code: SlowDown, at: embedded }');
    const client = rawClient(port);
    client.socket.write(`${COMPLETE}hello`);
    await eventually('the upstream has the request', () => upstream.received().includes('hello'));
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
  });
});
