import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { operator, SLOW } from './operator.ts';

const file = (name: string, fault = 'error: SlowDown') =>
  JSON.stringify({ provider: 'aws-s3', rules: [{ name, match: { method: 'PUT' }, fault: 'F' }] }).replace(
    '"F"',
    `{${fault.replace(/(\w+): (\w+)/, '"$1":"$2"')}}`,
  );

describe('/rules', () => {
  it('has every rule with its place, its state, its counts and its text', async () => {
    const { json, exchange } = await operator();
    await exchange('PUT', '/b/k');
    expect(await json('/rules')).toEqual({
      status: 200,
      body: {
        rules: [
          {
            name: 'slow',
            file: 'slow.yaml',
            line: 4,
            sentence: 'PUT requests: answers SlowDown 503 before the body is read',
            origin: 'file',
            enabled: true,
            provider: 'aws-s3',
            seed: 7,
            matched: 1,
            fired: 1,
            rule: { name: 'slow', match: { method: 'PUT' }, fault: { error: 'SlowDown' } },
          },
        ],
        removed: [],
      },
    });
  });

  it('takes rules in YAML and in JSON, and without a Content-Type', async () => {
    const { send, ask, json, exchange, changes } = await operator({ rules: [] });
    expect(await exchange('PUT', '/b/k')).toBe(200);
    const first = await send('POST', '/rules', SLOW);
    expect(first).toMatchObject({
      status: 201,
      body: { rules: [{ name: 'slow', origin: 'added', file: 'added-1' }] },
    });
    expect(await exchange('PUT', '/b/k')).toBe(503);
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'text/yaml',
      'application/x-yaml',
    ]) {
      const response = await ask('/rules', {
        method: 'POST',
        body: file(`as ${type.split(';')[0]} ${type.length}`),
        headers: { 'Content-Type': type },
      });
      expect(response.status).toBe(201);
    }
    const untyped = await ask('/rules', { method: 'POST', body: Buffer.from(file('untyped')) });
    expect(untyped.status).toBe(201);
    expect(untyped.headers.get('location')).toBe('/rules/untyped');
    const names = (await json('/rules')).body.rules.map(({ name }: { name: string }) => name);
    expect(names).toHaveLength(6);
    expect(names[0]).toBe('slow');
    expect(changes[0]).toBe('rule "slow" added by the admin port');
  });

  it('refuses a file with problems, lists each with its place, and changes nothing', async () => {
    const { send, json, changes } = await operator();
    const before = await json('/rules');
    const bad =
      'provider: aws-s3\nrules:\n  - { metod: PUT, fault: { error: SlowDown } }\n  - { fault: { error: SlowDwon } }\n';
    const { status, body } = await send('POST', '/rules', bad);
    expect(status).toBe(422);
    expect(body).toMatchObject({
      title: 'Unprocessable Entity',
      status: 422,
      detail: '2 problems; nothing was changed',
    });
    expect(body.diagnostics).toEqual([
      {
        file: 'added-1',
        line: 3,
        column: 7,
        endLine: 3,
        endColumn: 12,
        kind: 'unknown-key',
        message: 'unknown key "metod". known: name, provider, match, trigger, fault',
        excerpt: ['  - { metod: PUT, fault: { error: SlowDown } }', '      ^^^^^'],
      },
      {
        file: 'added-1',
        line: 4,
        column: 23,
        endLine: 4,
        endColumn: 31,
        kind: 'unknown-code',
        message: expect.stringContaining('did you mean "SlowDown"?'),
        excerpt: ['  - { fault: { error: SlowDwon } }', '                      ^^^^^^^^'],
      },
    ]);
    expect(await json('/rules')).toEqual(before);
    expect(changes).toEqual([]);
  });

  it('replaces, disables, enables and removes a rule while requests come', async () => {
    const { send, json, ask, exchange, changes } = await operator();
    expect(await exchange('PUT', '/b/1')).toBe(503);
    expect(await json('/rules/slow/disable', { method: 'POST' })).toMatchObject({
      status: 200,
      body: { enabled: false, matched: 1, sentence: expect.stringMatching(/^disabled: PUT requests: /) },
    });
    expect(await exchange('PUT', '/b/2')).toBe(200);
    expect(await json('/rules/slow/enable', { method: 'POST' })).toMatchObject({
      body: { enabled: true, matched: 1 },
    });
    expect(await exchange('PUT', '/b/3')).toBe(503);
    const replaced = await send('PUT', '/rules/slow', SLOW.replace('SlowDown', 'AccessDenied'));
    expect(replaced).toMatchObject({ status: 200, body: { origin: 'replaced', matched: 0 } });
    expect(await exchange('PUT', '/b/4')).toBe(403);
    const removed = await ask('/rules/slow', { method: 'DELETE' });
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    expect(await exchange('PUT', '/b/5')).toBe(200);
    expect(await json('/rules/slow')).toMatchObject({
      status: 404,
      body: { detail: 'there is no rule "slow"' },
    });
    expect(changes).toEqual([
      'rule "slow" disabled by the admin port',
      'rule "slow" enabled by the admin port',
      'rule "slow" replaced by the admin port',
      'rule "slow" removed by the admin port',
    ]);
  });

  it('suggests a rule for an unknown name', async () => {
    const { json } = await operator();
    for (const [method, path] of [
      ['GET', '/rules/slwo'],
      ['DELETE', '/rules/slwo'],
      ['POST', '/rules/slwo/disable'],
    ]) {
      expect(await json(path ?? '', { method: method ?? '' })).toMatchObject({
        status: 404,
        body: { detail: 'there is no rule "slwo". did you mean "slow"?' },
      });
    }
  });

  it.each(['a/b', '100%', 'what?', '#1', 'a b+c', '慢', 'reload', 'disable', 'a%2Fb', '...', '"', '\\'])(
    'finds a rule called %j by its name in the path',
    async (name) => {
      const { send, json, ask } = await operator();
      expect((await send('POST', '/rules', file(name), 'application/json')).status).toBe(201);
      const path = `/rules/${encodeURIComponent(name)}`;
      expect(await json(path)).toMatchObject({ status: 200, body: { name } });
      expect(await json(`${path}/disable`, { method: 'POST' })).toMatchObject({ body: { enabled: false } });
      expect((await send('PUT', path, file(name, 'error: AccessDenied'))).status).toBe(200);
      expect((await ask(path, { method: 'DELETE' })).status).toBe(204);
      expect((await json(path)).status).toBe(404);
    },
  );
});

