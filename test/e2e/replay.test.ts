import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type JournalEntry, type ProxyOptions, startProxy } from '../../src/index.ts';
import { parseDuration } from '../../src/notation/units.ts';
import { awsClient } from '../support/clients.ts';
import { runCli } from '../support/run-cli.ts';

/** Faults by chance: of each kind some, with times and places that are drawn as well. */
const BY_CHANCE = `
provider: aws-s3
seed: 11
rules:
  - name: slow
    match: { operation: PutObject }
    trigger: { probability: 0.2 }
    fault: { delay: { min: 1ms, max: 40ms }, error: SlowDown }
  - name: failing
    match: { operation: [PutObject, UploadPart] }
    trigger: { probability: 0.1 }
    fault: { error: { code: InternalError, at: commit } }
  - name: lost
    match: { operation: PutObject }
    trigger: { probability: 0.03 }
    fault: { reset: { at: commit } }
`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brownout-replay-'));
  const remove = folder;
  onTestFinished(() => rm(remove, { recursive: true, force: true }));
});

/** Uploads 200 objects at once, and 40 parts, through a proxy with these rules; gives its journal. */
async function run(options: Partial<ProxyOptions>): Promise<JournalEntry[]> {
  await using proxy = await startProxy({ upstream: 'memory:', ...options });
  // A client has a budget for retries, and gives up when many requests have used it up: which of them is chance.
  const clients = Array.from({ length: 10 }, () => awsClient(proxy.url, undefined, 5));
  await clients[0]?.send(new CreateBucketCommand({ Bucket: 'b' }));
  const sent = clients.flatMap((client, nth) => [
    ...Array.from({ length: 20 }, (_, i) => {
      const Key = `folder ${nth}/${i}`;
      return client.send(new PutObjectCommand({ Bucket: 'b', Key, Body: `body of ${Key}` }));
    }),
    ...[1, 2, 3, 4].map((i) => {
      const part = { UploadId: 'u', PartNumber: 4 * nth + i, Body: 'part' };
      return client.send(new UploadPartCommand({ Bucket: 'b', Key: 'parts', ...part }));
    }),
  ]);
  // The store knows no such upload: a part that is let through fails in the end.
  await Promise.allSettled(sent);
  for (const client of clients) client.destroy();
  await proxy.idle();
  return proxy.journal();
}

/** What each request met, attempt by attempt: in the order of the requests themselves, as that of their arrival is chance. */
function met(entries: readonly JournalEntry[]): string[] {
  return entries
    .filter(({ operation }) => operation !== 'CreateBucket')
    .map(({ operation, key, part = '', attempt, fault = '', code = '', status, settings }) =>
      JSON.stringify([operation, key, part, attempt, fault, code, status, settings]),
    )
    .sort();
}

describe('a recorded run', () => {
  it('is repeated by the rules made of its journal: the same faults on the same of 200 concurrent uploads', async () => {
    const journalFile = join(folder, 'journal.ndjson');
    const rules = [{ name: 'by-chance.yaml', text: BY_CHANCE }];
    const recorded = await run({ rules, journalFile });
    const faults = recorded.filter(({ fault }) => fault !== undefined);
    expect(faults.length).toBeGreaterThan(50);
    expect(new Set(faults.map(({ fault }) => fault))).toEqual(new Set(['delay+error', 'error', 'reset']));
    expect(Math.max(...faults.map(({ attempt = 0 }) => attempt))).toBeGreaterThan(1);
    expect((await readFile(journalFile, 'utf8')).trimEnd().split('\n')).toEqual(
      recorded.map((entry) => JSON.stringify(entry)),
    );

    const replayed = await runCli(['replay', journalFile]);
    expect([replayed.code, replayed.stderr]).toEqual([0, '']);
    expect(replayed.stdout).not.toContain('probability');
    const again = join(folder, 'again.yaml');
    await writeFile(again, replayed.stdout);

    const repeated = await run({ rules: [again], seed: 'another' });
    expect(met(repeated)).toEqual(met(recorded));
    for (const { settings, duration } of repeated) {
      const delay = settings?.delay;
      if (typeof delay !== 'object' || delay === null || !('for' in delay)) continue;
      // Timers wait whole ms, of a clock that is read once per turn.
      expect(duration).toBeGreaterThan(parseDuration(String(delay.for)) - 3);
    }
  });

  it('is repeated where alike requests come one right after the other, some of them over before they are waited for', async () => {
    const run = async (options: Partial<ProxyOptions>) => {
      await using proxy = await startProxy({ upstream: 'memory:', ...options });
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const statuses: unknown[] = [];
      for (let nth = 0; nth < 300; nth += 1) {
        const request = http.request(`${proxy.url}/b/k`, { method: 'PUT', agent });
        request.end('x'.repeat(nth % 2 === 0 ? 60_000 : 1));
        const [response] = await once(request, 'response');
        statuses.push(response.statusCode);
        await once(response.resume(), 'end');
      }
      agent.destroy();
      return statuses;
    };
    const journalFile = join(folder, 'journal.ndjson');
    const text = 'provider: aws-s3\nrules: [{ trigger: { probability: 0.4 }, fault: { error: SlowDown } }]\n';
    const recorded = await run({ rules: [{ name: 'by-chance.yaml', text }], seed: 1, journalFile });
    const replayed = await runCli(['replay', journalFile]);
    const repeated = await run({ rules: [{ name: 'again.yaml', text: replayed.stdout }], seed: 2 });
    expect(repeated).toEqual(recorded);
  });
});
