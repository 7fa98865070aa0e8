import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { refuseUnauthorisedChange } from '../../src/admin/guard.ts';
import { ROUTES } from '../../src/admin/server.ts';
import { type Operator, operator, SLOW } from '../admin/operator.ts';
import { eventually } from '../support/proxy.ts';
import { rawClient, rawExchange, readAnswer } from '../support/raw.ts';

const TOKEN = 'correct-horse-battery';
const bearer = { Authorization: `Bearer ${TOKEN}` };

/** Sends a request with exactly this head. Returns the status, and the detail of a problem. */
async function raw({ adminPort }: Operator, line: string, ...headers: string[]): Promise<string> {
  const head = [`${line} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
  const answer = readAnswer(await rawExchange(adminPort, head), line.split(' ')[0]);
  const status = answer?.statusLine.split(' ')[1] ?? 'none';
  const isProblem = answer?.headers.some((each) => each.includes('problem+json'));
  return isProblem ? `${status} ${JSON.parse(answer?.body ?? '').detail}` : status;
}

describe('a web page cannot', () => {
  it.each([
    'http://evil.example',
    'https://evil.example:9090',
    'http://localhost',
    'http://localhost:3000',
    'null',
    'file://',
    '',
    'http://localhost:9090.evil.example',
    'chrome-extension://abc',
  ])('read or change anything from the origin %j', async (origin) => {
    const admin = await operator();
    const host = 'Host: localhost:9090';
    for (const line of [
      'GET /rules',
      'GET /journal',
      'POST /reset',
      'DELETE /journal',
      'GET /nothing',
      'OPTIONS /rules',
    ]) {
      expect(await raw(admin, line, host, `Origin: ${origin}`)).toMatch(/^403 /);
    }
    expect(admin.changes).toEqual([]);
  });

  it('do so with a token', async () => {
    const admin = await operator({ adminToken: TOKEN });
    const headers = { ...bearer, Origin: 'http://evil.example' };
    expect((await admin.json('/reset', { method: 'POST', headers })).status).toBe(403);
  });

  it.each(['cross-site', 'same-site'])(
    'do so without an Origin, but with Sec-Fetch-Site: %s',
    async (site) => {
      const admin = await operator();
      expect(await raw(admin, 'GET /rules', 'Host: localhost', `Sec-Fetch-Site: ${site}`)).toMatch(/^403 /);
      expect(await raw(admin, 'POST /reset', 'Host: localhost', `Sec-Fetch-Site: ${site}`)).toMatch(/^403 /);
    },
  );

  it.each([
    ['localhost:9090', 'http://localhost:9090'],
    ['localhost', 'http://localhost'],
    ['LOCALHOST:80', 'http://localhost'],
    ['[::1]:9090', 'http://[::1]:9090'],
  ])('read anything unless it comes from the port itself: %s, %s', async (host, origin) => {
    const admin = await operator();
    expect(
      await raw(admin, 'GET /rules', `Host: ${host}`, `Origin: ${origin}`, 'Sec-Fetch-Site: same-origin'),
    ).toBe('200');
    expect(await raw(admin, 'GET /rules', `Host: ${host}`, 'Sec-Fetch-Site: none')).toBe('200');
  });

  it('get permission by a preflight', async () => {
    const { ask } = await operator();
    for (const [method, path] of [
      ['OPTIONS', '/rules'],
      ['GET', '/rules'],
      ['GET', '/healthz'],
    ]) {
      const { headers } = await ask(path ?? '', { method: method ?? '' });
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain;application/json',
    'json',
    '',
  ])('send a change as %j, which needs no preflight', async (type) => {
    const admin = await operator();
    for (const line of [
      'POST /rules',
      'POST /reset',
      'PUT /seed',
      'POST /sessions',
      'POST /rules/slow/disable',
    ]) {
      expect(await raw(admin, line, 'Host: localhost', `Content-Type: ${type}`, 'Content-Length: 0')).toMatch(
        /^415 /,
      );
    }
    expect(admin.changes).toEqual([]);
  });

  it('reach the port by its own name that leads here', async () => {
    const admin = await operator();
    for (const host of [
      'evil.example',
      'evil.example:9090',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'local',
      '1.2.3.4.5',
    ]) {
      const answer = await raw(admin, 'GET /journal', `Host: ${host}`);
      if (host === 'local') expect(answer).toBe('200');
      else expect(answer).toMatch(/^403 .* may be anybody's name for this port/);
    }
    for (const host of [
      '',
      'a b',
      'user@localhost',
      '[::1',
      '[evil.example]',
      'localhost:9090:1',
      'locälhost.de',
    ]) {
      expect(await raw(admin, 'GET /journal', `Host: ${host}`)).toMatch(/^40[03]/);
    }
    expect(await raw(admin, 'GET http://evil.example/journal', 'Host: localhost')).toMatch(/^403/);
    expect(await raw(admin, 'POST /reset', 'Host: evil.example')).toMatch(/^403/);
    expect(admin.changes).toEqual([]);
  });
});

it('a request with more than one Host is refused, even if each of them is allowed', async () => {
  const admin = await operator();
  for (const path of ['/journal', '/healthz']) {
    expect(await raw(admin, `GET ${path}`, 'Host: localhost', 'Host: localhost')).toBe(
      '400 Host is given more than once',
    );
  }
});

describe('the admin port answers requests', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:9090',
    '10.1.2.3',
    '[::1]:9090',
    '[fe80::1]',
    'localhost',
    'LocalHost:1',
    'localhost.',
    'a.localhost',
    'brownout',
    'brownout-admin_1:9090',
    'printer.local',
    'host.docker.internal',
    'brownout.default.svc',
    'brownout.default.svc.cluster.local:9090',
    'chaos.test',
  ])('to the Host %s', async (host) => {
    expect(await raw(await operator(), 'GET /journal', `Host: ${host}`)).toBe('200');
  });

  it('to the name of --admin-host', async () => {
    const admin = await operator({ adminHost: 'localhost' });
    expect(await raw(admin, 'GET /journal', 'Host: localhost')).toBe('200');
  });

  it('to any name with the token', async () => {
    const admin = await operator({ adminToken: TOKEN });
    const host = 'Host: brownout.example.com';
    expect(await raw(admin, 'GET /journal', host)).toMatch(/^403/);
    expect(await raw(admin, 'GET /journal', host, `Authorization: Bearer ${TOKEN}x`)).toMatch(/^403/);
    expect(await raw(admin, 'GET /journal', host, `Authorization: bearer  ${TOKEN}`)).toBe('200');
  });

  it.each(['/healthz', '/readyz', '/metrics'])('of monitors to any name, at %s', async (path) => {
    const admin = await operator();
    for (const host of ['brownout.example.com', 'evil.example']) {
      expect(await raw(admin, `GET ${path}`, `Host: ${host}`, 'Origin: http://evil.example')).toBe('200');
      expect(await raw(admin, `GET ${path}?probe=1`, `Host: ${host}`)).toBe('200');
    }
  });
});

describe('changes', () => {
  const changes = [
    'POST /rules',
    'POST /rules/reload',
    'PUT /rules/slow',
    'DELETE /rules/slow',
    'POST /rules/slow/disable',
    'DELETE /journal',
    'PUT /seed',
    'POST /reset',
    'POST /sessions',
    'DELETE /sessions/x',
  ];

  it('need the token if one is set, on a loopback address too', async () => {
    const admin = await operator({ adminToken: TOKEN });
    for (const line of changes) {
      for (const header of [
        'x: y',
        'Authorization: Bearer',
        `Authorization: Basic ${TOKEN}`,
        `Authorization: ${TOKEN}`,
        'Authorization: Bearer wrong',
        `Authorization: Bearer ${TOKEN} x`,
        `Authorization: Bearer ${TOKEN.slice(1)}`,
      ]) {
        expect(await raw(admin, line, 'Host: localhost', header)).toBe(
          '401 changes need the token: Authorization: Bearer TOKEN',
        );
      }
    }
    const refused = await admin.ask('/reset', { method: 'POST' });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(admin.changes).toEqual([]);
    expect((await admin.ask('/reset', { method: 'POST', headers: bearer })).status).toBe(204);
    expect((await admin.ask('/rules')).status).toBe(200);
  });

  it('are refused if no token is set and other machines reach the port, with a hint', async () => {
    const admin = await operator({ adminHost: '0.0.0.0' });
    for (const line of changes) {
      expect(await raw(admin, line, 'Host: localhost')).toBe(
        '403 this port listens at 0.0.0.0, where others reach it, and takes no changes without a token. set --admin-token, or listen at 127.0.0.1',
      );
    }
    expect((await admin.ask('/rules')).status).toBe(200);
    const open = await operator({ adminHost: '0.0.0.0', adminToken: TOKEN });
    expect((await open.ask('/reset', { method: 'POST', headers: bearer })).status).toBe(204);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.127', false],
    ['::ffff:10.0.0.1', false],
    ['fe80::127.0.0.1', false],
  ])('at %s without a token are allowed: %s', (address, isAllowed) => {
    const access = { token: undefined, host: 'h', address };
    const ask = () => refuseUnauthorisedChange({}, access);
    if (isAllowed) expect(ask).not.toThrow();
    else expect(ask).toThrow('takes no changes without a token');
  });

  it.each([
    '',
    'short',
    'fifteen-letters',
    'sixteen letters and blanks',
    'sechzehn-zeichen-ü',
    'sixteen-letters-\n',
  ])('cannot be guarded by the token %j', async (adminToken) => {
    await expect(operator({ adminToken })).rejects.toThrow(
      'the admin token has 16 or more letters, digits and',
    );
  });
});

describe('reading', () => {
  const open = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/rules.schema.json'];

  it('needs the token if one is set and other machines reach the port, but not for monitors and schemas', async () => {
    const admin = await operator({ adminHost: '0.0.0.0', adminToken: TOKEN });
    for (const { method, path } of ROUTES.filter((route) => route.method === 'GET')) {
      const at = path.replace(/\{.*/, 'x');
      const answer = await raw(admin, `${method} ${at}`, 'Host: localhost');
      if (open.includes(path)) expect(answer).toBe('200');
      else {
        expect(answer).toBe(
          '401 reading needs the token if other machines reach this port: Authorization: Bearer TOKEN',
        );
        expect((await admin.ask(at, { method: 'HEAD' })).status).toBe(401);
      }
    }
    expect((await admin.ask('/journal', { headers: bearer })).status).toBe(200);
    const live = await admin.ask('/journal', { headers: { ...bearer, Accept: 'text/event-stream' } });
    expect(live.status).toBe(200);
    await live.body?.cancel();
  });

  it('needs no token on a loopback address, or if none is set', async () => {
    const one = await operator({ adminToken: TOKEN });
    const other = await operator({ adminHost: '0.0.0.0' });
    for (const admin of [one, other]) expect(await raw(admin, 'GET /journal', 'Host: localhost')).toBe('200');
  });
});

describe('a body', () => {
  it('cannot name files of the machine', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-secret-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'secret'), 'secret');
    writeFileSync(join(folder, 'rules.yaml'), SLOW);
    const { send } = await operator({ rules: [folder] });
    for (const bodyFile of [
      'secret',
      'rules.yaml',
      join(folder, 'secret'),
      '/etc/passwd',
      '../../../etc/passwd',
      'package.json',
    ]) {
      const fault = `{ respond: { status: 200, bodyFile: ${bodyFile} } }`;
      const rules = `provider: aws-s3\nrules: [{ name: slow, fault: ${fault} }]`;
      const plan = `{ key: { bucket: b }, provider: aws-s3, plan: { GetObject: [${fault}] } }`;
      const answers = [
        await send('POST', '/rules', rules.replace('name: slow', 'name: x')),
        await send('PUT', '/rules/slow', rules),
        await send('POST', '/sessions', plan),
      ];
      for (const { status, body } of answers) {
        expect(status).toBe(422);
        expect(JSON.stringify(body)).toContain('bodyFile');
        expect(JSON.stringify(body)).not.toMatch(/"secret"|root:/);
      }
    }
  });

  it('longer than a rule file may be is refused, with or without Content-Length, and the connection stays usable', async () => {
    const admin = await operator();
    const head = 'POST /rules HTTP/1.1\r\nHost: localhost\r\n';
    const next = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const long = 'x'.repeat(1024 ** 2 + 1);
    for (const request of [
      `${head}Content-Length: ${long.length}\r\n\r\n${long}`,
      `${head}Transfer-Encoding: chunked\r\n\r\n${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`,
    ]) {
      const first = readAnswer(await rawExchange(admin.adminPort, request + next));
      expect(first?.statusLine).toBe('HTTP/1.1 413 Payload Too Large');
      expect(JSON.parse(first?.body ?? '').detail).toBe('a body may have 1MiB at most');
      expect(readAnswer(first?.rest ?? Buffer.alloc(0))?.body).toBe('ok\n');
    }
    const limit = `provider: aws-s3\nrules: []\n#${'x'.repeat(1024 ** 2 - 29)}\n`;
    expect((await admin.send('POST', '/rules', limit)).status).toBe(201);
  });

  it('gets 100 Continue only if it will be read', async () => {
    const { adminPort } = await operator({ adminToken: TOKEN });
    const put = (...headers: string[]) =>
      ['PUT /seed HTTP/1.1', 'Host: localhost', 'Expect: 100-continue', ...headers, '', ''].join('\r\n');
    for (const [status, head] of [
      [413, put('Content-Length: 9999999', `Authorization: Bearer ${TOKEN}`)],
      [401, put('Content-Length: 12')],
      [404, put('Content-Length: 12').replace('/seed', '/sed')],
    ]) {
      const answered = await rawExchange(adminPort, String(head));
      expect(answered.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answered.toString()).toMatch(/^Connection: close\r$/m);
    }
    const client = rawClient(adminPort);
    client.socket.write(put('Content-Length: 12', 'Connection: close', `Authorization: Bearer ${TOKEN}`));
    await eventually('it is asked for', () => client.received().toString().endsWith('100 Continue\r\n\r\n'));
    client.socket.write('{"seed": 42}');
    await eventually('it is answered', () => client.received().includes('"seed":42'));
  });

  it('that is not read is not taken for the next request', async () => {
    const { adminPort, changes } = await operator();
    const smuggled = 'POST /reset HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (const line of [
      'GET /healthz',
      'GET /rules',
      'POST /nothing',
      'DELETE /rules/nobody',
      'POST /rules/nobody/disable',
    ]) {
      const answered = await rawExchange(
        adminPort,
        `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect(answered.toString()).toMatch(/ready\n$/);
    }
    expect(changes).toEqual([]);
  });

  it.each([
    ['gzip', Buffer.from('x'), 415],
    ['identity', Buffer.from([0xff, 0xfe]), 400],
  ])('with the encoding %s and bytes that are not UTF-8 is refused', async (encoding, body, status) => {
    const { ask } = await operator();
    const response = await ask('/rules', { method: 'POST', body, headers: { 'Content-Encoding': encoding } });
    expect(response.status).toBe(status);
  });

  it.each([
    ['of braces', '['.repeat(100_000)],
    [
      'of anchors',
      `a: &a [${'x,'.repeat(50)}]\n${Array.from({ length: 30 }, (_, n) => `b${n}: &b${n} [${n ? `*b${n - 1},*b${n - 1}` : '*a'}]`).join('\n')}`,
    ],
    [
      'of a prototype',
      '{"provider":"aws-s3","rules":[{"name":"x","__proto__":{"fault":{"error":"SlowDown"}}}]}',
    ],
    ['of a seed with a prototype', '{"__proto__":{"seed":1}}'],
  ])('%s is refused quickly', async (_, body) => {
    const { send } = await operator();
    for (const [method, path] of [
      ['POST', '/rules'],
      ['POST', '/sessions'],
      ['PUT', '/seed'],
    ]) {
      expect([400, 422]).toContain((await send(method ?? '', path ?? '', body)).status);
    }
  });

  it('that breaks off leaves nothing behind', async () => {
    const admin = await operator();
    const client = rawClient(admin.adminPort);
    client.socket.write('POST /rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nrules');
    await eventually('it is connected', () => client.socket.readyState === 'open');
    client.socket.destroy();
    expect((await admin.json('/rules')).body.rules).toHaveLength(1);
    expect(admin.changes).toEqual([]);
  });
});

describe('a client that holds connections', () => {
  it('gets 256 of them at most', async () => {
    const { adminPort } = await operator();
    const sockets = Array.from({ length: 300 }, () => connect(adminPort, '127.0.0.1').on('error', () => {}));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await eventually(
      'the rest is let go',
      () => sockets.filter((socket) => socket.closed).length === 300 - 256,
    );
  });
});

describe('the journal shows no secret of a request', () => {
  const target =
    '/b/k?X-Amz-Credential=AKIA%2F20261120%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=5ec2e7&X-Amz-Security-Token=5ec2e7';

  it('in any format, in its file, or in callbacks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-secret-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const journalFile = join(folder, 'journal.ndjson');
    const entries: unknown[] = [];
    const { ask, exchange, proxy } = await operator({ journalFile, onEntry: (entry) => entries.push(entry) });
    await exchange('GET', target);
    const live = await ask('/journal?limit=1', { headers: { Accept: 'text/event-stream' } });
    const event = await live.body?.getReader().read();
    const texts = [
      ...(await Promise.all(['/journal', '/journal/1'].map(async (path) => (await ask(path)).text()))),
      await (await ask('/journal', { headers: { Accept: 'application/x-ndjson' } })).text(),
      Buffer.from(event?.value ?? []).toString(),
      JSON.stringify(proxy.journal()),
      JSON.stringify(entries),
    ];
    await proxy.close();
    for (const text of [...texts, readFileSync(journalFile, 'utf8')]) {
      expect(text).toContain('X-Amz-Signature=***&X-Amz-Security-Token=***');
      expect(text).toContain('"accessKey":"AKIA"');
      expect(text).not.toContain('5ec2e7');
    }
  });

  it('in the verdict of a rule that matches on one', async () => {
    const match = '{ query: { X-Amz-Signature: other }, headers: { authorization: other, x-plain: other } }';
    const text = `provider: aws-s3\nrules: [{ match: ${match}, fault: { error: SlowDown } }]`;
    const { json, proxy } = await operator({ rules: [{ name: 'r.yaml', text }] });
    await (
      await fetch(proxy.url + target, { headers: { Authorization: '5ec2e7', 'x-plain': 'open' } })
    ).text();
    await proxy.idle();
    expect((await json('/journal/1')).body.verdicts[0].why).toBe(
      'query parameter X-Amz-Signature is ***, rule wants other; header authorization is ***, rule wants other; header x-plain is open, rule wants other',
    );
  });
});
