import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/listener.ts';
import { closing } from '../faults/faulty.ts';
import { eventually } from '../support/proxy.ts';
import { rawClient } from '../support/raw.ts';
import { runCli } from '../support/run-cli.ts';
import { serveBrownout } from '../support/serve-brownout.ts';
import { type RunningBrownout, spawnBrownout } from '../support/spawn-brownout.ts';
import { upstreamSaying } from '../support/through.ts';

const SLOW = 'provider: aws-s3\nrules: [{ name: slow, fault: { error: SlowDown } }]\n';
const portOf = (url: string) => Number(new URL(url).port);

/** Serves in this process; with `spawn`, in a new one. */
async function serve(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  start = serveBrownout,
): Promise<RunningBrownout> {
  const brownout = await start(args, env);
  // Awaited, because its variables are set until it ends.
  onTestFinished(async () => void (await brownout.stop()));
  return brownout;
}

function rulesFile(text = SLOW): string {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-serve-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, text);
  return file;
}

async function status(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return response.status;
}

/** Waits until the admin port reports that the proxy takes no new requests. */
async function draining({ adminUrl }: RunningBrownout): Promise<void> {
  await eventually('it drains', async () => (await status(`${adminUrl}/readyz`)) === 503);
}

describe('brownout serve', () => {
  it('prints its settings and where it listens, and both ports answer', async () => {
    const file = rulesFile();
    const { output, proxyUrl, adminUrl } = await serve([
      '--upstream',
      'memory:',
      '--rules',
      file,
      '--seed',
      '7',
    ]);
    expect(output()).toBe(
      [
        `1 rule from ${file}, seed 7`,
        'forwarding to the embedded store, a stand-in in memory',
        `proxy listening on ${proxyUrl}`,
        `admin listening on ${adminUrl}`,
        '',
      ].join('\n'),
    );
    expect(proxyUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await status(`${proxyUrl}/b/k`)).toBe(503);
    expect(await status(`${adminUrl}/readyz`)).toBe(200);
  });

  it('says that it has no rules, and forwards', async () => {
    const { url } = await upstreamSaying('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n');
    const { output, proxyUrl } = await serve(['--upstream', url]);
    expect(output()).toMatch(
      /^no rules: every request is forwarded\nforwarding to http:\/\/127\.0\.0\.1:\d+\n/,
    );
    expect(await status(`${proxyUrl}/b/k`)).toBe(418);
  });

  it('prints the drawn seed, which repeats the run', async () => {
    const { output } = await serve(['--upstream', 'memory:', '--rules', rulesFile()]);
    expect(output()).toMatch(/^1 rule from \S+, seed \d+$/m);
  });

  it('prints the seed of each file if they differ', async () => {
    const seeded = SLOW.replace('rules:', 'seed: 7\nrules:').replace('name: slow', 'name: seeded');
    const [one, other] = [rulesFile(), rulesFile(seeded)];
    const { output } = await serve(['--upstream', 'memory:', '--rules', one, '--rules', other]);
    expect(output()).toMatch(/^1 rule from \S+, seed \d+\n1 rule from \S+, seed 7\nforwarding/);
  });

  it('takes its flags as variables, lists separated by commas', async () => {
    const [one, other] = [rulesFile(), rulesFile(SLOW.replace('name: slow', 'name: other'))];
    const { output, proxyUrl } = await serve([], {
      BROWNOUT_UPSTREAM: 'memory:',
      BROWNOUT_RULES: `${one},${other}`,
      BROWNOUT_SEED: 'from-variable',
      BROWNOUT_STEALTH: 'true',
      BROWNOUT_PATH_STYLE: '',
      BROWNOUT_LOG: '',
    });
    expect(output()).toMatch(/^2 rules from 2 files, seed from-variable\nforwarding/);
    const response = await fetch(`${proxyUrl}/b/k`);
    expect([response.status, response.headers.get('x-brownout-rule')]).toEqual([503, null]);
  });

  it('prefers a flag to its variable', async () => {
    const { output } = await serve(['--upstream', 'memory:', '--rules', rulesFile(), '--seed', 'flag'], {
      BROWNOUT_SEED: 'variable',
    });
    expect(output()).toContain('seed flag\n');
  });

  it.each([
    [
      ['--upstream', 'http://127.0.0.1:9', '--rewrite-host'],
      /^warning: --rewrite-host changes Host, which AWS SigV4 signs: .*SignatureDoesNotMatch/m,
    ],
    [
      ['--upstream', 'https://s3.eu-central-1.amazonaws.com'],
      /^warning: the upstream is AWS and Host is passed on unchanged: .*SignatureDoesNotMatch/m,
    ],
    [['--upstream', 'https://s3.cn-north-1.amazonaws.com.cn'], /^warning: the upstream is AWS/m],
  ])('%j prints a warning', async (args, warning) => {
    expect((await serve(args)).output()).toMatch(warning);
  });

  it.each([
    [['--upstream', 'http://amazonaws.com.example']],
    [['--upstream', 'http://minio:9000']],
    [['--upstream', 'memory:', '--rewrite-host']],
  ])('%j prints no warning', async (args) => {
    expect((await serve(args)).output()).not.toContain('warning');
  });

  it('starts and forwards if every deprecation is an error', async () => {
    const env = { NODE_OPTIONS: '--throw-deprecation --pending-deprecation' };
    const args = ['--upstream', 'memory:', '--rules', rulesFile()];
    const { output, proxyUrl, stop } = await serve(args, env, spawnBrownout);
    expect(await status(`${proxyUrl}/b/k`, { method: 'PUT', body: 'x' })).toBe(503);
    expect(await stop()).toBe(0);
    expect(output()).not.toMatch(/deprecat/i);
  });

  it.each(['--port', '--admin-port'])(
    '%s that is in use ends it with exit code 1 and names the port',
    async (flag) => {
      const server = http.createServer();
      const { port } = await listen(server, 0, '127.0.0.1');
      onTestFinished(() => void server.close());
      const other = flag === '--port' ? '--admin-port' : '--port';
      const { code, stderr } = await runCli([
        'serve',
        '--upstream',
        'memory:',
        flag,
        String(port),
        other,
        '0',
      ]);
      expect(stderr).toBe(`error: port ${port} of 127.0.0.1 is taken; port 0 takes a free one\n`);
      expect(code).toBe(1);
    },
  );
});

