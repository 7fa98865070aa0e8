import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { ask, closing } from '../faults/faulty.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, type ProxyOptions, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange, readAnswer } from '../support/raw.ts';
import { OK, upstreamSaying } from '../support/through.ts';

/** Starts a proxy that lets requests ask for faults, before an upstream that answers every request in the same way. */
async function proxyBefore(options: ProxyOptions = {}) {
  const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(OK)));
  const { port, proxy } = await proxyTo(upstream.url, { allowHeaderFaults: true, ...options });
  const asked = (fault: string, line = 'GET /b/k', ...headers: string[]) =>
    ask(port, closing(line, `x-brownout-fault: ${fault}`, ...headers));
  const only = async () => {
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    return proxy.journal.entries()[0];
  };
  return { upstream, port, proxy, asked, only, forwarded: () => upstream.received().toString('latin1') };
}

const sigV4 = (signed: string) =>
  `Authorization: AWS4-HMAC-SHA256 Credential=AK/20261120/us-east-1/s3/aws4_request, SignedHeaders=${signed}, Signature=0`;

describe('a fault asked for by a header', () => {
  it('by its code is answered like that of a rule, and has its own name in the journal', async () => {
    const { asked, only, forwarded } = await proxyBefore();
    const { statusLine, headers, body } = await asked('SlowDown');
    expect(statusLine).toBe('HTTP/1.1 503 Slow Down');
    expect(body).toContain('<Code>SlowDown</Code><Message>Please reduce your request rate.</Message>');
    expect(headers).toContain('x-brownout-rule: x-brownout-fault header');
    expect(headers).toContain('x-brownout-fault: error');
    expect(forwarded()).toBe('');
    expect(await only()).toMatchObject({
      outcome: 'injected',
      rule: 'x-brownout-fault header',
      fault: 'error',
      code: 'SlowDown',
      settings: { error: 'SlowDown' },
      status: 503,
    });
  });

  it.each([
    ['{ error: { code: SlowDown, at: commit } }', 'error', 'commit'],
    ['{"error": {"code": "SlowDown", "at": "commit"}}', 'error', 'JSON'],
    ['{ delay: 1ms, error: { code: SlowDown, at: commit } }', 'delay+error', 'two kinds'],
  ])('%s injects %s (%s)', async (fault, kinds) => {
    const { asked, only, forwarded } = await proxyBefore();
    expect((await asked(fault)).statusLine).toBe('HTTP/1.1 503 Slow Down');
    expect(forwarded()).toMatch(/^GET \/b\/k HTTP\/1.1\r\n/);
    expect(await only()).toMatchObject({ fault: kinds, upstreamStatus: 200 });
  });

  it('resets a connection', async () => {
    const { port, only } = await proxyBefore();
    const bytes = await rawExchange(port, closing('GET /b/k', 'X-Brownout-Fault: { reset: { at: commit } }'));
    expect(bytes.length).toBe(0);
    expect(await only()).toMatchObject({ fault: 'reset', status: undefined, upstreamStatus: 200 });
  });

  it('is not forwarded to the upstream, which gets the rest unchanged', async () => {
    const { asked, forwarded } = await proxyBefore();
    await asked('{ delay: 1ms }', 'GET /b//k?x', 'X-One: 1', 'x-one: 2', sigV4('host'));
    expect(forwarded()).toBe(
      `GET /b//k?x HTTP/1.1\r\nHost: storage.example\r\nX-One: 1\r\nx-one: 2\r\n${sigV4('host')}\r\n\r\n`,
    );
  });

  it.each(['{ delay: 1ms }', '{ duplicate: {} }', '{ throttle: { upload: 1MiB } }'])(
    'is not told to the upstream as a trailer either, while %s goes on',
    async (fault) => {
      const { port, only, forwarded } = await proxyBefore();
      const head = `PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-brownout-fault: ${fault}\r\n`;
      const body = '3\r\nabc\r\n0\r\nX-Brownout-Fault: SlowDown\r\nX-Sum: 1\r\n\r\n';
      await rawExchange(port, `${head}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${body}`);
      await only();
      expect(forwarded()).toContain('\r\nX-Sum: 1\r\n\r\n');
      expect(forwarded()).not.toMatch(/brownout/i);
    },
  );

  it('comes before rules and sessions, which do not count the request and say why', async () => {
    const rules = rulesOf(
      'rules: [{ name: all, fault: { error: InternalError } }, { name: puts, match: { method: PUT }, fault: { error: InternalError } }]',
    );
    const { proxy, asked, only } = await proxyBefore({ rules });
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: ['NoSuchKey'] } });
    expect((await asked('SlowDown')).body).toContain('<Code>SlowDown</Code>');
    expect(rules.rules[0]?.counts).toMatchObject({ matched: 0, fired: 0 });
    expect(await only()).toMatchObject({ session: session.id });
    const said = proxy.journal.verdicts(1)?.map(({ rule, fires, why }) => [rule.name, fires, why]);
    expect(said).toEqual([
      ['x-brownout-fault header', true, 'it matches'],
      [
        expect.stringMatching(/^session [0-9a-f]{8}$/),
        false,
        'an earlier rule fired: x-brownout-fault header',
      ],
      ['all', false, 'an earlier rule fired: x-brownout-fault header'],
      ['puts', false, 'method is GET, rule wants PUT'],
    ]);
    expect((await asked('SlowDown')).body).toContain('<Code>SlowDown</Code>');
    expect(session.report().plan).toMatchObject({ GetObject: [{ state: 'waiting' }] });
  });

  it('counts as an attempt for the rules', async () => {
    const rules = rulesOf('rules: [{ match: { attempt: 2 }, fault: { error: InternalError } }]');
    const { port, proxy, asked } = await proxyBefore({ rules });
    await asked('SlowDown');
    expect((await ask(port, closing('GET /b/k'))).body).toContain('<Code>InternalError</Code>');
    await eventually('both are over', () => proxy.journal.count === 2);
    expect(proxy.journal.entries().map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('has one label in the metrics', async () => {
    const { proxy, asked } = await proxyBefore();
    await asked('SlowDown');
    await asked('{ error: { code: SlowDown, message: two } }');
    await eventually('both are over', () => proxy.journal.count === 2);
    expect(await proxy.metrics.registry.metrics()).toContain(
      'brownout_faults_injected_total{rule="x-brownout-fault header",fault="error",code="SlowDown",operation="GetObject"} 2',
    );
  });

  it('draws a number that depends only on the request', async () => {
    const { proxy, asked } = await proxyBefore();
    for (const line of ['GET /b/1', 'GET /b/1', 'GET /b/2'])
      await asked('{ delay: { min: 0ms, max: 5ms } }', line);
    await eventually('all are over', () => proxy.journal.count === 3);
    const [first, second, third] = proxy.journal.entries().map(({ settings }) => settings);
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
  });

  it('reads text beyond ASCII as UTF-8', async () => {
    const { port } = await proxyBefore();
    const head = closing('GET /b/k', 'x-brownout-fault: { error: { code: SlowDown, message: 请慢一点 } }');
    const answer = readAnswer(await rawExchange(port, Buffer.from(head)));
    expect(answer?.body).toContain('<Message>请慢一点</Message>');
  });

  it('fires on preflights too, which rules do not match', async () => {
    const { asked } = await proxyBefore();
    const preflight = ['Origin: http://a', 'Access-Control-Request-Method: PUT'];
    expect((await asked('SlowDown', 'OPTIONS /b/k', ...preflight)).statusLine).toMatch(/503/);
  });

  it('is not read unless it was allowed: the header is forwarded unchanged', async () => {
    const { asked, only, forwarded } = await proxyBefore({ allowHeaderFaults: false });
    expect((await asked('SlowDown', 'GET /b/k', 'X-BROWNOUT-FAULT: { x')).body).toBe('ok');
    expect(forwarded()).toContain('\r\nx-brownout-fault: SlowDown\r\nX-BROWNOUT-FAULT: { x\r\n');
    expect(await only()).toMatchObject({ outcome: 'forwarded' });
  });
});

describe('the codes of a fault by header', () => {
  /** Returns the first line of the answer, from a proxy with or without a provider. */
  const answered = async (provider: string | undefined, fault: string, ...headers: string[]) => {
    const proxy = await startProxy({ upstream: 'memory:', allowHeaderFaults: true, provider });
    onTestFinished(() => proxy.close(0));
    const line = closing('PUT /b/k', `x-brownout-fault: ${fault}`, 'Content-Length: 0', ...headers);
    const { statusLine, body } = await ask(Number(new URL(proxy.url).port), line);
    return `${statusLine} ${body}`;
  };

  it.each([
    [undefined, 'SlowDown', [], 'HTTP/1.1 503 Slow Down'],
    [undefined, 'CallbackFailed', ['Authorization: OSS AK:c2ln'], 'HTTP/1.1 203'],
    [undefined, 'SlowDown', ['Authorization: jingdong AK:c2ln'], 'HTTP/1.1 400'],
    ['jd-jss', 'SlowDown', [sigV4('host')], 'HTTP/1.1 400'],
  ])(
    'are those of the proxy’s provider, or else of the client’s: %s, %s, %j',
    async (provider, fault, headers, status) => {
      expect(await answered(provider, fault, ...headers)).toContain(status);
    },
  );

  it('are refused with the provider that they belong to', async () => {
    expect(await answered('jd-jss', 'XAmzContentSHA256Mismatch')).toContain('it is a code of aws-s3');
  });
});

describe('a request is refused', () => {
  it.each([
    ['a SigV4 signature', 'GET /b/k', [sigV4('host;x-brownout-fault;x-amz-date')]],
    [
      'a presigned SigV4 URL',
      'GET /b/k?X-Amz-Credential=AK%2F20261120%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host%3Bx-brownout-fault&X-Amz-Signature=0',
      [],
    ],
    [
      'an OSS V4 signature',
      'GET /b/k',
      [
        'Authorization: OSS4-HMAC-SHA256 Credential=AK/20261120/cn-hangzhou/oss/aliyun_v4_request,AdditionalHeaders=host;x-brownout-fault,Signature=0',
      ],
    ],
    [
      'a presigned OSS V4 URL',
      'GET /b/k?x-oss-credential=AK%2F20261120%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-additional-headers=x-brownout-fault&x-oss-signature=0',
      [],
    ],
  ])('if its header is among those of %s', async (_, line, headers) => {
    const { asked, only, forwarded } = await proxyBefore();
    const { statusLine, body, headers: answered } = await asked('SlowDown', line, ...headers);
    expect(statusLine).toBe('HTTP/1.1 400 Bad Request');
    expect(body).toContain(
      '<Code>InvalidArgument</Code><Message>brownout: x-brownout-fault is among the signed headers',
    );
    expect(body).toContain('add it after signing');
    expect(answered.filter((each) => each.startsWith('x-brownout-'))).toEqual([
      expect.stringMatching(/^x-brownout-refused: x-brownout-fault is among the signed headers/),
    ]);
    expect(forwarded()).toBe('');
    expect(await only()).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('add it after signing'),
      status: 400,
      rule: undefined,
      fault: undefined,
    });
  });

  it('not if its signature covers other headers', async () => {
    const { asked } = await proxyBefore();
    expect((await asked('SlowDown', 'GET /b/k', sigV4('host;x-brownout-faults'))).statusLine).toMatch(/503/);
  });

  const refused: readonly (readonly [string, string])[] = [
    ['SlowDwon', 'aws-s3 documents no code &quot;SlowDwon&quot;. did you mean &quot;SlowDown&quot;?'],
    ['{ eror: SlowDown }', 'unknown key &quot;eror&quot;. did you mean &quot;error&quot;?'],
    ['{ error: SlowDown', 'the closing &quot;}&quot; is missing'],
    ['{ error: { code: SlowDown, at: commit }, reset: headers }', '&quot;error&quot; never happens'],
    ['', 'is neither a code, such as SlowDown, nor a map of faults'],
    ['[SlowDown]', 'is neither a code, such as SlowDown, nor a map of faults'],
    ['503', 'is neither a code, such as SlowDown, nor a map of faults'],
    ['{}', 'fault is empty'],
    ['reset', 'names a kind of fault, which takes settings: { reset: … }'],
    ['{ respond: { status: 200, bodyFile: /etc/passwd } }', 'rules that are not in a file'],
    ['SlowDown }, { error: InternalError', 'cannot be read'],
    ['{ error: &a { code: *a } }', 'has a map or a list that contains itself'],
    [
      `{ error: [&a [1,1,1,1,1], &b [*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b], &d [*c,*c,*c,*c,*c]] }`,
      'more than 100',
    ],
    ['['.repeat(2000), 'nested too deep'],
    [`{ error: ${'x'.repeat(2048)} }`, 'has 2059 bytes, and may have 2048'],
    ['"\\e[31m\\u0007"', 'documents no code'],
  ];
  it.each(refused.map(([fault, why]) => [fault.slice(0, 60), fault, why]))(
    'if its header has %j',
    async (_, fault, why) => {
      const { asked, forwarded } = await proxyBefore();
      for (const _ of ['read', 'remembered']) {
        const { statusLine, body } = await asked(fault, 'PUT /b/k', 'Content-Length: 0');
        expect(statusLine).toBe('HTTP/1.1 400 Bad Request');
        expect(body).toContain(why);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters that a terminal would obey
        expect(body).not.toMatch(/[\u0007\u001b]/);
      }
      expect(forwarded()).toBe('');
    },
  );

  it('if its header is given twice', async () => {
    const { asked } = await proxyBefore();
    const { statusLine, body } = await asked('SlowDown', 'GET /b/k', 'X-Brownout-Fault: InternalError');
    expect(statusLine).toMatch(/400/);
    expect(body).toContain('is given more than once. put all faults into one map');
  });

  it('in the dialect of its client, and HEAD gets no body', async () => {
    const { asked, port } = await proxyBefore({ provider: 'jd-jss' });
    expect(JSON.parse((await asked('SlowDwon')).body)).toMatchObject({ code: 'InvalidArgument' });
    const head = await rawExchange(port, closing('HEAD /b/k', 'x-brownout-fault: SlowDwon'));
    expect(head.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(?:.+\r\n)*\r\n$/);
    expect(head.toString()).toMatch(/^x-brownout-refused: .* documents no code "SlowDwon"/m);
  });

  it('with a header that is one line of ASCII, with stealth too, and fits into a head', async () => {
    const { port, proxy } = await proxyBefore({ stealth: true });
    const head = closing('HEAD /b/k', `x-brownout-fault: { ${'慢: 1, '.repeat(200)} }`);
    const answer = (await rawExchange(port, Buffer.from(head))).toString('latin1');
    expect(answer).toMatch(/^x-brownout-refused: x-brownout-fault%20[\x21-\x7e]{1,8000}\r$/m);
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.reason?.length).toBeLessThan(900);
  });

  it('and other answers do not have that header', async () => {
    const { asked, only } = await proxyBefore();
    expect((await asked('SlowDown')).headers.join('\n')).not.toContain('x-brownout-refused');
    expect(await only()).toMatchObject({ reason: undefined });
  });

  it('before it sends its body, if it waits for 100 Continue', async () => {
    const { port, proxy } = await proxyBefore();
    const client = rawClient(port);
    const lines = ['PUT /b/k HTTP/1.1', 'Host: h', 'Content-Length: 9', 'Expect: 100-continue'];
    client.socket.write([...lines, 'x-brownout-fault: SlowDwon', '', ''].join('\r\n'));
    await eventually('the connection is over', () => client.closed());
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.verdicts(1)).toEqual([]);
  });

  it('and its upload is read to the end, so that it can read the answer', async () => {
    const { port, proxy } = await proxyBefore();
    const head =
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nx-brownout-fault: SlowDwon\r\nContent-Length: 300000\r\n\r\n';
    const bytes = await rawExchange(port, Buffer.concat([Buffer.from(head), Buffer.alloc(300_000)]));
    expect(readAnswer(bytes)?.body).toContain('SlowDwon');
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]).toMatchObject({ outcome: 'refused', bytesIn: 300_000 });
  });
});
