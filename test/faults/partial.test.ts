import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { rawClient, readAnswer } from '../support/raw.ts';
import { ask, closing, nothingLeft, proxyInjecting } from './faulty.ts';

const MIB = 1024 * 1024;
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const INTERNAL = 'We encountered an internal error. Please try again.';
const error = (key: string, code = 'InternalError', message = INTERNAL) =>
  `<Error><Key>${key}</Key><Code>${code}</Code><Message>${message}</Message></Error>`;
const deleted = (...keys: string[]) => keys.map((key) => `<Deleted><Key>${key}</Key></Deleted>`).join('');
const result = (inside: string) =>
  `${DECLARATION}\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</DeleteResult>`;
const wanted = (keys: readonly string[], more = '') =>
  `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${more}${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`;
const QUIET = '<Quiet>true</Quiet>';

const post = (body: string, ...headers: string[]) =>
  `${closing('POST /b?delete', ...headers, `Content-Length: ${Buffer.byteLength(body)}`)}${body}`;
const ok = (body: string, ...headers: string[]) =>
  ['HTTP/1.1 200 OK', ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
const chunked = (body: string) =>
  `HTTP/1.1 200 OK\r\nX-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;

const refusing = (settings: string, answer: string, options = {}) =>
  proxyInjecting(`{ partial: ${settings} }`, {
    ...options,
    upstream: (socket) => socket.on('data', () => socket.write(answer)),
  });

describe('DeleteObjects with some keys that fail', () => {
  it('has an error for each chosen key and the right length; the upstream gets the request unchanged', async () => {
    const request = post(wanted(['a/1', 'b/2', 'a/3']));
    const { port, upstream, proxy } = await refusing(
      '{ keys: "a/**", code: AccessDenied }',
      ok(result(deleted('a/1', 'b/2', 'a/3')), 'Content-Type: application/xml', 'x-amz-request-id: 7'),
    );
    const answer = await ask(port, request);
    const body = result(
      error('a/1', 'AccessDenied', 'Access Denied') +
        deleted('b/2') +
        error('a/3', 'AccessDenied', 'Access Denied'),
    );
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expect(answer.body).toBe(body);
    expect(answer.rest).toHaveLength(0);
    expect(answer.headers).toEqual([
      'Content-Type: application/xml',
      'x-amz-request-id: 7',
      `Content-Length: ${body.length}`,
      'x-brownout-rule: faulty',
      'x-brownout-fault: partial',
      'Connection: close',
    ]);
    expect(
      upstream
        .received()
        .toString()
        .endsWith(wanted(['a/1', 'b/2', 'a/3'])),
    ).toBe(true);
    expect(proxy.journal.entries()).toMatchObject([
      {
        outcome: 'injected',
        fault: 'partial',
        code: 'AccessDenied',
        status: 200,
        upstreamStatus: 200,
        bytesOut: body.length,
      },
    ]);
  });

  it('gets a length if the answer is in chunks', async () => {
    const { port } = await refusing('{ count: 1 }', chunked(result(deleted('a', 'b'))));
    const { headers, body } = await ask(port, post(wanted(['a', 'b'])));
    expect(body).toBe(result(error('a') + deleted('b')));
    expect(headers).toEqual(expect.arrayContaining(['X-Id: 1', `Content-Length: ${body.length}`]));
    expect(headers.join('\n')).not.toMatch(/transfer-encoding/i);
  });

  it.each([
    ['an empty result', result('')],
    ['an empty element', `${DECLARATION}\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`],
  ])('in quiet mode, with %s, the keys are those of the request', async (_, said) => {
    const { port } = await refusing('{ keys: [a, c] }', ok(said));
    const { body } = await ask(port, post(wanted(['a', 'b', 'c'], QUIET)));
    expect(body).toBe(result(error('a') + error('c')));
  });

  it('gets a body in the format of the provider if a quiet answer has none', async () => {
    const { port } = await refusing('{ keys: a }', ok(''), { provider: 'aliyun-oss' });
    const { body, headers } = await ask(port, post(wanted(['a'], QUIET)));
    expect(body).toBe(
      `${DECLARATION}\n<DeleteResult>\n  <Error>\n    <Key>a</Key>\n    <Code>InternalError</Code>\n    <Message>Please contact the server administrator, oss@service.aliyun.com.</Message>\n  </Error>\n</DeleteResult>`,
    );
    expect(headers).toContain('Content-Type: application/xml');
  });

  it.each([
    ['aws-s3', '<Error><Key>a</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'],
    ['huawei-obs', '<Error><Key>a</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'],
    [
      'aliyun-oss',
      '<Error>\n    <Key>a</Key>\n    <Code>AccessDenied</Code>\n    <Message>AccessDenied</Message>\n  </Error>',
    ],
  ])('%s writes it in its own way', async (provider, expected) => {
    const { port } = await refusing('{ keys: a, code: AccessDenied }', ok(result(deleted('a'))), {
      provider,
    });
    expect((await ask(port, post(wanted(['a'])))).body).toBe(result(expected));
  });

  it('names the version if the request has one, and tells versions of a key apart', async () => {
    const version = (id: string) => `<Deleted><Key>a</Key><VersionId>${id}</VersionId></Deleted>`;
    const body = wanted(['a</Key><VersionId>1</VersionId><Key>', 'a</Key><VersionId>2</VersionId><Key>']);
    const { port } = await refusing('{ count: 1 }', ok(result(version('1') + version('2'))));
    expect((await ask(port, post(body))).body).toBe(
      result(
        `<Error><Key>a</Key><VersionId>1</VersionId><Code>InternalError</Code><Message>${INTERNAL}</Message></Error>${version('2')}`,
      ),
    );
  });

  it('compares keys as they are in the bucket, in any encoding', async () => {
    const keys = ['a&amp;b', '&#x6162;&#20013;', 'plain'];
    const { port } = await refusing(
      '{ keys: ["a&b", "慢中"] }',
      ok(result(deleted('a&#38;b', '慢中', 'plain'))),
    );
    expect((await ask(port, post(wanted(keys)))).body).toBe(
      result(error('a&#38;b') + error('慢中') + deleted('plain')),
    );
    const encoded = await refusing(
      '{ keys: "a/慢 b" }',
      ok(result(`<EncodingType>url</EncodingType>${deleted('a%2F%E6%85%A2%20b')}`)),
    );
    expect((await ask(encoded.port, post(wanted(['a/慢 b'])))).body).toContain(error('a%2F%E6%85%A2%20b'));
  });

  it('reads a request that is signed chunk by chunk', async () => {
    const body = wanted(['a', 'b'], QUIET);
    const signed = `${body.length.toString(16)};chunk-signature=${'0'.repeat(64)}\r\n${body}\r\n0;chunk-signature=${'0'.repeat(64)}\r\n\r\n`;
    const { port } = await refusing('{ keys: b }', ok(result('')));
    const answer = await ask(port, post(signed, 'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD'));
    expect(answer.body).toBe(result(error('b')));
  });

  it('reads keys that are split by chunks, and keys that look like the size of a chunk', async () => {
    const body = wanted(['a\r\nbeef\r\nb', 'other'], QUIET);
    const chunk = (part: string) =>
      `${part.length.toString(16)};chunk-signature=${'0'.repeat(64)}\r\n${part}\r\n`;
    const middle = body.indexOf('beef') + 2;
    const signed = chunk(body.slice(0, middle)) + chunk(body.slice(middle)) + chunk('');
    const { port } = await refusing('{ keys: "a*b" }', ok(result('')));
    const answer = await ask(port, post(signed, 'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD'));
    expect(answer.body).toBe(result(error('a\r\nbeef\r\nb')));
  });

  it('keeps an error of the upstream, and does not repeat it', async () => {
    const own = error('a', 'AccessDenied', 'Really');
    const { port } = await refusing('{ keys: "*" }', ok(result(own)));
    expect((await ask(port, post(wanted(['a', 'b'], QUIET)))).body).toBe(result(own + error('b')));
  });

  it('lets the dice choose by key: the same keys in every run, about the share of them', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    const failing = async () => {
      const { port } = await refusing('{ share: 0.3 }', ok(result(deleted(...keys))), { seed: 7 });
      const { body } = await ask(port, post(wanted(keys)));
      return [...body.matchAll(/<Error><Key>(k\d+)/g)].map(([, key]) => key);
    };
    const [first, second] = [await failing(), await failing()];
    expect(second).toEqual(first);
    expect(first.length).toBeGreaterThan(60);
    expect(first.length).toBeLessThan(120);
  });

  it('has the keys that the dice chose in the journal, for use in a rule', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}*`);
    const settings = '{ share: 0.5, code: SlowDown }';
    const { port, proxy } = await refusing(settings, ok(result(deleted(...keys))));
    const { body } = await ask(port, post(wanted(keys)));
    const failed = [...body.matchAll(/<Error><Key>(k\d+)/g)].map(([, key]) => `${key}?`);
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.settings).toEqual({ partial: { code: 'SlowDown', keys: failed } });
  });

  it('has a share in the journal if there are too many keys', async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `${i}${'k'.repeat(1000)}`);
    const { port, proxy } = await refusing('{ share: 0.9 }', ok(result(deleted(...keys))));
    await ask(port, post(wanted(keys)));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.settings).toEqual({ partial: { share: 0.9 } });
  });
});

