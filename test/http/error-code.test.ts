import { describe, expect, it } from 'vitest';
import { errorCodeIn } from '../../src/http/error-code.ts';
import { closing, faultyProxy } from '../faults/faulty.ts';
import { expectLinear, repeated } from '../support/linear.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';

/** Bytes of a body that are searched. */
const LARGEST_BODY = 64 * 1024;

const XML =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>m</Message></Error>';

describe('the code in an error body', () => {
  it.each([
    ['XML', XML],
    [
      'XML with a namespace',
      XML.replace('<Error>', '<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'),
    ],
    ['XML on many lines', '<Error>\n  <Code>\n NoSuchKey </Code>\n</Error>\n'],
    ['XML after white space', `\r\n\r\n${XML}`],
    ['XML after a byte order mark', `\ufeff${XML}`],
    ['JSON', '{"code":"NoSuchKey","message":"m"}'],
    ['JSON after white space', ' \n{"code": "NoSuchKey"}'],
  ])('is read from %s', (_, body) => {
    expect(errorCodeIn(body)).toBe('NoSuchKey');
  });

  it('stays a text if it looks like a number', () => {
    expect(errorCodeIn('<Error><Code>0404</Code></Error>')).toBe('0404');
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<html><body>503 Service Unavailable</body></html>'],
    ['plain text', 'no'],
    ['another document', '<ListBucketResult><Code>NoSuchKey</Code></ListBucketResult>'],
    ['an empty code', '<Error><Code></Code></Error>'],
    ['two codes', '<Error><Code>A</Code><Code>B</Code></Error>'],
    ['elements in the code', '<Error><Code><a>A</a></Code></Error>'],
    ['XML that ends early', '<Error><Code>NoSuch'],
    ['a code that would command a terminal', '<Error><Code>A\u001b[2J</Code></Error>'],
    ['a code that is an entity', '<Error><Code>&amp;</Code></Error>'],
    ['JSON that ends early', '{"code":"NoSuch'],
    ['JSON with a code that is no text', '{"code":404}'],
    ['JSON without a code', '{"error":"x"}'],
    ['JSON with a code further down', '{"error":{"code":"A"}}'],
    ['binary', '\u0000\u0001\ufffd<\u0000'],
    ['deep nesting', '<a>'.repeat(20_000)],
    ['deep nesting in JSON', `{"code":${'['.repeat(60_000)}`],
    ['a code as long as the body', `<Error><Code>${'x'.repeat(60_000)}</Code></Error>`],
  ])('is not found in %s', (_, body) => {
    expect(errorCodeIn(body)).toBeUndefined();
  });

  it('is read without expanding entities', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `<!ENTITY l${i + 1} "&l${i};&l${i};">`).join('');
    const bomb = `<!DOCTYPE e [<!ENTITY l0 "lol">${levels}]><Error><Code>&l30;</Code></Error>`;
    const started = process.cpuUsage().user;
    expect(errorCodeIn(bomb) ?? '').not.toContain('lol');
    // Expanded, it has 3 GB.
    expect((process.cpuUsage().user - started) / 1000).toBeLessThan(2000);
    const file = '<!DOCTYPE e [<!ENTITY f SYSTEM "file:///etc/passwd">]><Error><Code>&f;</Code></Error>';
    expect(errorCodeIn(file) ?? '').not.toContain('root');
  });

  it.each(['<a>', '<a/>', '<a b="', '<!--', '&', '<![CDATA[', '<!DOCTYPE ', '<?', '{"a":', '[', '<Error>'])(
    'is looked for in time that grows as the body does: %j',
    (piece) => {
      expectLinear(repeated(piece), errorCodeIn, LARGEST_BODY);
    },
  );
});

describe("the upstream's own error code in the journal", () => {
  async function entryFor(answer: Parameters<typeof upstreamSaying>[0], line = 'GET /b/k') {
    const { url } = await upstreamSaying(answer);
    const { port, proxy } = await proxyTo(url);
    const answered = await rawExchange(port, closing(line));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    return { entry: proxy.journal.entries()[0], answered: answered.toString('latin1') };
  }
  const saying = (status: number, body: string) =>
    `HTTP/1.1 ${status} X\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  it('is recorded, and the body passes unchanged', async () => {
    const { entry, answered } = await entryFor(saying(404, XML));
    expect(entry).toMatchObject({ outcome: 'forwarded', status: 404, upstreamStatus: 404 });
    expect(entry?.upstreamCode).toBe('NoSuchKey');
    expect(answered.endsWith(XML)).toBe(true);
  });

  it('is read from a body in many chunks', async () => {
    const chunks = [...XML].map((sign) => `1\r\n${sign}\r\n`).join('');
    const { entry } = await entryFor(
      `HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    );
    expect(entry?.upstreamCode).toBe('NoSuchKey');
  });

  it.each([
    ['a success', saying(200, XML)],
    ['an answer to HEAD', 'HTTP/1.1 404 X\r\nContent-Length: 100\r\n\r\n'],
    ['a body above 64 KiB', saying(500, `${XML}${' '.repeat(64 * 1024)}`)],
    ['a broken body', saying(500, '<Error><Code>')],
    ['a body that breaks off', `HTTP/1.1 500 X\r\nContent-Length: 1000\r\n\r\n${XML}`],
  ])('is left out for %s', async (what, answer) => {
    const { entry } = await entryFor(
      (socket) => socket.once('data', () => socket.end(answer)),
      what.includes('HEAD') ? 'HEAD /b/k' : 'GET /b/k',
    );
    expect(entry).toBeDefined();
    expect(entry?.upstreamCode).toBeUndefined();
  });

  it('is read from an answer that an injected error replaces', async () => {
    const { port, proxy } = await faultyProxy('{ code: InternalError, at: embedded }', {
      upstream: saying(404, XML),
    });
    await rawExchange(port, closing('GET /b/k'));
    expect(proxy.journal.entries()).toMatchObject([
      { code: 'InternalError', upstreamStatus: 404, upstreamCode: 'NoSuchKey' },
    ]);
  });

  it('does not hold the body back', async () => {
    let finish = () => {};
    const { url } = await upstreamSaying((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 404 X\r\nContent-Length: ${XML.length}\r\n\r\n${XML.slice(0, 40)}`);
        finish = () => void socket.write(XML.slice(40));
      });
    });
    const { port, proxy } = await proxyTo(url);
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('the first half has come', () =>
      client.received().toString().endsWith(XML.slice(0, 40)),
    );
    expect(proxy.inFlight()).toBe(1);
    finish();
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.upstreamCode).toBe('NoSuchKey');
  });
});
