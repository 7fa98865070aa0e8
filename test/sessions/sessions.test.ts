import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Exchange } from '../../src/exchange/exchange.ts';
import type { ProxyServer } from '../../src/proxy/proxy.ts';
import type { SessionReport } from '../../src/sessions/session.ts';
import type { Instruction, SessionSpec } from '../../src/sessions/spec.ts';
import { ask, closing } from '../faults/faulty.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { makeCertificates } from '../support/certificates.ts';
import { watchedClient } from '../support/endings.ts';
import { presign } from '../support/presign.ts';
import { eventually, type ProxyOptions, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { OK, upstreamSaying } from '../support/through.ts';

const REFUSED = 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n';

/** Starts a proxy before an upstream that answers every request with this. */
async function proxyBefore(options: ProxyOptions = {}, answer = OK) {
  const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(answer)));
  const { port, proxy } = await proxyTo(upstream.url, options);
  /** Sends a request, and returns the status and the code of its answer. */
  const met = async (line: string, ...headers: string[]) => {
    const { statusLine, body } = await ask(port, closing(line, ...headers));
    return `${statusLine.split(' ')[1]} ${/<Code>(.*)<\/Code>/.exec(body)?.[1] ?? ''}`.trim();
  };
  return { port, proxy, upstream, met };
}

const ofKey = (accessKey: string) =>
  `Authorization: AWS4-HMAC-SHA256 Credential=${accessKey}/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0`;

const part = (number: number) => `PUT /b/k?partNumber=${number}&uploadId=u`;

/** Returns the state of each instruction, list by list. */
function states({ plan }: SessionReport): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(plan).map(([name, list]) => [name, list.map(({ state }) => state)]),
  );
}

async function over(proxy: ProxyServer, exchanges: number): Promise<void> {
  await eventually(`${exchanges} exchanges are over`, () => proxy.journal.count === exchanges);
}