describe('partial beside other faults', () => {
  const keys = ['a', 'b'];
  const rewritten = result(error('a') + deleted('b'));
  const upstream = (socket: Socket) => socket.on('data', () => socket.write(ok(result(deleted(...keys)))));

  it('has its rewritten answer cut by truncate', async () => {
    const { port } = await proxyInjecting(
      '{ partial: { count: 1 }, truncate: { at: response:50%, length: sent } }',
      { upstream },
    );
    const { body, headers } = await ask(port, post(wanted(keys)));
    expect(body).toBe(rewritten.slice(0, Math.floor(rewritten.length / 2)));
    expect(headers).toContain(`Content-Length: ${body.length}`);
  });

  it('rewrites the answer that is passed on if the request is sent twice', async () => {
    const { port, proxy } = await proxyInjecting('{ duplicate: true, delay: 1ms, partial: { count: 1 } }', {
      upstream,
    });
    expect((await ask(port, post(wanted(keys)))).body).toBe(rewritten);
    expect(proxy.journal.entries()).toMatchObject([
      { fault: 'delay+duplicate+partial', code: 'InternalError' },
    ]);
  });

  it('leaves the other faults in the journal if it is skipped, but not its code', async () => {
    const { port, proxy } = await proxyInjecting('{ delay: 1ms, partial: { keys: c } }', { upstream });
    const { headers } = await ask(port, post(wanted(keys)));
    expect(headers).toContain('x-brownout-fault: delay');
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'delay' });
    expect(entry?.code).toBeUndefined();
  });
});

