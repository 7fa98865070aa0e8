import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/listener.ts';
import {
  BadRules,
  type JournalEntry,
  type JournalFilter,
  type ProxyOptions,
  type RuleFile,
  type RunningProxy,
  startProxy,
} from '../../src/index.ts';
import { closing } from '../faults/faulty.ts';
import { freePort } from '../support/ports.ts';
import { eventually } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';

const SLOW = 'provider: aws-s3\nseed: 7\nrules: [{ name: slow, fault: { error: SlowDown } }]\n';
const BAD =
  'provider: aws-s3\nrules: [{ fault: { error: SlowDwon } }, { metod: PUT, fault: { error: SlowDown } }]\n';
const text = (content: string, name = 'slow.yaml') => ({ name, text: content });
const portOf = (url: string | undefined) => Number(new URL(url ?? '').port);

async function start(options: Partial<ProxyOptions> = {}): Promise<RunningProxy> {
  const proxy = await startProxy({ upstream: 'memory:', ...options });
  onTestFinished(() => proxy.close(0));
  return proxy;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'brownout-index-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('startProxy', () => {
  it('forwards everything to the embedded store without further options', async () => {
    const { url, adminUrl, upstreamUrl, rules } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(upstreamUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(adminUrl).toBeUndefined();
    expect(rules).toEqual([]);
    expect((await fetch(`${url}/b/k`, { method: 'PUT', body: 'hello' })).status).toBe(200);
    expect(await (await fetch(`${url}/b/k`)).text()).toBe('hello');
  });

  it('gives the embedded store the addressing options of the proxy', async () => {
    const proxy = await start({ domains: ['s3.test'] });
    const ask = (method: string, host: string, target: string) =>
      rawExchange(
        portOf(proxy.url),
        `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    await ask('PUT', 'photos.s3.test', '/a/b');
    expect(String(await ask('GET', 's3.test', '/photos/a/b'))).toContain('200 OK');
    expect(proxy.journal()[0]).toMatchObject({ bucket: 'photos', key: 'a/b' });
  });

  it('takes rules as text', async () => {
    const proxy = await start({ rules: [text(SLOW)] });
    expect((await fetch(`${proxy.url}/b/k`)).status).toBe(503);
    expect([...proxy.seeds]).toEqual([['slow.yaml', 7]]);
    await eventually('it is in the journal', () => proxy.exchanges === 1);
    expect(proxy.journal()).toMatchObject([{ rule: 'slow', code: 'SlowDown' }]);
    expect(proxy.rules).toEqual([
      {
        name: 'slow',
        file: 'slow.yaml',
        line: 3,
        sentence: 'every request: answers SlowDown 503 before the body is read',
        origin: 'file',
        enabled: true,
        matched: 1,
        fired: 1,
      },
    ]);
  });

  it('takes rules that are declared `as const`', async () => {
    const rules = {
      provider: 'aws-s3',
      rules: [
        {
          match: { method: ['PUT', 'POST'], operation: ['PutObject'], query: { 'x-id': ['PutObject', 'x'] } },
          fault: { delay: { min: '1ms', max: '2ms' }, partial: { keys: ['a', 'b'], code: 'AccessDenied' } },
        },
        { fault: { respond: { status: 200, headers: { 'x-one': ['1', '2'] } } } },
      ],
    } as const;
    const proxy = await start({ rules: [rules] as const });
    expect((await fetch(`${proxy.url}/b/k`)).headers.get('x-one')).toBe('1, 2');
    expect(
      proxy.addRules({ provider: 'aws-s3', rules: [{ fault: { error: 'SlowDown' } }] } as const),
    ).toHaveLength(1);
  });

  it('returns copies: changes of them change no rule, no seed and no entry', async () => {
    const proxy = await start({
      rules: [text(SLOW.replace('SlowDown', '{ code: SlowDown, message: one }'))],
    });
    await (await fetch(`${proxy.url}/b/k`)).text();
    await proxy.idle();
    const settings = { error: { code: 'SlowDown', message: 'one' } };
    const [entry] = proxy.journal();
    expect(entry?.settings).toEqual(settings);
    Object.assign(entry?.settings?.error ?? {}, { code: 'NoSuchKey' });
    (proxy.seeds as Map<string, number | string>).clear();
    expect(proxy.journal()[0]?.settings).toEqual(settings);
    expect([...proxy.seeds]).toEqual([['slow.yaml', 7]]);
    await (await fetch(`${proxy.url}/b/k`)).text();
    await proxy.idle();
    expect(proxy.journal()[1]?.settings).toEqual(settings);
  });

  it('marks the answers of a rule that has half a surrogate pair in its name', async () => {
    const content = 'provider: aws-s3\nrules: [{ fault: { error: SlowDown } }]\n';
    const { url } = await start({ rules: [text(content, 'half \ud83d.yaml')] });
    const { headers } = await fetch(`${url}/b/k`);
    expect(headers.get('x-brownout-rule')).toBe(encodeURIComponent('half \ufffd#1'));
  });

  it('takes rules as files and folders', async () => {
    const path = folder();
    writeFileSync(join(path, 'b.yaml'), SLOW);
    writeFileSync(
      join(path, 'a.yaml'),
      SLOW.replace('name: slow', 'name: first').replace('SlowDown', 'NoSuchKey'),
    );
    const proxy = await start({ rules: [path], seed: 'mine' });
    expect(proxy.rules.map(({ name }) => name)).toEqual(['first', 'slow']);
    expect([...proxy.seeds.values()]).toEqual(['mine', 'mine']);
    expect((await fetch(`${proxy.url}/b/k`)).status).toBe(404);
  });

  it('refuses bad rules with all diagnostics', async () => {
    const refused = start({ rules: [text(BAD, 'bad.yaml'), text('rules: 1', 'worse.yaml')] });
    const error = await refused.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof BadRules)) throw error;
    expect(error.name).toBe('BadRules');
    expect(error.diagnostics.map(({ file, place }) => [file, place?.line])).toEqual(
      expect.arrayContaining([
        ['bad.yaml', 2],
        ['worse.yaml', 1],
      ]),
    );
    expect(error.message).toMatch(/bad\.yaml:2:\d+: .*"SlowDwon"\. did you mean "SlowDown"\?/);
    expect(error.message).toMatch(/unknown key "metod"/);
    expect(error.message.match(/^worse\.yaml:1:/m)).not.toBeNull();
  });

  it('says by its path what is wrong with rules that are an object', async () => {
    const rules = {
      provider: 'aws-s3',
      rules: [
        { fault: { error: { code: 'SlowDwon' } } },
        { match: { headers: { 'x-a': [true] } }, fault: { delay: 'soon' } },
        { match: { metod: 'PUT' }, fault: { error: 'SlowDown' }, name: 'twice' },
        { fault: { reset: 'commit', stall: undefined }, name: 'twice' },
      ],
    };
    // A program without types can pass anything.
    const error: unknown = await start({ rules: [rules as never] }).catch((reason: unknown) => reason);
    if (!(error instanceof BadRules)) throw error;
    expect(error.message.split('\n').sort()).toEqual([
      'rules:rules[0].fault.error.code: aws-s3 documents no code "SlowDwon". did you mean "SlowDown"? [unknown-code]',
      expect.stringMatching(/^rules:rules\[1\]\.fault\.delay: .* \[bad-notation\]$/),
      expect.stringMatching(/^rules:rules\[1\]\.match\.headers\["x-a"\].* \[wrong-type\]$/),
      'rules:rules[2].match.metod: unknown key "metod". did you mean "method"? [unknown-key]',
      'rules:rules[3].name: rule name "twice" is taken by rules:rules[2]. names must differ in all files [duplicate-name]',
    ]);
    expect(error.diagnostics[0]).toMatchObject({ place: undefined, path: expect.any(String), excerpt: [] });
  });

  it('keeps rules as they were given, whatever becomes of the object', async () => {
    const error = { code: 'SlowDown' };
    const query = { version: 7 };
    const proxy = await start({
      rules: [{ provider: 'aws-s3', rules: [{ match: { query }, fault: { error } }] }],
    });
    error.code = 'NoSuchKey';
    query.version = 8;
    await proxy.reload();
    expect((await fetch(`${proxy.url}/b/k?version=7`)).status).toBe(503);
    expect(proxy.rules[0]).toMatchObject({ file: 'rules', matched: 1 });
    expect(proxy.rules[0]).not.toHaveProperty('line');
  });

  it('refuses a missing rule file', async () => {
    await expect(start({ rules: ['no/such.yaml'] })).rejects.toThrow(
      'no/such.yaml: there is no such file or folder [bad-file]',
    );
  });

  it('refuses files and texts together', async () => {
    await expect(start({ rules: ['rules/slow-down.yaml', text(SLOW)] })).rejects.toThrow(
      'rules are given as files or as texts, not as both: the order between them would be unclear',
    );
  });

  it.each([
    [
      'minio:9000',
      '"minio:9000" is no upstream; it is written http://host:port, https://host:port or memory:',
    ],
    ['', '"" is no upstream; it is written http://host:port, https://host:port or memory:'],
    [
      'ftp://host',
      '"ftp://host" is no upstream; it is written http://host:port, https://host:port or memory:',
    ],
    [
      'http://h/path',
      'the upstream "http://h/path" has more than scheme, host and port; targets are forwarded as they come',
    ],
    [
      'http://h/?q',
      'the upstream "http://h/?q" has more than scheme, host and port; targets are forwarded as they come',
    ],
    [
      'http://user@h',
      'the upstream "http://user@h" has more than scheme, host and port; targets are forwarded as they come',
    ],
  ])('refuses the upstream %j', async (upstream, message) => {
    await expect(start({ upstream })).rejects.toThrow(message);
  });

  it.each<[Partial<ProxyOptions>, RegExp]>([
    [{ upstreamTimeout: 'soon' }, /^"soon" is not a duration; durations are written 200ms, 2s, 1m or 1h$/],
    [{ idleTimeout: '5' }, /^"5" has no unit; durations are written/],
    [{ memoryLimit: '1 parsec' }, /^unknown unit "parsec"; sizes are written/],
    [{ ca: '/no/such.pem' }, /^the certificate authority's file "\/no\/such\.pem" cannot be read: ENOENT/],
    [{ journalSize: 0 }, /^the journal remembers 1 exchange or more, not 0$/],
    [{ journalSize: 1.5 }, /^the journal remembers 1 exchange or more, not 1\.5$/],
    [{ journalFile: '/no/such/j' }, /^the journal file "\/no\/such\/j" cannot be opened: there is no folder/],
    [{ journalFile: '' }, /^the journal file "" cannot be opened: it has no name$/],
    [{ journalFile: '/dev/null', journalKeep: 0 }, /^1 rotated journal file or more is kept, not 0$/],
    [{ journalFile: '/dev/null', journalMaxSize: 'big' }, /^"big" is not a size; sizes are written/],
    [{ provider: 'aws' }, /^unknown provider "aws"; there are catalogs of aliyun-oss, aws-s3, /],
  ])('refuses %j and says what is wrong', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });

  it.each<[unknown, RegExp]>([
    [undefined, /^startProxy takes an object of options, such as \{ upstream: "memory:" \}$/],
    ['memory:', /^startProxy takes an object of options/],
    [{}, /^upstream is http:\/\/host:port, https:\/\/host:port, or memory: for the embedded store$/],
    [{ rules: 'rules/' }, /^rules is a list of files and folders, or of rule files as objects/],
    [{ rules: { rules: [] } }, /^rules is a list of/],
    [{ rules: [7] }, /^rules is a list of/],
    [{ rules: [{ text: 'rules: []' }] }, /^rules is a list of/],
    [{ port: 65_536 }, /^ports are numbers from 0 to 65535; 0 takes a free one$/],
    [{ adminPort: -1 }, /^ports are numbers from 0 to 65535; 0 takes a free one$/],
    [{ port: '8080' }, /^a port is a whole number$/],
    [
      { prot: 1, onEntrry: 1 },
      /unknown key "prot"\. did you mean "port"\?; unknown key "onEntrry"\. did you mean "onEntry"\?/,
    ],
    [{ watch: 'event' }, /^unknown watch "event"\. did you mean "events"\?$/],
    [{ watch: true }, /^watch must be events or poll$/],
    [{ seed: Number.NaN }, /^a seed is a number, or one line of plain text of up to 100 characters$/],
    [{ seed: { of: 'mine' } }, /^a seed is a number, or one line/],
    [{ seed: '' }, /^a seed is a number, or one line/],
    [{ onEntry: 'log' }, /^onEntry is a function$/],
    [{ stealth: 'yes' }, /^stealth must be true or false$/],
    [{ upstreamTimeout: 5000 }, /^upstreamTimeout must be text\. put it in quotes$/],
    [{ domains: 's3.local' }, /^domains must be a list$/],
  ])('refuses the invalid options %j and says what is wrong', async (options, message) => {
    const given =
      typeof options === 'object' && Object.keys(options ?? {}).length > 0
        ? { upstream: 'memory:', ...options }
        : options;
    // A program without types can pass anything.
    await expect(startProxy(given as ProxyOptions)).rejects.toThrow(message);
  });

  it('refuses rules that contain themselves, at the start and later', async () => {
    const rules: { provider: string; rules: unknown[] } = { provider: 'aws-s3', rules: [] };
    rules.rules.push(rules);
    const cyclic = rules as unknown as RuleFile;
    const sentence = 'rules[0]: this has a map or a list that contains itself [bad-yaml]';
    await expect(start({ rules: [cyclic] })).rejects.toThrow(`rules:${sentence}`);
    const proxy = await start();
    expect(() => proxy.addRules(cyclic)).toThrow(`added-1:${sentence}`);
    expect(() => proxy.addRules(undefined as unknown as RuleFile)).toThrow(BadRules);
  });

  it('says which port is taken, and frees the other one', async () => {
    const server = http.createServer();
    const { port: taken } = await listen(server, 0, '127.0.0.1');
    onTestFinished(() => void server.close());
    const sentence = `port ${taken} of 127.0.0.1 is taken; port 0 takes a free one`;
    await expect(start({ port: taken })).rejects.toThrow(sentence);
    const free = await freePort();
    await expect(start({ port: free, adminPort: taken })).rejects.toThrow(sentence);
    const proxy = await start({ port: free });
    expect(portOf(proxy.url)).toBe(free);
  });

  it('calls back with each exchange that has ended', async () => {
    const entries: JournalEntry[] = [];
    const faults: JournalEntry[] = [];
    const { url } = await start({
      rules: [text(SLOW.replace('fault:', 'match: { method: PUT }, fault:'))],
      journalSize: 1,
      onEntry: (entry) => entries.push(entry),
      onFault: (entry) => faults.push(entry),
    });
    await (await fetch(`${url}/b/k`, { method: 'PUT' })).text();
    await (await fetch(`${url}/b/k`)).text();
    await eventually('both are over', () => entries.length === 2);
    expect(entries.map(({ operation }) => operation)).toEqual(['PutObject', 'GetObject']);
    expect(faults.map(({ operation }) => operation)).toEqual(['PutObject']);
  });

  it('writes exchanges to a file, rotates it by size, and has written all of them when it is closed', async () => {
    const inside = folder();
    const journalFile = join(inside, 'j');
    const proxy = await start({ journalFile, journalMaxSize: '600B', journalKeep: 1, rules: [text(SLOW)] });
    for (let nth = 0; nth < 5; nth += 1) await (await fetch(`${proxy.url}/b/${nth}`)).text();
    await proxy.idle();
    const entries = proxy.journal().map((entry) => JSON.stringify(entry));
    await proxy.close();
    expect(readdirSync(inside)).toEqual(['j', 'j.1']);
    const kept = readFileSync(`${journalFile}.1`, 'utf8') + readFileSync(journalFile, 'utf8');
    expect(kept.trimEnd().split('\n')).toEqual(entries.slice(-2));
    expect(await proxy.metrics.registry.metrics()).toContain('\nbrownout_journal_dropped_total 0\n');
  });

  it.skipIf(process.platform !== 'linux')(
    'counts exchanges that are lost because the disk is full',
    async () => {
      const warned = once(process, 'warning');
      const proxy = await start({ journalFile: '/dev/full' });
      await (await fetch(`${proxy.url}/b/k`)).text();
      expect(String(await warned)).toContain(
        'cannot be written as it should: ENOSPC: no space left on device',
      );
      expect(proxy.journalLoss).toBeUndefined();
      await proxy.close();
      expect(proxy.journalLoss).toMatch(/^1 entry was not written to \/dev\/full: ENOSPC: no space left/);
      expect(await proxy.metrics.registry.metrics()).toContain('\nbrownout_journal_dropped_total 1\n');
    },
  );

  it('finds buckets by the addressing options', async () => {
    const options = { domains: ['s3.local'], cnames: { 'cdn.example': 'photos' } };
    const proxy = await start(options);
    const buckets: unknown[] = [];
    for (const host of ['b1.s3.local', 'cdn.example', 'other.example']) {
      await rawExchange(portOf(proxy.url), closing('GET /x/y').replace('storage.example', host));
      await eventually('it is over', () => proxy.exchanges === buckets.length + 1);
      const entry = proxy.journal().at(-1);
      buckets.push([entry?.bucket, entry?.key]);
    }
    expect(buckets).toEqual([
      ['b1', 'x/y'],
      ['photos', 'x/y'],
      ['x', 'y'],
    ]);
  });

  it('starts proxies that are independent of each other', async () => {
    const one = await start({ rules: [text(SLOW)], adminPort: 0 });
    const other = await start({ adminPort: 0 });
    expect((await fetch(`${one.url}/b/k`)).status).toBe(503);
    expect((await fetch(`${other.url}/b/k`)).status).toBe(404);
    await eventually('both are over', () => one.exchanges + other.exchanges === 2);
    const metrics = async ({ adminUrl }: RunningProxy) => (await fetch(`${adminUrl}/metrics`)).text();
    expect(await metrics(one)).toContain('brownout_faults_injected_total{');
    expect(await metrics(other)).not.toContain('brownout_faults_injected_total{');
  });
});

describe('a running proxy', () => {
  it('reads its rules again, and keeps the old ones if the new are bad', async () => {
    const file = join(folder(), 'rules.yaml');
    writeFileSync(file, SLOW);
    const proxy = await start({ rules: [file], adminPort: 0 });
    const status = async () => (await fetch(`${proxy.url}/b/k`)).status;
    expect(await status()).toBe(503);

    writeFileSync(file, SLOW.replace('SlowDown', 'AccessDenied'));
    await proxy.reload();
    expect(await status()).toBe(403);

    const before = proxy.rules;
    writeFileSync(file, BAD);
    await expect(proxy.reload()).rejects.toThrow(BadRules);
    expect(proxy.rules).toEqual(before);
    expect(await status()).toBe(403);

    rmSync(file);
    await expect(proxy.reload()).rejects.toThrow('there is no such file or folder');
    expect(await status()).toBe(403);

    const metrics = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
    expect(metrics).toContain('brownout_rules_reloads_total{result="success"} 1');
    expect(metrics).toContain('brownout_rules_reloads_total{result="failure"} 2');
  });

  it('keeps a drawn seed over a reload', async () => {
    const proxy = await start({ rules: [text(SLOW.replace('seed: 7\n', ''))] });
    const drawn = [...proxy.seeds];
    await proxy.reload();
    expect([...proxy.seeds]).toEqual(drawn);
  });

  it('closes at the end of an `await using` block, and frees its ports', async () => {
    const ports: number[] = [];
    {
      await using proxy = await startProxy({ upstream: 'memory:', adminPort: 0 });
      ports.push(portOf(proxy.url), portOf(proxy.adminUrl), portOf(proxy.upstreamUrl));
      expect((await fetch(`${proxy.url}/b/k`)).status).toBe(404);
    }
    for (const port of ports) {
      const server = http.createServer();
      await listen(server, port, '127.0.0.1');
      server.close();
    }
  });

  it('lets an exchange end, and says on the admin port that it drains', async () => {
    let answer = () => {};
    const upstream = await upstreamSaying((socket) => {
      answer = () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
    });
    const proxy = await start({ upstream: upstream.url, adminPort: 0 });
    const client = rawClient(portOf(proxy.url));
    client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    await eventually('the upstream was asked', () => upstream.received().length > 0);
    const silent = rawClient(portOf(proxy.url));
    await once(silent.socket, 'connect');
    // The grace is longer than this test may take: neither a kept connection nor a silent one is waited for.
    const closed = proxy.close(600_000);
    expect((await fetch(`${proxy.adminUrl}/readyz`)).status).toBe(503);
    answer();
    await closed;
    expect(proxy.journal()).toMatchObject([{ outcome: 'forwarded', status: 200 }]);
    await eventually('the answer is there', () => client.received().toString().endsWith('late'));
  });

  it('cuts off exchanges that go on after the grace', async () => {
    const upstream = await upstreamSaying();
    const proxy = await start({ upstream: upstream.url });
    const client = rawClient(portOf(proxy.url));
    client.socket.write(closing('GET /b/k'));
    await eventually('the upstream was asked', () => upstream.received().length > 0);
    await proxy.close(50);
    await eventually('the client is cut off', client.closed);
    await eventually('the upstream is let go', () => upstream.open() === 0);
    expect(client.received()).toHaveLength(0);
  });

  it.each<[unknown, RegExp]>([
    [{ operaton: 'PutObject' }, /^unknown key "operaton"\. did you mean "operation"\?$/],
    [{ operation: 'PutObjct' }, /^unknown operation "PutObjct"\. did you mean "PutObject"\?$/],
    [{ status: '503' }, /^status must be a number$/],
    [{ status: 5030 }, /^status must be at most 599$/],
    [{ outcome: 'inject' }, /^unknown outcome "inject"\. did you mean "injected"\?$/],
    [{ key: 7 }, /^key must be text\. put it in quotes$/],
    ['PutObject', /^a filter of the journal is an object, such as \{ status: 503 \}$/],
  ])('refuses the journal filter %j and says what is wrong', async (filter, message) => {
    const proxy = await start();
    expect(() => proxy.journal(filter as JournalFilter)).toThrow(message);
  });

  it('finds operations in the journal by the names of other providers', async () => {
    const proxy = await start();
    await (await fetch(`${proxy.url}/b/k?uploads`, { method: 'POST' })).text();
    await proxy.idle();
    expect(proxy.journal({ operation: 'InitiateMultipartUpload' })).toHaveLength(1);
    expect(proxy.journal({ operation: 'GetObject' })).toHaveLength(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '', 'a\nb', '\ud83d', 'x'.repeat(101), {}, undefined])(
    'refuses the seed %j, as the admin port does',
    async (seed) => {
      const proxy = await start({ seed: 7 });
      expect(() => proxy.reseed(seed as number)).toThrow('a seed is a number, or one line of plain text');
    },
  );

  it('refuses every change after it was closed', async () => {
    const proxy = await start({ rules: [text(SLOW)] });
    await proxy.close();
    const sentence = 'the proxy is closed, and cannot be changed any more. start another one';
    const file: RuleFile = { provider: 'aws-s3', rules: [{ name: 'slow', fault: { error: 'SlowDown' } }] };
    for (const change of [
      () => proxy.addRules(file),
      () => proxy.replaceRule('slow', file),
      () => proxy.removeRule('slow'),
      () => proxy.enableRule('slow'),
      () => proxy.disableRule('slow'),
      () => proxy.reseed(1),
      () => proxy.reset(),
    ]) {
      expect(change).toThrow(sentence);
    }
    await expect(proxy.reload()).rejects.toThrow(sentence);
    await expect(proxy.session({ key: { bucket: 'b' }, plan: {} })).rejects.toThrow(
      'the proxy is closed, so no session can begin',
    );
    expect(proxy.rules).toHaveLength(1);
    expect(proxy.journal()).toEqual([]);
    await proxy.idle();
  });

  it('can be closed twice', async () => {
    const proxy = await start({ adminPort: 0 });
    await Promise.all([proxy.close(), proxy.close()]);
    await proxy.close();
  });

  it('does not keep the process from ending after it was closed', async () => {
    const script = `
      import { startProxy } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
      const proxy = await startProxy({ upstream: 'memory:', adminPort: 0 });
      await (await fetch(proxy.url + '/b/k', { method: 'PUT', body: 'x' })).text();
      await (await fetch(proxy.adminUrl + '/metrics')).text();
      await proxy.close();
      await startProxy({ upstream: 'memory:', upstreamTimeout: 'soon' }).catch((error) => console.log(error.message));
      for (const settings of ['code: RequestTimeout, after: 10m', 'code: SlowDown, at: embedded, padding: 10m']) {
        const text = 'provider: aws-s3\\nrules: [{ fault: { error: { ' + settings + ' } } }]';
        const faulty = await startProxy({ upstream: 'memory:', rules: [{ name: 'r.yaml', text }] });
        const options = { signal: AbortSignal.timeout(300) };
        await fetch(faulty.url + '/b/k', options).then((response) => response.text()).catch(() => console.log('left'));
        await faulty.close();
      }
      console.log('closed');`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      timeout: 20_000,
    });
    const { stdout, stderr } = await run;
    expect(stdout).toMatch(/^"soon" is not a duration.*\nleft\nleft\nclosed\n$/);
    expect(stderr).toBe('');
  });
});
