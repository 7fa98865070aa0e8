import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { providerNames } from '../../src/catalog/catalog.ts';
import { eventually } from '../support/proxy.ts';
import { rawClient, readAnswer } from '../support/raw.ts';
import { ask, closing, faultyProxy, nothingLeft } from './faulty.ts';

const GET = closing('GET /b/k');
const CODES = providerNames().filter((provider) => provider !== 'oss-classic');
const BIG = 32 * 1024 * 1024;
const put = (length: number, ...headers: string[]) =>
  ['PUT /b/k HTTP/1.1', 'Host: h', ...headers, `Content-Length: ${length}`, '', ''].join('\r\n');

describe('an error at headers and the body of the request', () => {
  it.each(CODES)(
    'of %s reaches a client that waits for 100 Continue without the 100, and the connection ends',
    async (provider) => {
      const { port, proxy, upstream } = await faultyProxy('SlowDown', { provider });
      const client = rawClient(port);
      client.socket.write(put(5, 'Expect: 100-continue'));
      await once(client.socket, 'end');
      const answer = readAnswer(client.received());
      expect(answer?.statusLine).toMatch(/^HTTP\/1\.1 (503|400) /);
      expect(answer?.headers).toContain('Connection: close');
      expect(answer?.body).toContain('SlowDown');
      expect(answer?.rest).toHaveLength(0);
      await nothingLeft(proxy, upstream);
      expect(upstream.received()).toHaveLength(0);
      expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', bytesIn: 0 }]);
    },
  );

  it.each(CODES)('of %s reaches a client that sends 32 MB as a whole', async (provider) => {
    const { port, proxy, upstream } = await faultyProxy('SlowDown', { provider });
    const client = rawClient(port);
    client.socket.write(put(BIG));
    client.socket.write(Buffer.alloc(BIG));
    await eventually('the answer is whole', () => readAnswer(client.received()) !== undefined);
    client.socket.end();
    await eventually('the connection is over', client.closed);
    const answer = readAnswer(client.received());
    expect(answer?.body).toContain('SlowDown');
    expect(answer?.rest).toHaveLength(0);
    expect(upstream.received()).toHaveLength(0);
    await nothingLeft(proxy, upstream);
  });

  it.each(CODES)(
    'of %s reaches a client as a whole that reads only after it has sent 32 MB',
    async (provider) => {
      const { port } = await faultyProxy('SlowDown', { provider });
      const client = rawClient(port);
      client.socket.pause();
      client.socket.write(put(BIG));
      await new Promise((resolve) => client.socket.write(Buffer.alloc(BIG), resolve));
      client.socket.resume();
      await eventually('the answer is whole', () => readAnswer(client.received()) !== undefined);
      expect(readAnswer(client.received())?.body).toContain('SlowDown');
    },
  );

  it('of a provider that closes says so, and the connection ends although the client keeps it', async () => {
    const { port } = await faultyProxy('SlowDown');
    const client = rawClient(port);
    client.socket.write(put(BIG));
    client.socket.write(Buffer.alloc(BIG));
    await once(client.socket, 'end');
    expect(readAnswer(client.received())?.headers).toContain('Connection: close');
  });

  it('of a provider that keeps the connection leaves it to the next requests after the body is drained', async () => {
    const { port, proxy, upstream } = await faultyProxy('SlowDown', { provider: 'aliyun-oss' });
    const client = rawClient(port);
    for (let nth = 1; nth <= 3; nth += 1) {
      const before = client.received().length;
      client.socket.write(put(BIG));
      client.socket.write(Buffer.alloc(BIG));
      await eventually(`answer ${nth} is whole`, () => !!readAnswer(client.received().subarray(before)));
      await eventually(`exchange ${nth} is over`, () => proxy.journal.count === nth);
      const answer = readAnswer(client.received().subarray(before));
      expect(answer?.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
      expect(answer?.headers).toContain('Connection: keep-alive');
      expect(answer?.rest).toHaveLength(0);
    }
    expect(client.closed()).toBe(false);
    expect(upstream.received()).toHaveLength(0);
  });

  it('of a provider that keeps the connection closes it if the client asks for that', async () => {
    const { port } = await faultyProxy('SlowDown', { provider: 'aliyun-oss' });
    const { headers } = await ask(port, GET);
    expect(headers.filter((line) => /^connection:/i.test(line))).toEqual(['Connection: close']);
  });

  it('answers pipelined requests in order', async () => {
    const { port, upstream } = await faultyProxy('SlowDown', { provider: 'aliyun-oss' });
    const client = rawClient(port);
    client.socket.write(`${put(3)}abc`.repeat(5) + GET);
    await eventually('the connection is over', client.closed);
    let rest = client.received();
    for (let nth = 1; nth <= 6; nth += 1) {
      const answer = readAnswer(rest);
      expect(answer?.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
      expect(answer?.headers).toContain(`Connection: ${nth < 6 ? 'keep-alive' : 'close'}`);
      rest = answer?.rest ?? rest;
    }
    expect(rest).toHaveLength(0);
    expect(upstream.received()).toHaveLength(0);
  });

  it('answers twenty thousand requests on one connection, which then ends in order', async () => {
    const { port, proxy } = await faultyProxy('SlowDown', { provider: 'aliyun-oss' });
    const client = rawClient(port);
    const requests = `${put(1)}x`.repeat(1000);
    for (let nth = 1; nth <= 20; nth += 1) {
      client.socket.write(requests);
      await eventually('a thousand more are answered', () => proxy.journal.count === nth * 1000);
    }
    client.socket.write(GET);
    await eventually('the connection is over', client.closed);
    expect(proxy.journal.count).toBe(20_001);
  });
});

describe('the answer of an error at headers', () => {
  it.each([
    ['aws-s3', 'NoSuchKey', 404, undefined],
    ['aliyun-oss', 'NoSuchKey', 404, /^x-oss-err: \S+$/m],
    ['huawei-obs', 'NoSuchKey', 404, /^x-obs-error-code: NoSuchKey$/m],
  ])(
    'of %s has no body for HEAD, but the code in the header of the provider',
    async (provider, code, status, header) => {
      const { port } = await faultyProxy(code, { provider });
      const answer = await ask(port, closing('HEAD /b/k'));
      expect(answer.statusLine).toContain(` ${status} `);
      expect(answer.rest).toHaveLength(0);
      if (header) expect(answer.headers.join('\n')).toMatch(header);
      else expect(answer.headers.join('\n')).not.toContain(code);
    },
  );

  it('has every setting of the rule', async () => {
    const { port } = await faultyProxy(
      `{ code: SlowDown, message: 'a < b', status: 429, reason: Too Eager, retryAfter: 1500ms,
         headers: { X-Extra: one, Server: mine }, fields: { Region: here, RequestId: R1 }, trailingNewline: true }`,
    );
    const { statusLine, headers, body } = await ask(port, GET);
    expect(statusLine).toBe('HTTP/1.1 429 Too Eager');
    expect(headers).toEqual(expect.arrayContaining(['Retry-After: 2', 'X-Extra: one', 'Server: mine']));
    expect(headers.filter((line) => /^server:/i.test(line))).toHaveLength(1);
    expect(body).toMatch(/<Message>a &lt; b<\/Message>/);
    expect(body).toMatch(/<Region>here<\/Region>/);
    expect(body).toMatch(/<RequestId>R1<\/RequestId>/);
    expect(body).toMatch(/<\/Error>\n$/);
  });

  it('has the standard reason phrase for another status without a reason', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, status: 429 }');
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 429 Too Many Requests');
  });

  it('encodes a header value that could break the head', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, headers: { X-A: "a\\r\\nX-B: 慢" } }');
    const { headers } = await ask(port, GET);
    expect(headers).toContain('X-A: a%0D%0AX-B: %E6%85%A2');
    expect(headers.filter((line) => line.startsWith('X-B'))).toEqual([]);
  });

  it('redirects to the location in the rule', async () => {
    const { port } = await faultyProxy("{ code: PermanentRedirect, location: 'http://elsewhere:1/b/k' }");
    const { statusLine, headers } = await ask(port, GET);
    expect(statusLine).toBe('HTTP/1.1 301 Moved Permanently');
    expect(headers).toContain('Location: http://elsewhere:1/b/k');
  });

  it('prefers a Location in the headers to the setting', async () => {
    const { port } = await faultyProxy(
      "{ code: PermanentRedirect, location: 'http://a/', headers: { location: 'http://b/' } }",
    );
    const { headers } = await ask(port, GET);
    expect(headers.filter((line) => /^location:/i.test(line))).toEqual(['Location: http://b/']);
  });

  it('has no body and no framing if it is a 304', async () => {
    const { port } = await faultyProxy('NotModified');
    const answer = await ask(port, GET);
    expect(answer.statusLine).toBe('HTTP/1.1 304 Not Modified');
    expect(answer.headers.join('\n')).not.toMatch(/^(content-length|transfer-encoding)/im);
    expect(answer.body).toBe('');
  });

  it('is JSON at JD, and XML if the rule asks for it', async () => {
    const usual = await faultyProxy('AccessDenied', { provider: 'jd-jss' });
    const json = await ask(usual.port, GET);
    expect(JSON.parse(json.body)).toMatchObject({ code: 'AccessDenied', resource: '/b/k' });
    const other = await faultyProxy('{ code: AccessDenied, format: xml }', { provider: 'jd-jss' });
    const xml = await ask(other.port, GET);
    expect(xml.headers).toContain('Content-Type: application/xml');
    expect(xml.body).toContain('<Error><Code>AccessDenied</Code>');
  });

  it('has no chunks for an HTTP/1.0 client', async () => {
    const { port } = await faultyProxy('SlowDown');
    const answer = await ask(port, 'GET /b/k HTTP/1.0\r\nHost: h\r\n\r\n');
    expect(answer.headers.join('\n')).not.toMatch(/transfer-encoding/i);
    expect(answer.body).toMatch(/^<\?xml .*<\/Error>$/s);
  });
});