describe('an exchange that partial does not change', () => {
  it.each([
    ['another operation', closing('GET /b/k'), ok('<DeleteResult></DeleteResult>')],
    [
      'a refusal of the upstream',
      post(wanted(['a'])),
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
    ],
    [
      'an answer that is not a DeleteResult',
      post(wanted(['a'])),
      ok('<Error><Code>InternalError</Code></Error>'),
    ],
    ['a request for no such key', post(wanted(['b'])), ok(result(deleted('b')))],
    ['compressed bytes', post(wanted(['a'])), ok(result(deleted('a')), 'Content-Encoding: gzip')],
    ['no result at all', post(wanted(['a'])), ok('')],
  ])('%s', async (_, request, said) => {
    const { port, proxy } = await refusing('{ keys: a }', said);
    const answer = await ask(port, request);
    expect(answer.body).toBe(said.slice(said.indexOf('\r\n\r\n') + 4));
    expect(answer.headers.join('\n')).not.toContain('x-brownout');
    const [entry] = proxy.journal.entries();
    expect(entry).toMatchObject({ outcome: 'forwarded', upstreamStatus: Number(said.slice(9, 12)) });
    expect(entry?.fault).toBeUndefined();
  });

  it.each([
    ['with a length', (body: string) => ok(body)],
    ['in chunks', chunked],
  ])('an answer above 1 MiB, %s: it passes whole', async (_, frame) => {
    const large = result(deleted('a', 'x'.repeat(3 * MIB)));
    const { port, proxy } = await refusing('{ keys: a }', frame(large));
    const { body } = await ask(port, post(wanted(['a'])));
    expect(body.length).toBe(large.length);
    expect(body === large).toBe(true);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'forwarded', bytesOut: large.length }]);
  });

  it('passes on that an answer breaks off', async () => {
    const { port, proxy } = await proxyInjecting('{ partial: { keys: a } }', {
      upstream: (socket) =>
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<DeleteResult>')),
    });
    const client = rawClient(port);
    client.socket.on('error', () => {});
    client.socket.write(post(wanted(['a'])));
    await eventually('the connection is over', client.closed);
    expect(readAnswer(client.received())).toBeUndefined();
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'upstream-failed', failure: 'cut-short' }]);
  });

  it('leaves nothing open if the client leaves while the answer is read', async () => {
    const { port, proxy, upstream } = await proxyInjecting('{ partial: { keys: a } }', {
      upstream: (socket) =>
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<DeleteResult>')),
    });
    const client = rawClient(port);
    client.socket.write(post(wanted(['a'])));
    await eventually('the upstream has it', () => upstream.received().includes('</Delete>'));
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }]);
  });
});