describe('the plan of a session', () => {
  it('is taken in order, once, by requests of its key only', async () => {
    const { proxy, met } = await proxyBefore();
    const plan = { GetObject: ['SlowDown', 'InternalError'] };
    const session = await proxy.sessions.open({ key: { accessKey: 'AKIA1' }, plan });
    const asked = [];
    for (const key of ['AKIA1', 'AKIA2', 'AKIA1', 'AKIA1']) asked.push(await met('GET /b/k', ofKey(key)));
    expect(asked).toEqual(['503 SlowDown', '200', '500 InternalError', '200']);
    await over(proxy, 4);
    expect(session.report()).toMatchObject({ exchanges: 3, complete: true });
  });

  it('distinguishes operations and parts', async () => {
    const { proxy, met } = await proxyBefore();
    const plan = { 'UploadPart#3': ['SlowDown'], CompleteMultipartUpload: ['InternalError'] };
    await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    expect(await met(part(1))).toBe('200');
    expect(await met('POST /b/k?uploadId=u')).toBe('500 InternalError');
    expect(await met(part(30))).toBe('200');
    expect(await met(part(3))).toBe('503 SlowDown');
    expect(await met(part(3))).toBe('200');
  });

  it('gives a part the list that stands first, for that part or for any part', async () => {
    const { proxy, met } = await proxyBefore();
    const [any, own] = [{ UploadPart: ['SlowDown'] }, { 'UploadPart#3': ['InternalError'] }];
    await proxy.sessions.open({ key: { bucket: 'b' }, plan: { ...any, ...own } });
    expect([await met(part(3)), await met(part(3))]).toEqual(['503 SlowDown', '500 InternalError']);
    proxy.sessions.endAll();
    await proxy.sessions.open({ key: { bucket: 'b' }, plan: { ...own, ...any } });
    expect([await met(part(3)), await met(part(3))]).toEqual(['500 InternalError', '503 SlowDown']);
  });

  it('forwards a request for each "forward"', async () => {
    const { proxy, met } = await proxyBefore();
    const plan = { GetObject: ['forward', 'SlowDown', 'forward'] };
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    expect([await met('GET /b/k'), await met('GET /b/k')]).toEqual(['200', '503 SlowDown']);
    await over(proxy, 2);
    expect(states(session.report())).toEqual({ GetObject: ['met', 'met', 'waiting'] });
    expect(proxy.journal.entries()[0]).toMatchObject({
      rule: `session ${session.id}: GetObject, 1 of 3`,
      fault: undefined,
      outcome: 'forwarded',
    });
  });

  it('can have every kind of fault, and several at once', async () => {
    const { port, proxy } = await proxyBefore();
    const respond = { respond: { status: 418, headers: ['X-Tea: yes'], body: 'short' }, delay: '1ms' };
    const plan = { GetObject: [{ reset: { at: 'commit' } }, respond] } as const;
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    expect((await rawExchange(port, closing('GET /b/k'))).length).toBe(0);
    expect((await ask(port, closing('GET /b/k'))).statusLine).toMatch(/^HTTP\/1\.1 418/);
    await over(proxy, 2);
    expect(proxy.journal.entries().map(({ fault, upstreamStatus }) => [fault, upstreamStatus])).toEqual([
      ['reset', 200],
      ['delay+respond', undefined],
    ]);
    expect(session.report().complete).toBe(true);
  });

  it('comes before the rules, which are asked when all its instructions are taken', async () => {
    const rules = rulesOf('rules: [{ name: denied, trigger: { limit: 1 }, fault: { error: AccessDenied } }]');
    const { proxy, met } = await proxyBefore({ rules });
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: ['SlowDown'] } });
    expect(await met('GET /b/k')).toBe('503 SlowDown');
    expect(await met('GET /b/k')).toBe('403 AccessDenied');
    expect(await met('GET /b/k')).toBe('200');
    await over(proxy, 3);
    expect(proxy.journal.entries().map((entry) => [entry.session, entry.rule])).toEqual([
      [session.id, `session ${session.id}: GetObject, 1 of 1`],
      [session.id, 'denied'],
      [session.id, undefined],
    ]);
    expect(session.report().exchanges).toBe(3);
  });

  it('does not change the attempt number that rules see', async () => {
    const rules = rulesOf('rules: [{ match: { attempt: 2 }, fault: { error: AccessDenied } }]');
    const { proxy, met } = await proxyBefore({ rules });
    await proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: ['SlowDown'] } });
    expect([await met('GET /b/k'), await met('GET /b/k')]).toEqual(['503 SlowDown', '403 AccessDenied']);
  });

  it('uses the provider of the proxy, or its own', async () => {
    const { port, proxy } = await proxyBefore();
    const spec = { provider: 'huawei-obs', plan: { GetObject: ['SlowDown'] } };
    await proxy.sessions.open({ key: { bucket: 'b' }, ...spec });
    expect((await ask(port, closing('GET /b/k'))).headers.join()).toContain('x-obs-request-id');
  });
});

