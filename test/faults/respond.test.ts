import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { loadRules } from '../../src/rules/load.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange, readAnswer } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';
import { ask, closing, nothingLeft, proxyInjecting } from './faulty.ts';

const GET = 'GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "x"\r\n\r\nok';
const responding = (settings: string, options = {}) =>
  proxyInjecting(`{ respond: ${settings} }`, { stealth: true, ...options });

/** Every byte of the answer to a GET on a connection that stays open. */
async function bytesOf(settings: string, request = GET): Promise<string> {
  const { port, proxy } = await responding(settings);
  const client = rawClient(port);
  client.socket.write(request);
  await eventually('it is answered', () => proxy.journal.count === 1);
  await eventually('all of it is here', () => client.received().length > 0);
  expect(client.closed()).toBe(false);
  return client.received().toString();
}

describe('a literal answer', () => {
  it('is the bytes of the rule, with a length that frames them', async () => {
    const answer = await bytesOf(
      `{ status: 503, reason: Slow Down, headers: { content-TYPE: text/plain, X-B: b, x-a: [one, two] }, body: "慢\\n" }`,
    );
    expect(answer).toBe(
      'HTTP/1.1 503 Slow Down\r\ncontent-TYPE: text/plain\r\nX-B: b\r\nx-a: one\r\nx-a: two\r\nContent-Length: 4\r\n\r\n慢\n',
    );
  });

  it.each([
    ['{ status: 200 }', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['{ status: 799 }', 'HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n'],
    ["{ status: 500, reason: '' }", 'HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n'],
    ['{ status: 500, reason: 错了 }', 'HTTP/1.1 500 错了\r\nContent-Length: 0\r\n\r\n'],
    ['{ status: 204 }', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['{ status: 304, headers: { ETag: \'"x"\' } }', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'],
    [
      "{ status: 200, headers: { Server: '桶', Date: never } }",
      'HTTP/1.1 200 OK\r\nServer: 桶\r\nDate: never\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      '{ status: 200, headers: { Transfer-Encoding: chunked }, body: abc }',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ],
  ])('%s', async (settings, expected) => {
    expect(await bytesOf(settings)).toBe(expected);
  });

  it('can have its headers line by line, with repeats and in any letter case', async () => {
    const answer = await bytesOf(
      '{ status: 404, headers: ["X-A: one", "X-B: b: c", "x-a:  two ", "X-A: 三", "X-E:"], body: no }',
    );
    expect(answer).toBe(
      'HTTP/1.1 404 Not Found\r\nX-A: one\r\nX-B: b: c\r\nx-a: two\r\nX-A: 三\r\nX-E: \r\nContent-Length: 2\r\n\r\nno',
    );
  });

  it('to HEAD sends no chunk, even if its headers announce chunks', async () => {
    const head = GET.replace('GET', 'HEAD');
    expect(await bytesOf('{ status: 404, headers: { Transfer-Encoding: chunked, ETag: x } }', head)).toBe(
      'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nETag: x\r\n\r\n',
    );
  });

  it('to HEAD has no body, and the length that the rule gives', async () => {
    const head = GET.replace('GET', 'HEAD');
    expect(await bytesOf('{ status: 500, body: abc }', head)).toBe(
      'HTTP/1.1 500 Internal Server Error\r\n\r\n',
    );
    expect(await bytesOf("{ status: 200, headers: { Content-Length: '99' } }", head)).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n',
    );
  });

  it.each([
    [
      "{ status: 200, headers: { Content-Length: '9' }, body: abc }",
      'Content-Length: 9\r\nConnection: close\r\n\r\nabc',
    ],
    [
      "{ status: 200, headers: { Content-Length: '2' }, body: abc }",
      'Content-Length: 2\r\nConnection: close\r\n\r\nabc',
    ],
  ])('%s: a length that is not true stands as it is, and the connection ends', async (settings, rest) => {
    const { port } = await responding(settings);
    expect((await rawExchange(port, GET)).toString()).toBe(`HTTP/1.1 200 OK\r\n${rest}`);
  });

  it('is marked except in stealth, and the journal has it', async () => {
    const { port, proxy, upstream } = await responding('{ status: 418, body: tea }', { stealth: false });
    const { headers } = await ask(port, closing('GET /b/k'));
    expect(headers).toEqual(['Content-Length: 3', 'x-brownout-rule: faulty', 'x-brownout-fault: respond']);
    expect(upstream.received()).toHaveLength(0);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'respond', status: 418, bytesOut: 3 },
    ]);
  });

  it('reaches a client that sends 16 MiB, and a client that waits for 100 Continue', async () => {
    const { port, proxy, upstream } = await responding('{ status: 503, body: no }');
    const pushing = rawClient(port);
    pushing.socket.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${2 ** 24}\r\n\r\n`);
    pushing.socket.write(Buffer.alloc(2 ** 24));
    await eventually('the answer is whole', () => readAnswer(pushing.received())?.body === 'no');
    await eventually('all is read', () => pushing.socket.writableLength === 0);
    expect(pushing.closed()).toBe(false);
    pushing.socket.end();
    const waiting = 'PUT /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    const answer = (await rawExchange(port, waiting)).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*Connection: close\r\n/s);
    await nothingLeft(proxy, upstream);
    expect(upstream.received()).toHaveLength(0);
  });
});

describe('a literal answer at commit', () => {
  it('replaces a success of the upstream', async () => {
    const { port, proxy, upstream } = await responding('{ status: 500, body: no, at: commit }', {
      upstream: OK,
    });
    const answer = await ask(port, `${closing('PUT /b/k', 'Content-Length: 5')}hello`);
    expect(answer).toMatchObject({ statusLine: 'HTTP/1.1 500 Internal Server Error', body: 'no' });
    expect(answer.headers).toEqual(['Content-Length: 2']);
    expect(upstream.received().toString()).toMatch(/hello$/);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', status: 500, upstreamStatus: 200, bytesIn: 5, bytesOut: 2 },
    ]);
  });

  it('does not replace a refusal of the upstream', async () => {
    const { port, proxy } = await responding('{ status: 200, body: no, at: commit }', {
      upstream: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnever',
    });
    expect(await ask(port, closing('GET /b/k'))).toMatchObject({
      statusLine: 'HTTP/1.1 403 Forbidden',
      headers: ['Content-Length: 5', 'Connection: close'],
      body: 'never',
    });
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'forwarded', status: 403, upstreamStatus: 403 },
    ]);
  });
});

describe('a body from a file', () => {
  function folderWith(rule: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-respond-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'rules.yaml'), `provider: aws-s3\nrules: [{ fault: { respond: ${rule} } }]`);
    return folder;
  }
  const complaint = async (folder: string) => {
    const loaded = await loadRules([join(folder, 'rules.yaml')]);
    return 'ok' in loaded ? '' : loaded.diagnostics.map(formatDiagnostic).join('\n').replaceAll(folder, '');
  };

  it('is found beside the rule file from every working directory, and need not be text', async () => {
    const folder = folderWith('{ status: 200, bodyFile: ./answer.bin }');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    writeFileSync(join(folder, 'answer.bin'), bytes);
    const loaded = await loadRules([join(folder, 'rules.yaml')]);
    const { url } = await upstreamSaying();
    const rules = 'ok' in loaded ? loaded.ok : undefined;
    const { port } = await proxyTo(url, { ...(rules && { rules }), stealth: true });
    const answer = await rawExchange(port, closing('GET /b/k'));
    expect(answer.subarray(answer.indexOf('\r\n\r\n') + 4).equals(bytes)).toBe(true);
  });

  it('is refused with its place if it is missing, a folder or larger than 16 MiB', async () => {
    expect(await complaint(folderWith('{ status: 200, bodyFile: nowhere.xml }'))).toContain(
      '/rules.yaml:2:54: there is no file "nowhere.xml" beside the rule file',
    );
    expect(await complaint(folderWith('{ status: 200, bodyFile: . }'))).toContain('"." is not a file');
    const folder = folderWith('{ status: 200, bodyFile: large }');
    writeFileSync(join(folder, 'large'), '');
    truncateSync(join(folder, 'large'), 2 ** 24);
    expect(await complaint(folder)).toBe('');
    truncateSync(join(folder, 'large'), 2 ** 24 + 2 ** 20);
    expect(await complaint(folder)).toContain('"large" has 17MiB; it may have 16MiB');
  });
});
