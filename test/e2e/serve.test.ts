import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { serveBrownout } from '../support/serve-brownout.ts';
import { spawnBrownout } from '../support/spawn-brownout.ts';

const RULES = ['--upstream', 'memory:', '--rules', 'rules/slow-down.yaml'];

it('starts without a deprecation warning, and SIGTERM ends it with 0', async () => {
  const brownout = await spawnBrownout(RULES, { NODE_OPTIONS: '--pending-deprecation --trace-deprecation' });
  await fetch(`${brownout.proxyUrl}/bucket`, { method: 'PUT' });
  await fetch(`${brownout.proxyUrl}/bucket/key`);
  expect(await brownout.stop()).toBe(0);
  expect(brownout.output()).not.toMatch(/deprecat|warning/i);
});

it('is as healthy on its admin port as the container asks', async () => {
  const brownout = await serveBrownout(RULES);
  expect((await fetch(`${brownout.adminUrl}/healthz`)).status).toBe(200);
  await brownout.stop();
});

it('warns that SigV4 cannot survive a rewritten Host', async () => {
  const brownout = await serveBrownout(['--upstream', 'http://127.0.0.1:9', '--rewrite-host']);
  expect(brownout.output()).toMatch(/SigV4/);
  await brownout.stop();
});

it('leaves every exchange in the file of --journal, one run behind the other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'brownout-serve-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const journal = join(folder, 'journal.ndjson');
  for (const bucket of ['one', 'two']) {
    const brownout = await serveBrownout([...RULES, '--journal', journal, '--journal-max-size', '1MiB']);
    await fetch(`${brownout.proxyUrl}/${bucket}`, { method: 'PUT' });
    await fetch(`${brownout.proxyUrl}/${bucket}/key`);
    expect(await brownout.stop()).toBe(0);
  }
  const entries = (await readFile(journal, 'utf8')).trimEnd().split('\n');
  expect(entries.map((line) => JSON.parse(line)).map(({ id, target }) => [id, target])).toEqual([
    [1, '/one'],
    [2, '/one/key'],
    [1, '/two'],
    [2, '/two/key'],
  ]);
});