describe('the key of a session', () => {
  it.each([
    ['SigV4', 'GET /b/k', ofKey('AKIA1')],
    ['SigV2', 'GET /b/k', 'Authorization: AWS AKIA1:c2lnbmF0dXJl'],
    ['OSS', 'GET /b/k', 'Authorization: OSS AKIA1:c2lnbmF0dXJl'],
    ['OBS', 'GET /b/k', 'Authorization: OBS AKIA1:c2lnbmF0dXJl'],
    [
      'a presigned URL',
      `GET ${presign('GET', 'http://h/b/k', { accessKey: 'AKIA1', secretKey: 's' }).slice(8)}`,
    ],
    ['a presigned URL of OSS', 'GET /b/k?OSSAccessKeyId=AKIA1&Expires=1&Signature=x'],
  ])('matches the access key of %s', async (_, line, ...headers) => {
    const { proxy, met } = await proxyBefore();
    await proxy.sessions.open({ key: { accessKey: 'AKIA1' }, plan: { GetObject: ['SlowDown'] } });
    expect(
      await met(
        line.replaceAll('AKIA1', 'AKIA10'),
        ...headers.map((each) => each.replace('AKIA1', 'AKIA10')),
      ),
    ).toBe('200');
    expect(await met(line, ...headers)).toBe('503 SlowDown');
  });

  it.each<[string, SessionSpec['key'], string, string[], string, string[]]>([
    ['a bucket', { bucket: 'b' }, 'GET /b/k', [], 'GET /bb/k', []],
    ['a prefix', { prefix: 'job 7/' }, 'GET /b/job%207/k', [], 'GET /b/a/job%207/', []],
    ['a header', { header: { 'X-Test': 'a/*' } }, 'GET /b/k', ['x-test: a/*'], 'GET /b/k', ['x-test: a/b']],
    [
      'two headers',
      { header: { 'x-a': '1', 'x-b': '2' } },
      'GET /b/k',
      ['x-b: 2', 'x-a: 1'],
      'GET /b/k',
      ['x-a: 1'],
    ],
    [
      'all of these',
      { bucket: 'b', prefix: 'k', accessKey: 'A' },
      'GET /b/k',
      [ofKey('A')],
      'GET /c/k',
      [ofKey('A')],
    ],
    ['both of these', { header: { a: '' }, bucket: 'b' }, 'GET /b/k', ['a:'], 'GET /b/k', []],
  ])('may be %s', async (_, key, line, headers, otherLine, otherHeaders) => {
    const { proxy, met } = await proxyBefore();
    await proxy.sessions.open({ key, plan: { GetObject: ['SlowDown'] } });
    expect(await met(otherLine, ...otherHeaders)).toBe('200');
    expect(await met(line, ...headers)).toBe('503 SlowDown');
  });

  it('may be its own port, which is closed when the session ends', async () => {
    const { proxy, met } = await proxyBefore();
    const plan = { GetObject: ['SlowDown', 'InternalError'] };
    const session = await proxy.sessions.open({ key: { port: 0 }, plan });
    const own = Number(new URL(session.report().url ?? '').port);
    expect(await met('GET /b/k')).toBe('200');
    expect((await ask(own, closing('GET /b/k'))).statusLine).toContain('503');
    expect((await ask(own, closing('PUT /c/k', 'Content-Length: 0'))).statusLine).toContain('200');
    await over(proxy, 3);
    expect(proxy.journal.entries().map((entry) => entry.session)).toEqual([
      undefined,
      session.id,
      session.id,
    ]);
    const client = rawClient(own);
    client.socket.on('error', () => {});
    proxy.sessions.end(session);
    await eventually('the connection is cut', () => client.closed());
    expect(await connects(own)).toBe(false);
  });

  it('may be a port of a proxy with TLS, which then speaks TLS too', async () => {
    const certificates = await makeCertificates();
    onTestFinished(() => certificates.remove());
    const { proxy } = await proxyBefore({ tls: certificates });
    const session = await proxy.sessions.open({ key: { port: 0 }, plan: { GetObject: ['SlowDown'] } });
    const url = session.report().url ?? '';
    expect(url).toMatch(/^https:/);
    const client = watchedClient(Number(new URL(url).port), certificates.ca);
    client.socket.write(closing('GET /b/k'));
    await client.ending;
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('may be a port and other conditions, which must all hold', async () => {
    const { proxy } = await proxyBefore();
    const key = { port: 0, accessKey: 'AKIA1' };
    const { url = '' } = (await proxy.sessions.open({ key, plan: { GetObject: ['SlowDown'] } })).report();
    const own = Number(new URL(url).port);
    expect((await ask(own, closing('GET /b/k', ofKey('AKIA2')))).statusLine).toContain('200');
    expect((await ask(own, closing('GET /b/k', ofKey('AKIA1')))).statusLine).toContain('503');
  });

  it('may not be that of another active session', async () => {
    const { proxy } = await proxyBefore();
    const plan = { GetObject: ['SlowDown'] };
    const first = await proxy.sessions.open({
      key: { bucket: 'b', header: { 'X-A': '1', 'x-b': '2' } },
      plan,
    });
    const again = () =>
      proxy.sessions.open({ key: { header: { 'X-B': '2', 'x-a': '1' }, bucket: 'b' }, plan });
    await expect(again()).rejects.toThrow(
      `session ${first.id} has the same key, so requests would belong to both. end it first, or give this one another key`,
    );
    await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    await proxy.sessions.open({ key: { port: 0 }, plan });
    await proxy.sessions.open({ key: { port: 0 }, plan });
    proxy.sessions.end(first);
    await again();
    expect(proxy.sessions.all.length).toBe(4);
  });

  it('may not be a port that is in use, and then no session is left behind', async () => {
    const { port, proxy } = await proxyBefore();
    const spec = { key: { port }, plan: { GetObject: ['SlowDown'] } };
    await expect(proxy.sessions.open(spec)).rejects.toThrow(
      `port ${port} of 127.0.0.1 is taken; port 0 takes a free one`,
    );
    expect(proxy.sessions.all).toEqual([]);
  });

  it('of several sessions may match one request, and the oldest is asked first', async () => {
    const { proxy, met } = await proxyBefore();
    const plan = { GetObject: ['SlowDown'] };
    const older = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    const younger = await proxy.sessions.open({
      key: { accessKey: 'A' },
      plan: { GetObject: ['InternalError'] },
    });
    expect(await met('GET /b/k', ofKey('A'))).toBe('503 SlowDown');
    expect(await met('GET /b/k', ofKey('A'))).toBe('500 InternalError');
    expect(await met('GET /b/k', ofKey('A'))).toBe('200');
    await over(proxy, 3);
    expect(proxy.journal.entries().map((entry) => entry.session)).toEqual([older.id, younger.id, older.id]);
    for (const [session, exchange] of [
      [older, 1],
      [younger, 2],
    ] as const) {
      const { exchanges, complete, plan: done } = session.report();
      expect([exchanges, complete, done.GetObject?.[0]?.exchange]).toEqual([3, true, exchange]);
    }
  });
});

async function connects(port: number): Promise<boolean> {
  const { socket } = rawClient(port);
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
}

describe('the report of a session', () => {
  it('says which exchange met each instruction, and which ones are waiting', async () => {
    const { proxy, met } = await proxyBefore();
    const key = { bucket: 'b' };
    const reset = { reset: { at: 'commit' } } as const;
    const plan = { 'UploadPart#3': ['SlowDown', reset], GetObject: ['forward'] };
    const session = await proxy.sessions.open({ key, plan, seed: 7 });
    await met('GET /c/k');
    await met(part(3));
    await over(proxy, 2);
    expect(session.report()).toEqual({
      id: session.id,
      key,
      provider: 'aws-s3',
      seed: 7,
      expires: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      exchanges: 1,
      complete: false,
      instructions: { waiting: 2, 'under way': 0, met: 1, 'passed over': 0 },
      plan: {
        'UploadPart#3': [
          { instruction: 'SlowDown', state: 'met', exchange: 2, outcome: 'injected' },
          { instruction: reset, state: 'waiting' },
        ],
        GetObject: [{ instruction: 'forward', state: 'waiting' }],
      },
    });
  });

  it('says that a delay is under way, and then that it was met although the client left', async () => {
    const { port, proxy } = await proxyBefore();
    const plan = { GetObject: [{ delay: '1h' }] };
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('the request has come', () => session.report().exchanges === 1);
    expect(session.report().plan.GetObject).toEqual([{ instruction: { delay: '1h' }, state: 'under way' }]);
    client.socket.destroy();
    await over(proxy, 1);
    expect(session.report().plan.GetObject).toEqual([
      { instruction: { delay: '1h' }, state: 'met', exchange: 1, outcome: 'client-left' },
    ]);
    expect(session.report().complete).toBe(true);
  });

  it.each<[string, string, Instruction]>([
    ['a delay of the answer', 'met', { delay: { for: '1h', at: 'commit' } }],
    ['a stall', 'met', { stall: { at: 'headers' } }],
    ['a stall for a time', 'met', { stall: { at: 'response:1B', for: '1h' } }],
    ['a throttle', 'met', { throttle: { download: 1 } }],
    ['a delay after which the error would have come', 'passed over', { delay: '1h', error: 'SlowDown' }],
    ['the wait of an error', 'passed over', { error: { code: 'SlowDown', after: '1h' } }],
  ])('says after a client has left during %s: %s', async (_, state, instruction) => {
    const { port, proxy } = await proxyBefore();
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: [instruction] } });
    const wait = vi.spyOn(Exchange.prototype, 'wait');
    onTestFinished(() => wait.mockRestore());
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('it waits', () => wait.mock.calls.length > 0);
    client.socket.destroy();
    await over(proxy, 1);
    expect(states(session.report())).toEqual({ GetObject: [state] });
  });

  it('says that a delay of the answer was passed over if the client left before the answer', async () => {
    const upstream = await upstreamSaying();
    const { port, proxy } = await proxyTo(upstream.url);
    const plan = { GetObject: [{ delay: { for: '1h', at: 'commit' } }] } as const;
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('the upstream is asked', () => upstream.received().length > 0);
    client.socket.destroy();
    await over(proxy, 1);
    expect(states(session.report())).toEqual({ GetObject: ['passed over'] });
  });

  it.each<[string, SessionSpec['plan'], string, string[]]>([
    ['an upload is too short', { PutObject: [{ stall: { at: 'body:5MiB', for: '1s' } }] }, 'PUT /b/k', []],
    ['an upload has no byte to flip', { PutObject: [{ corrupt: 'upload' }] }, 'PUT /b/k', []],
    ['an answer is too short', { GetObject: [{ truncate: { at: 'response:3B' } }] }, 'GET /b/k', []],
    ['a HEAD has no body', { HeadObject: [{ corrupt: 'download' }] }, 'HEAD /b/k', []],
    ['an answer has no ETag', { GetObject: [{ corrupt: { header: 'etag' } }] }, 'GET /b/k', []],
    ['no key matches', { DeleteObjects: [{ partial: { keys: 'none' } }] }, 'POST /b?delete', []],
    [
      'a body is too long',
      { PutObject: [{ duplicate: { limit: '1B' } }] },
      'PUT /b/k',
      ['Content-Length: 2'],
    ],
  ])('says that an instruction was passed over if %s', async (_, plan, line, headers) => {
    const { port, proxy } = await proxyBefore();
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    await ask(port, closing(line, ...headers) + (headers.length > 0 ? 'ab' : ''));
    await over(proxy, 1);
    expect(Object.values(states(session.report()))).toEqual([['passed over']]);
    expect(session.report().complete).toBe(false);
  });

  it.each([
    ['an error at commit', { error: { code: 'InternalError', at: 'commit' } }, 'forwarded'],
    ['one of two faults', { delay: '1ms', error: { code: 'InternalError', at: 'commit' } }, 'injected'],
  ] as const)('says that %s was passed over if the upstream refused', async (_, instruction, outcome) => {
    const { proxy, met } = await proxyBefore({}, REFUSED);
    const plan = { PutObject: [instruction] };
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    expect(await met('PUT /b/k', 'Content-Length: 0')).toBe('403');
    await over(proxy, 1);
    expect(session.report().plan.PutObject).toEqual([
      { instruction, state: 'passed over', exchange: 1, outcome },
    ]);
  });

  it('says that a "forward" was passed over if the upstream gave no answer', async () => {
    const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.destroy()));
    const { port, proxy } = await proxyTo(upstream.url);
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: ['forward'] } });
    await ask(port, closing('GET /b/k'));
    await over(proxy, 1);
    expect(session.report().plan.GetObject).toEqual([
      { instruction: 'forward', state: 'passed over', exchange: 1, outcome: 'upstream-failed' },
    ]);
  });
});

