import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/proxy.ts';
import { serveBrownout } from '../support/serve-brownout.ts';

const KEPT =
  '  - { name: kept, match: { key: kept }, trigger: { after: 1000000 }, fault: { error: SlowDown } }';
const rules = (status: number) => `provider: aws-s3
rules:
${KEPT}
  - { name: answers, match: { key: k }, fault: { respond: { status: ${status} } } }
`;

/** A folder as Kubernetes mounts a ConfigMap: files are links through `..data`, which is swapped whole. */
function configMap(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-configmap-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let version = 0;
  const publish = (content: string) => {
    version += 1;
    mkdirSync(join(folder, `..v${version}`));
    writeFileSync(join(folder, `..v${version}`, 'rules.yaml'), content);
    symlinkSync(`..v${version}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  publish(text);
  symlinkSync('..data/rules.yaml', join(folder, 'rules.yaml'));
  return { folder, publish };
}

/** Asks again and again, some at a time, until told to stop; gives every status that came, in order. */
function traffic(url: string) {
  const statuses: number[] = [];
  let isOver = false;
  const worker = async () => {
    while (!isOver) {
      const response = await fetch(`${url}/b/k`);
      await response.arrayBuffer();
      statuses.push(response.status);
    }
  };
  const workers = [worker(), worker(), worker(), worker()];
  return {
    statuses,
    async stop() {
      isOver = true;
      await Promise.all(workers);
    },
  };
}

it.each(['events', 'poll'])('rules are swapped whole under traffic, noticed by %s', async (how) => {
  const { folder, publish } = configMap(rules(418));
  const brownout = await serveBrownout(['--upstream', 'memory:', '--rules', folder, '--watch', how]);
  onTestFinished(async () => void (await brownout.stop()));
  const metrics = async () => (await fetch(`${brownout.adminUrl}/metrics`)).text();
  for (let nth = 0; nth < 3; nth += 1) await fetch(`${brownout.proxyUrl}/b/kept`);
  const { statuses, stop } = traffic(brownout.proxyUrl);
  await eventually('the first rules are in force', () => statuses.includes(418));

  publish(rules(419));
  await eventually('the second are', () => statuses.includes(419));
  publish('provider: aws-s3\nrules: [{ fault: { error: SlowDwon } }]\n');
  await eventually('the third are refused', () => brownout.output().includes('the old ones stay in force'));
  expect(brownout.output()).toContain('did you mean "SlowDown"?');
  const until = statuses.length + 20;
  await eventually('requests go on', () => statuses.length > until);
  await stop();

  const changes = statuses.filter((status, nth) => status !== statuses[nth - 1]);
  // Four ask at once, so around the swap an old answer may come in after a new one.
  expect(new Set(changes)).toEqual(new Set([418, 419]));
  expect(statuses.slice(-20).every((status) => status === 419)).toBe(true);
  expect(await metrics()).toContain('brownout_rule_matches_total{rule="kept"} 3');
  expect(await metrics()).toContain('brownout_rules_reloads_total{result="success"} 1');
  expect(await metrics()).toContain('brownout_rules_reloads_total{result="failure"} 1');
});