describe('/rules/reload', () => {
  it('reads the files again; bad files show in the answer, the list, the metric and the log until they are corrected', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-admin-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'rules.yaml');
    writeFileSync(path, SLOW);
    const reloads: boolean[] = [];
    const { json, ask, exchange } = await operator({
      rules: [path],
      onReload: ({ diagnostics }) => reloads.push(diagnostics.length === 0),
    });
    const metric = async () =>
      /^brownout_rules_last_reload_ok (\d)$/m.exec(await (await ask('/metrics')).text())?.[1];
    expect(await metric()).toBe('1');
    await exchange('PUT', '/b/k');

    writeFileSync(path, SLOW.replace('SlowDown', 'SlowDwon'));
    const bad = await json('/rules/reload', { method: 'POST' });
    expect(bad).toMatchObject({
      status: 422,
      body: { detail: '1 problem; nothing was changed', diagnostics: [{ file: path, line: 4 }] },
    });
    expect((await json('/rules')).body).toMatchObject({
      rules: [{ name: 'slow', matched: 1 }],
      lastReload: {
        ok: false,
        diagnostics: bad.body.diagnostics,
        time: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    expect(await metric()).toBe('0');
    expect(await exchange('PUT', '/b/k')).toBe(503);

    writeFileSync(path, SLOW.replace('method: PUT', 'method: GET'));
    const good = await json('/rules/reload', { method: 'POST' });
    expect(good).toMatchObject({
      status: 200,
      body: { rules: [{ name: 'slow', matched: 0 }], lastReload: { ok: true, diagnostics: [] } },
    });
    expect(await metric()).toBe('1');
    expect(await exchange('PUT', '/b/k')).toBe(200);
    expect(reloads).toEqual([false, true]);
  });
});

describe('/reset, /seed', () => {
  it('/reset restores the state after the start, but not the metrics', async () => {
    const { send, json, ask, exchange, proxy, changes } = await operator();
    const before = await json('/rules');
    await exchange('PUT', '/b/k');
    await send('POST', '/rules', file('other'));
    await json('/rules/slow/disable', { method: 'POST' });
    await send('PUT', '/seed', '{"seed": 99}', 'application/json');
    await send(
      'POST',
      '/sessions',
      '{"key": {"bucket": "b"}, "provider": "aws-s3", "plan": {"PutObject": ["SlowDown"]}}',
    );
    expect((await ask('/reset', { method: 'POST' })).status).toBe(204);
    expect(await json('/rules')).toEqual(before);
    expect((await json('/seed')).body).toEqual({ seeds: { 'slow.yaml': 7 } });
    expect((await json('/sessions')).body).toEqual({ sessions: [] });
    expect(proxy.journal()).toEqual([]);
    expect(await (await ask('/metrics')).text()).toMatch(/^brownout_requests_total.* 1$/m);
    expect(changes.at(-1)).toBe('all reset to how it was after the start by the admin port');
  });

  it('/seed starts all dice again, so that the same requests meet the same faults', async () => {
    const { send, exchange } = await operator({
      rules: [
        {
          name: 'r.yaml',
          text: 'provider: aws-s3\nrules: [{ name: r, trigger: { probability: 0.5 }, fault: { error: SlowDown } }]',
        },
      ],
    });
    const run = async (seed: string) => {
      expect((await send('PUT', '/seed', `{"seed": ${seed}}`, 'application/json')).body).toMatchObject({
        seed: JSON.parse(seed),
      });
      const statuses: number[] = [];
      for (let nth = 0; nth < 20; nth += 1) statuses.push(await exchange('PUT', `/b/${nth % 4}`));
      return statuses.join(' ');
    };
    const first = await run('1');
    expect(await run('"one"')).not.toBe(first);
    expect(await run('1')).toBe(first);
  });

  it.each([
    '',
    '42',
    '{"seed": null}',
    '{"seed": ""}',
    '{"seed": 1, "sed": 2}',
    '{"seed": 1e999}',
    '{"seed": "a\\u001b[2J"}',
    '{"seed": "a\\nb"}',
    '{"seed": "\\ud83d"}',
    '{"seed": "\\u202egnp"}',
    `{"seed": "${'x'.repeat(101)}"}`,
    '{}',
    '[]',
    'seed: 1',
  ])('/seed refuses %j', async (body) => {
    const { send } = await operator();
    expect(await send('PUT', '/seed', body, 'application/json')).toMatchObject({
      status: 400,
      body: {
        detail:
          'a seed is a number, or one line of plain text of up to 100 characters, in JSON: {"seed": 42}',
      },
    });
  });
});

describe('a body that grows by aliases', () => {
  const body = (name: string) => `&a {respond: {status: 200, body: ${name.repeat(950_000)}}}`;

  it.each([
    ['/rules', `provider: aws-s3\nrules:\n  - fault: ${body('x')}\n${'  - fault: *a\n'.repeat(99)}`],
    [
      '/sessions',
      `provider: aws-s3\nkey: {bucket: b}\nplan:\n  PutObject:\n    - ${body('x')}\n${'    - *a\n'.repeat(99)}`,
    ],
  ])('is refused by %s if it grows to more than a megabyte', async (path, text) => {
    const { send } = await operator();
    expect(await send('POST', path, text)).toMatchObject({
      status: 422,
      body: { diagnostics: [{ message: expect.stringContaining('more than 1MiB') }] },
    });
  });
});

describe('/sessions', () => {
  it('begins, shows and ends a session', async () => {
    const { ask, json, exchange, changes } = await operator({ rules: [] });
    const response = await ask('/sessions', {
      method: 'POST',
      body: '{"key": {"bucket": "b"}, "provider": "aws-s3", "plan": {"PutObject": ["SlowDown", "forward"]}}',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(response.status).toBe(201);
    const { id } = (await response.json()) as { id: string };
    const path = response.headers.get('location') ?? '';
    expect(path).toBe(`/sessions/${id}`);
    expect([
      await exchange('PUT', '/b/k'),
      await exchange('PUT', '/b/k'),
      await exchange('PUT', '/b/k'),
    ]).toEqual([503, 200, 200]);
    expect((await json(path)).body).toMatchObject({
      complete: true,
      exchanges: 3,
      plan: {
        PutObject: [
          { instruction: 'SlowDown', state: 'met', exchange: 1 },
          { state: 'met', exchange: 2 },
        ],
      },
    });
    expect((await json('/sessions')).body).toEqual({
      sessions: [
        {
          id,
          key: { bucket: 'b' },
          provider: 'aws-s3',
          seed: expect.any(Number),
          expires: expect.any(String),
          exchanges: 3,
          complete: true,
          instructions: { waiting: 0, 'under way': 0, met: 2, 'passed over': 0 },
        },
      ],
    });
    expect((await json(`/journal?session=${id}`)).body.entries).toHaveLength(3);
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204);
    expect((await json(path)).status).toBe(404);
    expect(changes).toEqual([
      `session ${id} begun by the admin port`,
      `session ${id} ended by the admin port`,
    ]);
  });

  it('says what is wrong with a plan, with the place, and refuses the key of another session', async () => {
    const { send, adminPort } = await operator();
    const bad = await send(
      'POST',
      '/sessions',
      '{"key": {"bucket": "b"}, "provider": "aws-s3", "plan": {"PutObjct": ["SlowDown"]}}',
    );
    expect(bad).toMatchObject({
      status: 422,
      body: {
        diagnostics: [
          { file: 'session', line: 1, message: expect.stringContaining('did you mean "PutObject"') },
        ],
      },
    });
    const plan = '"provider": "aws-s3", "plan": {"PutObject": ["SlowDown"]}';
    expect((await send('POST', '/sessions', `{"key": {"bucket": "b"}, ${plan}}`)).status).toBe(201);
    expect(await send('POST', '/sessions', `{"key": {"bucket": "b"}, ${plan}}`)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('has the same key') },
    });
    expect(await send('POST', '/sessions', `{"key": {"port": ${adminPort}}, ${plan}}`)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('is taken') },
    });
  });
});