describe('a session outside its report', () => {
  it('has the same label in the metrics as all other sessions', async () => {
    const rules = rulesOf('rules: [{ name: other, match: { method: PUT }, fault: { error: SlowDown } }]');
    const { proxy, met } = await proxyBefore({ rules });
    for (const bucket of ['a', 'b']) {
      await proxy.sessions.open({ key: { bucket }, plan: { GetObject: ['SlowDown', 'forward'] } });
      for (const _ of [1, 2]) await met(`GET /${bucket}/k`);
    }
    await over(proxy, 4);
    const text = await proxy.metrics.registry.metrics();
    expect(text).toContain(
      'brownout_faults_injected_total{rule="session",fault="error",code="SlowDown",operation="GetObject"} 2\n',
    );
    expect(text.match(/^brownout_rule_matches_total.*$/gm)).toEqual([
      'brownout_rule_matches_total{rule="other"} 0',
    ]);
    expect(text).not.toContain('1 of 2');
  });

  it('has one verdict in the journal, before those of the rules', async () => {
    const rules = rulesOf('rules: [{ name: denied, fault: { error: AccessDenied } }]');
    const { proxy, met } = await proxyBefore({ rules });
    const plan = { GetObject: ['SlowDown', 'forward'], 'UploadPart#3': ['SlowDown'] };
    const { id } = await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    const other = await proxy.sessions.open({ key: { accessKey: 'A' }, plan: { PutObject: ['SlowDown'] } });
    for (const line of ['GET /b/k', 'GET /b/k', 'GET /b/k', 'PUT /b/k']) await met(line, ofKey('A'));
    await over(proxy, 4);
    const said = (entry: number) =>
      proxy.journal
        .verdicts(entry)
        ?.map(({ rule, fires, why }) => `${fires ? '✓' : '✗'} ${rule.name}: ${why}`);
    const earlier = (rule: string) => `an earlier rule fired: session ${rule}`;
    const before = [
      [
        `✓ session ${id}: GetObject, 1 of 2: it is the next of the plan`,
        `✗ session ${other.id}: ${earlier(`${id}: GetObject, 1 of 2`)}`,
        `✗ denied: ${earlier(`${id}: GetObject, 1 of 2`)}`,
      ],
      [
        `✓ session ${id}: GetObject, 2 of 2: it is the next of the plan`,
        `✗ session ${other.id}: ${earlier(`${id}: GetObject, 2 of 2`)}`,
        `✗ denied: ${earlier(`${id}: GetObject, 2 of 2`)}`,
      ],
      [
        `✗ session ${id}: earlier requests have taken all its instructions for such requests`,
        `✗ session ${other.id}: its plan is for PutObject`,
        '✓ denied: it matches',
      ],
      [
        `✗ session ${id}: its plan is for GetObject or UploadPart#3`,
        `✓ session ${other.id}: PutObject, 1 of 1: it is the next of the plan`,
        `✗ denied: ${earlier(`${other.id}: PutObject, 1 of 1`)}`,
      ],
    ];
    expect([1, 2, 3, 4].map(said)).toEqual(before);
    proxy.sessions.endAll();
    expect([1, 2, 3, 4].map(said)).toEqual(before);
  });

  it('names a few lists of a long plan in its verdict', async () => {
    const { proxy, met } = await proxyBefore();
    const plan = Object.fromEntries(
      Array.from({ length: 8 }, (_, n) => [`UploadPart#${n + 1}`, ['SlowDown']]),
    );
    await proxy.sessions.open({ key: { bucket: 'b' }, plan });
    await met('GET /b/k');
    await over(proxy, 1);
    expect(proxy.journal.verdicts(1)?.[0]?.why).toBe(
      'its plan is for UploadPart#1, UploadPart#2, UploadPart#3, UploadPart#4, UploadPart#5 or 3 others',
    );
  });

  it('marks its answers', async () => {
    const { port, proxy } = await proxyBefore();
    const { id } = await proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: ['SlowDown'] } });
    const { headers } = await ask(port, closing('GET /b/k'));
    expect(headers).toContain(`x-brownout-rule: session ${id}: GetObject, 1 of 1`);
  });
});
