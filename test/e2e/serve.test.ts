import { expect, it } from 'vitest';
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
  const brownout = await spawnBrownout(RULES);
  expect((await fetch(`${brownout.adminUrl}/healthz`)).status).toBe(200);
  await brownout.stop();
});

it('warns that SigV4 cannot survive a rewritten Host', async () => {
  const brownout = await spawnBrownout(['--upstream', 'http://127.0.0.1:9', '--rewrite-host']);
  expect(brownout.output()).toMatch(/SigV4/);
  await brownout.stop();
});