describe('the log of serve', () => {
  const some =
    'provider: aws-s3\nrules: [{ name: slow, match: { method: PUT }, fault: { error: SlowDown } }]\n';

  async function logOf(...flags: string[]): Promise<string> {
    const { output, proxyUrl, stop } = await serve([
      '--upstream',
      'memory:',
      '--rules',
      rulesFile(some),
      ...flags,
    ]);
    await status(`${proxyUrl}/b/k%1B%5B2J?partNumber=2&uploadId=u`, { method: 'PUT', body: 'hello' });
    await status(`${proxyUrl}/b/k`);
    await stop();
    return output().split('admin listening on')[1] ?? '';
  }

  it('has a line for each fault, without the control characters of a key', async () => {
    const log = await logOf();
    expect(log).toMatch(
      /^UploadPart b\/k�\[2J part 2 → 503 SlowDown, injected by "slow" \(\S+ in, \d+ms\)$/m,
    );
    expect(log).not.toContain('GetObject');
    expect(log).not.toContain('\u001b');
  });

  it('--log all has a line for the other requests too', async () => {
    expect(await logOf('--log', 'all')).toMatch(/^GetObject b\/k → 404 NoSuch\w+, the upstream's own \(/m);
  });

  it('--log none has only the summary', async () => {
    expect((await logOf('--log', 'none')).split('\n').slice(1)).toEqual([
      '2 exchanges',
      '  slow: matched 1, fired 1',
      '',
    ]);
  });

  it.skipIf(process.platform !== 'linux')(
    'reports the losses of the journal file, with the reason',
    async () => {
      const lines = (await logOf('--journal', '/dev/full')).split('\n');
      expect(lines).toContainEqual(
        expect.stringMatching(
          /^warning: the journal file "\/dev\/full" cannot be written as it should: ENOSPC/,
        ),
      );
      expect(lines.at(-2)).toBe(
        '2 entries were not written to /dev/full: ENOSPC: no space left on device, write',
      );
    },
  );

  it.skipIf(process.platform !== 'linux')(
    'can have the journal in it, which is never put aside',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'brownout-serve-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const output = join(folder, 'output');
      const flags =
        '--upstream memory: --port 0 --admin-port 0 --journal /dev/stdout --journal-max-size 300B';
      const child = spawn(process.execPath, ['dist/cli.js', 'serve', ...flags.split(' ')], {
        stdio: ['ignore', openSync(output, 'a'), 'inherit'],
      });
      const text = () => readFileSync(output, 'utf8');
      await eventually('it listens', () => text().includes('admin listening'));
      const url = /proxy listening on (\S+)/.exec(text())?.[1];
      for (let nth = 1; nth <= 3; nth += 1) await status(`${url}/b/${nth}`);
      await eventually('all are written', () => text().includes('"id":3'));
      child.kill('SIGTERM');
      await once(child, 'close');
      expect(readdirSync(folder)).toEqual(['output']);
      expect(lstatSync('/dev/stdout').isSymbolicLink()).toBe(true);
    },
  );
});

describe('the admin port of serve', () => {
  it('changes rules while it runs, with a line in the log for each change', async () => {
    const file = rulesFile();
    const { output, proxyUrl, adminUrl } = await serve(['--upstream', 'memory:', '--rules', file]);
    const post = (path: string) => status(adminUrl + path, { method: 'POST' });
    expect(await post('/rules/slow/disable')).toBe(200);
    expect(await status(`${proxyUrl}/b/k`)).toBe(404);
    expect(await post('/rules/reload')).toBe(200);
    writeFileSync(file, SLOW.replace('SlowDown', 'SlowDwon'));
    expect(await post('/rules/reload')).toBe(422);
    expect(await post('/reset')).toBe(204);
    expect(await status(`${proxyUrl}/b/k`)).toBe(503);
    await eventually('all is said', () => output().includes('all reset'));
    const lines = output().split('\n').slice(4);
    expect(lines.slice(0, 2)).toEqual(['rule "slow" disabled by the admin port', 'rules reloaded']);
    expect(lines.join('\n')).toContain('did you mean "SlowDown"?');
    expect(lines).toContain('all reset to how it was after the start by the admin port');
  });

  it('requires the token of its variable, and refuses to start with a weak one', async () => {
    const token = 'correct-horse-battery';
    const { adminUrl, output } = await serve(['--upstream', 'memory:'], { BROWNOUT_ADMIN_TOKEN: token });
    expect(await status(`${adminUrl}/reset`, { method: 'POST' })).toBe(401);
    const headers = { Authorization: `Bearer ${token}` };
    expect(await status(`${adminUrl}/reset`, { method: 'POST', headers })).toBe(204);
    expect(output()).not.toContain(token);
    const { code, stderr } = await runCli(['serve', '--upstream', 'memory:', '--admin-token', 'guess']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/the admin token has 16 or more letters, digits and/);
  });
});

describe('signals to serve', () => {
  it('SIGHUP reads the rules again; if they are bad, the old ones stay in force', async () => {
    const file = rulesFile();
    const args = ['--upstream', 'memory:', '--rules', file, '--watch', 'off'];
    const { output, proxyUrl, adminUrl, signal } = await serve(args, {}, spawnBrownout);
    const seed = /seed (\d+)/.exec(output())?.[1];
    expect(await status(`${proxyUrl}/b/k`)).toBe(503);

    writeFileSync(file, SLOW.replace('SlowDown', 'AccessDenied'));
    signal('SIGHUP');
    const reloaded = `rules reloaded\n1 rule from ${file}, seed ${seed}\n`;
    await eventually('the rules are reloaded', () => output().includes(reloaded));
    expect(await status(`${proxyUrl}/b/k`)).toBe(403);

    writeFileSync(file, SLOW.replace('SlowDown', 'SlowDwon'));
    signal('SIGHUP');
    await eventually('the rules are refused', () => output().includes('the old ones stay in force'));
    expect(output()).toContain(`${file}:2:39: aws-s3 documents no code "SlowDwon". did you mean "SlowDown"?`);
    expect(await status(`${proxyUrl}/b/k`)).toBe(403);

    rmSync(file);
    signal('SIGHUP');
    await eventually('the missing file is told of', () => output().includes('no such file or folder'));
    expect(await status(`${proxyUrl}/b/k`)).toBe(403);
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    expect(metrics).toContain('brownout_rules_reloads_total{result="failure"} 2');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets an exchange end, sums up and exits with 0',
    async (name) => {
      let answer = () => {};
      const upstream = await upstreamSaying((socket) => {
        answer = () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
      });
      const brownout = await serve(['--upstream', upstream.url], {}, spawnBrownout);
      const client = rawClient(portOf(brownout.proxyUrl));
      // The client keeps its connection, which must not delay the end of the process.
      client.socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
      await eventually('the upstream was asked', () => upstream.received().length > 0);
      brownout.signal(name);
      await draining(brownout);
      await expect(status(brownout.proxyUrl)).rejects.toThrow('fetch failed');
      answer();
      expect(await brownout.ended()).toBe(0);
      expect(client.received().toString()).toMatch(/late$/);
      expect(brownout.output()).toMatch(/\n1 exchange\n$/);
    },
  );

  it('a second SIGTERM ends it at once', async () => {
    const upstream = await upstreamSaying();
    const brownout = await serve(['--upstream', upstream.url], {}, spawnBrownout);
    const client = rawClient(portOf(brownout.proxyUrl));
    client.socket.write(closing('GET /b/k'));
    await eventually('the upstream was asked', () => upstream.received().length > 0);
    brownout.signal('SIGTERM');
    await draining(brownout);
    expect(await brownout.stop()).toBeNull();
    await eventually('the client is cut off', client.closed);
  });
});

describe('the seed of serve', () => {
  const dice = 'provider: aws-s3\nrules: [{ trigger: { probability: 0.3 }, fault: { error: SlowDown } }]\n';

  /** Sends 200 requests, and writes an x for each that got a fault, and a dot for each other one. */
  async function pattern(seed: string, inFlight: number): Promise<string> {
    const { proxyUrl, stop } = await serve([
      '--upstream',
      'memory:',
      '--rules',
      rulesFile(dice),
      '--seed',
      seed,
    ]);
    const met: string[] = [];
    let sent = 0;
    const client = async () => {
      for (let nth = sent++; nth < 200; nth = sent++) {
        met[nth] = (await status(`${proxyUrl}/b/key-${nth}`)) === 503 ? 'x' : '.';
      }
    };
    await Promise.all(Array.from({ length: inFlight }, client));
    await stop();
    return met.join('');
  }

  it('repeats the same faults for the same requests, one by one or 32 at a time; another seed does not', async () => {
    const first = await pattern('1', 1);
    expect(first).toMatch(/^[x.]{200}$/);
    // 200 draws at 0.3: 60, plus or minus 4 standard deviations.
    const faults = first.replaceAll('.', '').length;
    expect(faults).toBeGreaterThan(60 - 26);
    expect(faults).toBeLessThan(60 + 26);
    expect(await pattern('1', 1)).toBe(first);
    expect(await pattern('1', 32)).toBe(first);
    expect(await pattern('2', 1)).not.toBe(first);
  });
});