describe('the marks of an injected error', () => {
  const marks = (headers: readonly string[]) => headers.filter((line) => /^x-brownout/i.test(line));

  it('name the rule and the fault', async () => {
    const { port } = await faultyProxy('SlowDown', { name: 'part 3 fails' });
    expect(marks((await ask(port, GET)).headers)).toEqual([
      'x-brownout-rule: part 3 fails',
      'x-brownout-fault: error',
    ]);
  });

  it('encode a name that cannot be a header value', async () => {
    const { port } = await faultyProxy('SlowDown', { name: '上传变慢' });
    expect(marks((await ask(port, GET)).headers)[0]).toBe(
      `x-brownout-rule: ${encodeURIComponent('上传变慢')}`,
    );
  });

  it('are left out in stealth, but the journal has the rule and the fault', async () => {
    const { port, proxy } = await faultyProxy('SlowDown', { stealth: true });
    expect(marks((await ask(port, GET)).headers)).toEqual([]);
    expect(proxy.journal.entries()).toMatchObject([{ rule: 'faulty', code: 'SlowDown' }]);
  });
});

describe('an error that waits', () => {
  it('with after: comes when the time is over, and not earlier', async () => {
    const { port, proxy } = await faultyProxy('{ code: SlowDown, after: 120ms }');
    expect((await ask(port, GET)).statusLine).toBe('HTTP/1.1 503 Slow Down');
    expect(proxy.journal.entries()[0]?.duration).toBeGreaterThanOrEqual(119);
  });

  it('is the default for RequestTimeout, which closes even if the provider keeps connections', async () => {
    const { port, proxy } = await faultyProxy('RequestTimeout', { provider: 'aliyun-oss' });
    const client = rawClient(port);
    client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    await once(client.socket, 'close');
    const answer = readAnswer(client.received());
    expect(answer?.statusLine).toBe('HTTP/1.1 400 Bad Request');
    expect(answer?.headers).toContain('Connection: close');
    expect(answer?.body).toContain('<Code>RequestTimeout</Code>');
    expect(proxy.journal.entries()[0]?.duration).toBeGreaterThanOrEqual(990);
  });

  it('leaves nothing open if the client leaves during the wait', async () => {
    const { port, proxy, upstream } = await faultyProxy('{ code: RequestTimeout, after: 10m }');
    const client = rawClient(port);
    client.socket.write(`${put(100)}some`);
    await eventually('the exchange is going on', () => proxy.inFlight() === 1);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'client-left', rule: 'faulty', code: 'RequestTimeout' },
    ]);
    expect(proxy.journal.entries()[0]).not.toHaveProperty('status', expect.anything());
  });

  it('leaves nothing open after the wait if the client leaves in the middle of a large body', async () => {
    const { port, proxy, upstream } = await faultyProxy('{ code: RequestTimeout, after: 300ms }');
    const client = rawClient(port);
    client.socket.write(put(BIG));
    client.socket.write(Buffer.alloc(BIG / 2));
    await eventually('the exchange is going on', () => proxy.inFlight() === 1);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
  });
});
