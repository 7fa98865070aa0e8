import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRecorder } from '../../src/record/recorder.ts';
import { closing, proxyInjecting } from '../faults/faulty.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawExchange } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';
import { answered, counts, dealtWith, filesIn, running, temporaryFolder } from './recorded.ts';

const NO_KEY =
  '<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code><Key>k</Key><RequestId>tx1</RequestId></Error>';
const saying = (status: number | string, body: string, ...headers: string[]) =>
  [
    `HTTP/1.1 ${status}${`${status}`.includes(' ') ? '' : ' X'}`,
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
const GET = closing('GET /b/k');
const COMPLETE = closing('POST /b/k?uploadId=u', 'Content-Length: 0');

/** A brownout that records into a folder of its own, before an upstream that gives these answers in turn, the last for ever. */
async function recording(...answers: (string | Buffer)[]) {
  let count = 0;
  const upstream = await upstreamSaying((socket) => {
    socket.on('data', () => socket.write(answers[Math.min(count++, answers.length - 1)] ?? ''));
  });
  const folder = join(await temporaryFolder(), 'made/by/record');
  const proxy = await running({ upstream: upstream.url, record: folder });
  return { ...proxy, proxy, upstream, folder, port: proxy.port };
}

/** A brownout before nothing, with what was recorded for rules. */
function serving(folder: string) {
  return running({ upstream: 'memory:', rules: [folder], stealth: true });
}

describe('a recorded error of the upstream is repeated byte for byte', () => {
  it.each([
    [
      'a body with a length',
      saying('404 Not Found', NO_KEY, 'Server: X', 'Date: Thu, 19 Nov 2026 01:02:03 GMT'),
      GET,
    ],
    ['another reason phrase', saying('503 Slow Down', NO_KEY), GET],
    ['no reason phrase', saying('404 ', NO_KEY), GET],
    ['a status of no standard', saying('567 none known', 'upload success but callback failed.\n'), GET],
    [
      'headers in any order and letter case, repeated and empty',
      saying(403, '', 'x-B: 1', 'X-a: 2', 'X-b: 3', 'x-B: 4', 'X-Empty: '),
      GET,
    ],
    ['text beyond ASCII', saying('403 不行', '{"message":"不行"}', 'X-A: 桶'), GET],
    [
      'CR LF and no end of line',
      saying(400, '\r\n\r\n<Error>\r\n <Code>MalformedXML</Code>\r\n</Error>'),
      GET,
    ],
    [
      'bytes that are no text',
      Buffer.from(`${saying(500, '1234').slice(0, -4)}\0\x01\xfe\xff`, 'latin1'),
      GET,
    ],
    ['a body of 100 KiB', saying(502, '<p>502</p>\n'.repeat(10_000)), GET],
    [
      'an answer to HEAD',
      `HTTP/1.1 404 Not Found\r\nContent-Length: 1234\r\nETag: "x"\r\n\r\n`,
      closing('HEAD /b/k'),
    ],
    ['a 304', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', closing('GET /b/k', 'If-None-Match: "x"')],
    ['a redirect', saying('307 Temporary Redirect', '', 'Location: http://other/b/k?a=b'), GET],
    ['a 412', saying(412, NO_KEY), closing('PUT /b/k', 'If-None-Match: *', 'Content-Length: 0')],
    ['an error inside a 200', saying(200, `\r\n\r\n${NO_KEY}`), COMPLETE],
    [
      'a 203',
      saying('203 Non-Authoritative Information', NO_KEY, 'ETag: "x"'),
      closing('PUT /b/k', 'Content-Length: 0'),
    ],
    ['a part', saying(404, NO_KEY), closing('PUT /b/k?partNumber=7&uploadId=u', 'Content-Length: 0')],
  ])('%s', async (_, answer, request) => {
    const { port, proxy, upstream, folder } = await recording(answer);
    const direct = await answered(upstream.port, request);
    const relayed = await answered(port, request);
    await dealtWith(proxy, 1);
    const again = await answered((await serving(folder)).port, request);
    expect(again).toEqual(relayed);
    expect(again).toEqual(direct);
  });

  it('with chunks if its header says so', async () => {
    const { port, proxy, folder } = await recording(
      'HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\n<a>\r\n4\r\n</a>\r\n0\r\n\r\n',
    );
    await answered(port, GET);
    await dealtWith(proxy, 1);
    const again = await answered((await serving(folder)).port, GET);
    expect(again).toEqual({
      statusLine: 'HTTP/1.1 404 X',
      headers: ['Transfer-Encoding: chunked', 'X-A: 1'],
      body: '<a></a>',
    });
  });

  it('if it is an error of the embedded store', async () => {
    const folder = await temporaryFolder();
    const proxy = await running({ upstream: 'memory:', record: folder });
    const relayed = await answered(proxy.port, GET);
    await dealtWith(proxy, 1);
    expect([...(await filesIn(folder)).keys()][0]).toContain('GetObject-404-NoSuchBucket');
    expect(await answered((await serving(folder)).port, GET)).toEqual(relayed);
  });

  it('to the request that met it, also if several requests are for one object', async () => {
    const one = ['If-None-Match: "x"', 'Range: bytes=9-10', 'If-Match: "y"', 'X: plain'];
    const upstream = await upstreamSaying((socket) => {
      socket.on('data', (chunk) => {
        const which = one.findIndex((header) => chunk.includes(header));
        const status = chunk.includes('versionId') ? 405 : ([304, 416, 412][which] ?? 403);
        socket.write(status === 304 ? 'HTTP/1.1 304 X\r\n\r\n' : saying(status, NO_KEY));
      });
    });
    const folder = await temporaryFolder();
    const proxy = await running({ upstream: upstream.url, record: folder });
    const requests = [
      ...one.map((header) => closing('GET /b/k', header)),
      closing('GET /b/k?versionId=v'),
    ].reverse();
    for (const request of requests) await answered(proxy.port, request);
    await dealtWith(proxy, 5);
    const { port } = await serving(folder);
    const statuses: string[] = [];
    for (const request of requests) statuses.push((await answered(port, request)).statusLine.slice(9, 12));
    expect(statuses).toEqual(['405', '403', '412', '416', '304']);
    expect((await answered(port, closing('GET /b/other'))).statusLine).toContain('404');
  });
});

describe('which answers are recorded', () => {
  const written = async (request: string, answer: string) => {
    const { port, proxy, folder } = await recording(answer);
    await answered(port, request);
    await proxy.close();
    return [...(await filesIn(folder)).keys()].map((name) => name.replace(/^[\dTZ-]+Z-/, ''));
  };

  it.each([
    ['a 200 of GET whose object is an error document', GET, saying(200, NO_KEY)],
    ['a 200 without an error', COMPLETE, saying(200, '<CompleteMultipartUploadResult/>')],
    ['the answer of a callback server', COMPLETE, saying(200, '{"code":"0"}')],
    [
      'a DeleteObjects of which some failed',
      closing('POST /b?delete', 'Content-Length: 0'),
      saying(200, '<DeleteResult><Error><Code>A</Code></Error></DeleteResult>'),
    ],
    ['a 204', closing('DELETE /b/k'), 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['an error that another brownout injected', GET, saying(404, NO_KEY, 'x-brownout-rule: r')],
  ])('not %s', async (_, request, answer) => {
    expect(await written(request, answer)).toEqual([]);
  });

  it.each([
    ['GetObject-404-NoSuchKey-1.yaml', GET, saying(404, NO_KEY)],
    ['GetObject-404-1.yaml', GET, saying(404, '<html>')],
    ['HeadObject-400-1.yaml', closing('HEAD /b/k'), 'HTTP/1.1 400 X\r\n\r\n'],
    ['CompleteMultipartUpload-200-NoSuchKey-1.yaml', COMPLETE, saying(200, NO_KEY)],
    [
      'DeleteObjects-200-NoSuchKey-1.yaml',
      closing('POST /b?delete', 'Content-Length: 0'),
      saying(200, NO_KEY),
    ],
    [
      'GetObject-500-..-..-a-1.yaml',
      closing('GET /b/..%2F..%2Fetc'),
      saying(500, '<Error><Code>../../a</Code></Error>'),
    ],
  ])('%s', async (name, request, answer) => {
    expect(await written(request, answer)).toEqual([name]);
  });

  it('not an answer that broke off', async () => {
    const upstream = await upstreamSaying((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nshort')),
    );
    const folder = await temporaryFolder();
    const proxy = await running({ upstream: upstream.url, record: folder });
    await rawExchange(proxy.port, GET);
    await proxy.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('not an answer of brownout: neither an injected one nor its own 502', async () => {
    const folder = await temporaryFolder();
    const rules =
      'provider: aws-s3\nrules: [{ match: { operation: GetObject }, fault: { error: SlowDown } }]';
    const proxy = await running({
      upstream: 'http://127.0.0.1:1',
      record: folder,
      rules: [{ name: 'r', text: rules }],
    });
    expect((await answered(proxy.port, GET)).statusLine).toContain('503');
    expect((await answered(proxy.port, closing('HEAD /b/k'))).statusLine).toContain('502');
    await proxy.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('an error of the upstream behind an injected error, also if its body had to wait', async () => {
    const folder = await temporaryFolder();
    const recorder = await openRecorder(folder);
    for (const fault of [
      '{ error: { code: InternalError, at: embedded } }',
      '{ delay: { for: 30ms, at: commit } }',
    ]) {
      const { port, proxy } = await proxyInjecting(fault, {
        upstream: saying(404, NO_KEY.replace('k<', `${fault.length}<`)),
      });
      proxy.forwarder.subscribe((exchange, answer) => recorder.watch(exchange, answer));
      await rawExchange(
        port,
        closing(fault.includes('embedded') ? 'GET /b/k' : 'PUT /b/k', 'Content-Length: 0'),
      );
    }
    await recorder.close();
    const files = [...(await filesIn(folder)).values()];
    expect(files).toHaveLength(2);
    for (const text of files) expect(text).toContain('<Code>NoSuchKey</Code>');
    expect(files[0]).toContain('# The rule that fired injected error, which may be why.');
  });
});

describe('one of each kind', () => {
  it('is written, with any ids, times and keys; the others are counted', async () => {
    const answers = Array.from({ length: 40 }, (_, i) =>
      saying(404, NO_KEY.replace('tx1', `tx00${i}f`).replace('<Key>k', `<Key>k${i}`), `X-Id: ${i}`),
    );
    const { port, proxy, folder } = await recording(...answers);
    for (let i = 0; i < 40; i++) await answered(port, closing(`GET /b/k${i}`));
    await dealtWith(proxy, 40);
    expect(await counts(proxy)).toEqual({ written: 1, repeated: 39 });
    expect((await filesIn(folder)).size).toBe(1);
  });

  it('differs from others in code, message, status or operation', async () => {
    const other = [
      NO_KEY,
      NO_KEY.replace('NoSuchKey', 'Other'),
      NO_KEY.replace('<Key>', '<Message>No such thing.</Message><Key>'),
    ];
    const { port, proxy, folder } = await recording(
      ...other.map((body) => saying(404, body)),
      saying(410, NO_KEY),
    );
    for (const line of ['GET /b/k', 'GET /b/k', 'GET /b/k', 'GET /b/k', 'PUT /b/k'])
      await answered(port, closing(line, 'Content-Length: 0'));
    await dealtWith(proxy, 5);
    expect((await filesIn(folder)).size).toBe(5);
  });

  it('differs in its head if there is no body', async () => {
    const head = (...headers: string[]) => ['HTTP/1.1 404 X', ...headers, '', ''].join('\r\n');
    const { port, proxy } = await recording(
      head('x-amz-request-id: 1', 'Content-Type: application/xml'),
      head('x-amz-request-id: 2', 'Content-Type: application/xml'),
      head('x-amz-request-id: 3', 'Content-Type: text/html'),
      head('x-obs-error-code: NoSuchKey'),
      head('x-obs-error-code: NoSuchBucket'),
    );
    for (let i = 0; i < 5; i++) await answered(port, closing('HEAD /b/k'));
    await dealtWith(proxy, 5);
    expect(await counts(proxy)).toEqual({ written: 4, repeated: 1 });
  });

  it('is written again by another run, which overwrites nothing', async () => {
    const { port, proxy, upstream, folder } = await recording(saying(404, NO_KEY));
    await answered(port, GET);
    await dealtWith(proxy, 1);
    const second = await running({ upstream: upstream.url, record: folder });
    await answered(second.port, GET);
    await dealtWith(second, 1);
    expect((await filesIn(folder)).size).toBe(2);
  });
});

describe('the folder', () => {
  const failing = (body: string) => saying(404, body);

  it('stays below its limits of files and bytes, those of earlier runs included', async () => {
    const folder = await temporaryFolder();
    const warnings: string[] = [];
    for (const limit of [{ mostRules: 3 }, { mostBytes: 1000 }]) {
      const results: string[] = [];
      const recorder = await openRecorder(folder, {
        ...limit,
        warn: (message) => warnings.push(message),
        report: (result) => results.push(result),
      });
      const upstream = await upstreamSaying((socket) => {
        let count = 0;
        socket.on('data', () => socket.write(failing(`<Error><Code>C${'x'.repeat(++count)}</Code></Error>`)));
      });
      const { port, proxy } = await proxyTo(upstream.url);
      proxy.forwarder.subscribe((exchange, answer) => recorder.watch(exchange, answer));
      for (let i = 0; i < 5; i++) await answered(port, GET);
      await recorder.close();
      expect(results.sort()).toEqual(
        'mostRules' in limit ? ['full', 'full', 'written', 'written', 'written'] : Array(5).fill('full'),
      );
    }
    expect(readdirSync(folder)).toHaveLength(3);
    expect(warnings).toEqual(
      Array(2).fill(
        `"${folder}" has as many recorded errors as it may have. those of other kinds are only counted from now on`,
      ),
    );
  });

  it('may be removed: there is one warning, traffic goes on, and recording goes on when it is back', async () => {
    const folder = await temporaryFolder();
    const warnings: string[] = [];
    const results: string[] = [];
    const recorder = await openRecorder(folder, {
      warn: (message) => warnings.push(message),
      report: (result) => results.push(result),
    });
    const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(failing(NO_KEY))));
    const { port, proxy } = await proxyTo(upstream.url);
    proxy.forwarder.subscribe((exchange, answer) => recorder.watch(exchange, answer));
    const ask = async (results_: number) => {
      expect((await answered(port, GET)).statusLine).toContain('404');
      await eventually('it is dealt with', () => results.length === results_);
    };
    rmSync(folder, { recursive: true });
    await ask(1);
    await ask(2);
    mkdirSync(folder);
    await ask(3);
    await ask(4);
    expect(results).toEqual(['failed', 'failed', 'written', 'repeated']);
    expect(warnings).toEqual([
      `errors cannot be recorded in "${folder}": the folder is gone. they are only counted meanwhile`,
    ]);
  });

  it('keeps no body without its rule, and no file is overwritten', async () => {
    const { port, proxy, folder } = await recording(saying(500, '\0binary'));
    // Whatever second it is.
    const now = Date.now();
    for (let i = 0; i < 30; i++) {
      const second = new Date(now + i * 1000).toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
      symlinkSync('/nowhere/at/all', join(folder, `${second}-GetObject-500-1.yaml`));
    }
    await answered(port, GET);
    await dealtWith(proxy, 1);
    expect(
      readdirSync(folder)
        .filter((name) => !name.endsWith('-1.yaml'))
        .map((name) => name.replace(/^.*Z-/, '')),
    ).toEqual(['GetObject-500-2.body', 'GetObject-500-2.yaml']);
  });

  it('that cannot be opened is refused at the start with the reason', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    writeFileSync(join(folder, 'rules.yaml'), 'rules: []');
    const start = (record: string) => running({ upstream: 'memory:', rules: [folder], record });
    await expect(start(join(folder, 'file'))).rejects.toThrow(
      `errors cannot be recorded in "${join(folder, 'file')}": a file stands where a folder is needed`,
    );
    await expect(start(join(folder, 'file/below'))).rejects.toThrow('a file stands where a folder is needed');
    // Node's recursive mkdir would try for ever here.
    if (existsSync('/proc/self')) await expect(start('/proc/x')).rejects.toThrow('cannot be recorded in');
    await expect(start(`${folder}/.`)).rejects.toThrow(
      'rules are read from there, and what is recorded would be injected. name another folder',
    );
    if (process.getuid?.() !== 0) {
      mkdirSync(join(folder, 'locked'));
      chmodSync(join(folder, 'locked'), 0o500);
      await expect(start(join(folder, 'locked'))).rejects.toThrow('no permission to write there');
    }
  });
});

it('many large errors at once are kept up to a limit, and all of them are relayed', async () => {
  const folder = await temporaryFolder();
  const body = `<Error><Code>A</Code>${'<x>1</x>'.repeat(2 ** 16)}</Error>`;
  const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(saying(500, body))));
  const proxy = await running({ upstream: upstream.url, record: folder });
  const answers = await Promise.all(Array.from({ length: 80 }, () => answered(proxy.port, GET)));
  expect(answers.every((answer) => answer.body === body)).toBe(true);
  await dealtWith(proxy, 80);
  const { written, repeated = 0, dropped = 0 } = await counts(proxy);
  expect([written, repeated + dropped]).toEqual([1, 79]);
});

it('an answer that is not an error is not copied', async () => {
  const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(saying(200, 'ok'))));
  const { port, proxy } = await proxyTo(upstream.url);
  const recorder = await openRecorder(await temporaryFolder());
  let listeners = -1;
  proxy.forwarder.subscribe((exchange, answer) => {
    const before = answer.body.eventNames().length;
    recorder.watch(exchange, answer);
    listeners = answer.body.eventNames().length - before;
  });
  await answered(port, GET);
  expect(listeners).toBe(0);
});