describe('/catalog', () => {
  it('has the providers, their errors, and the entries of one code or alias', async () => {
    const { json } = await operator();
    const { providers } = (await json('/catalog')).body;
    expect(providers).toContainEqual({
      name: 'aws-s3',
      title: expect.any(String),
      entries: expect.any(Number),
    });
    const { entries } = (await json('/catalog/jd-jss')).body;
    expect(entries.length).toBe(providers.find(({ name }: { name: string }) => name === 'jd-jss').entries);
    expect((await json('/catalog/jd-jss/SlowDown')).body.entries).toMatchObject([
      { code: 'SlowDown', status: 400 },
    ]);
  });

  it.each([
    ['/catalog/aws', 'there is no catalog of "aws". did you mean "aws-s3"?'],
    ['/catalog/aws-s3/SlowDwon', 'aws-s3 documents no code "SlowDwon". did you mean "SlowDown"?'],
    [
      '/catalog/..%2f..%2fpackage',
      'there is no catalog of "../../package". known: aliyun-oss, aws-s3, huawei-obs, jd-jss, oss-classic',
    ],
  ])('%s is a 404 with a suggestion', async (path, detail) => {
    const { json } = await operator();
    expect(await json(path)).toMatchObject({ status: 404, body: { detail } });
  });
});
