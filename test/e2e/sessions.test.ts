import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type JournalEntry, type RunningProxy, type SessionSpec, startProxy } from '../../src/index.ts';
import { awsClient, type Keys } from '../support/clients.ts';
import { createUser } from '../support/radosgw.ts';

const MIB = 1024 * 1024;
const WORKERS = Array.from({ length: 20 }, (_, index) => index);
/** Four parts. */
const OBJECT = randomBytes(15 * MIB + 7);

const LOST = { reset: { at: 'commit' } } as const;
const EMBEDDED = { error: { code: 'InternalError', at: 'embedded' } } as const;
const CODES = ['SlowDown', 'InternalError', 'ServiceUnavailable', 'RequestTimeout'];

/** The plan of a worker: no two have the same, and all of it is met by an upload and a download that are tried again. */
function planOf(worker: number): SessionSpec['plan'] {
  const code = (shift: number) => CODES[(worker + shift) % CODES.length] ?? '';
  const part = (shift: number) => `UploadPart#${1 + ((worker + shift) % 4)}`;
  const last = worker % 2 === 0 ? { [part(1)]: [code(1), code(2)] } : { CreateMultipartUpload: [code(1)] };
  return {
    [part(0)]: worker % 3 === 0 ? [code(0), LOST] : [LOST, code(0), code(3)],
    ...last,
    ...(worker % 5 === 0 && { CompleteMultipartUpload: [EMBEDDED] }),
    ...(worker % 7 === 0 && { GetObject: ['forward'] }),
    ...(worker % 7 === 1 && { GetObject: [code(worker), code(2)] }),
  };
}

/** What a client should see of a plan, list by list: codes, `lost` for an answer that never came, `ok`. */
function expected(plan: SessionSpec['plan']): Record<string, string[]> {
  const seen = (instruction: SessionSpec['plan'][string][number]) =>
    instruction === 'forward'
      ? []
      : [typeof instruction === 'string' ? instruction : instruction === LOST ? 'lost' : 'InternalError'];
  return Object.fromEntries(Object.entries(plan).map(([name, list]) => [name, list.flatMap(seen)]));
}

/** Notes what the SDK makes of each answer, in the order of a part's, or an operation's, requests. */
function watched(client: S3Client): ReadonlyMap<string, string[]> {
  const met = new Map<string, string[]>();
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const { PartNumber } = args.input as { PartNumber?: number }; // of an UploadPart
        const place = commandName.replace(/Command$/, '') + (PartNumber ? `#${PartNumber}` : '');
        const note = (what: string) => met.set(place, [...(met.get(place) ?? []), what]);
        try {
          return await next(args);
        } catch (error) {
          const { name, code } = error as { name: string; code?: string }; // the SDK throws errors only
          note(code === 'ECONNRESET' ? 'lost' : name);
          throw error;
        }
      },
    { step: 'deserialize', priority: 'high', name: 'watch' },
  );
  return met;
}

/** Uploads in parts and reads back, trying again as SDKs do; gives what it met on the way. */
async function work(url: string, keys: Keys, bucket: string): Promise<ReadonlyMap<string, string[]>> {
  const client = awsClient(url, keys, 6);
  const met = watched(client);
  const target = { Bucket: bucket, Key: 'object' };
  const params = { ...target, Body: OBJECT };
  // Once its answer said otherwise, the upload that was completed is not there to be completed again.
  const finished = (error: Error) => expect(error.name).toBe('NoSuchUpload');
  await new Upload({ client, params, partSize: 5 * MIB, leavePartsOnError: true }).done().catch(finished);
  const { Body } = await client.send(new GetObjectCommand(target));
  expect(OBJECT.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  client.destroy();
  return met;
}

/** The instructions that were taken of a session, as the journal has them: `UploadPart#3, 1 of 2`. */
function injected(entries: readonly JournalEntry[], id: string): string[] {
  return entries.flatMap(({ rule }) =>
    rule?.startsWith(`session ${id}: `) ? [rule.split(': ')[1] ?? ''] : [],
  );
}

/** Twenty workers at once, each with keys, a bucket and a plan of its own. */
async function meetTheirPlans(proxy: RunningProxy, keysOf: readonly Keys[]): Promise<void> {
  const sessions = await Promise.all(
    keysOf.map(({ accessKey }, worker) => proxy.session({ key: { accessKey }, plan: planOf(worker) })),
  );
  const seen = await Promise.all(keysOf.map((keys, worker) => work(proxy.url, keys, `worker-${worker}`)));
  await proxy.idle();
  for (const worker of WORKERS) {
    const session = sessions[worker]!;
    const plan = planOf(worker);
    const report = session.report();
    expect([worker, report.complete]).toEqual([worker, true]);
    const entries = proxy.journal({ session: session.id });
    expect(report.exchanges).toBe(entries.length);
    expect(new Set(entries.map(({ accessKey, bucket }) => `${accessKey} ${bucket}`))).toEqual(
      new Set([`${keysOf[worker]?.accessKey} worker-${worker}`]),
    );
    // Each instruction once, in the order of its list, and nothing that is not its own.
    for (const [name, list] of Object.entries(plan)) {
      const own = injected(entries, session.id).filter((rule) => rule.startsWith(`${name}, `));
      expect(own).toEqual(list.map((_, index) => `${name}, ${index + 1} of ${list.length}`));
    }
    expect(injected(entries, session.id).length).toBe(Object.values(plan).flat().length);
    expect(
      entries.every(({ rule }) => rule === undefined || rule.startsWith(`session ${session.id}: `)),
    ).toBe(true);
    for (const { instruction, exchange = 0 } of Object.values(report.plan).flat()) {
      const entry = entries.find(({ id }) => id === exchange);
      expect(entry?.outcome).toBe(instruction === 'forward' ? 'forwarded' : 'injected');
    }
    const wanted = expected(plan);
    const met = Object.fromEntries(
      [...(seen[worker] ?? [])].map(([name, list]) => [name, list.filter((what) => what !== 'NoSuchUpload')]),
    );
    for (const name of Object.keys(wanted))
      expect([worker, name, met[name] ?? []]).toEqual([worker, name, wanted[name]]);
    expect(Object.values(met).flat().length).toBe(Object.values(wanted).flat().length);
  }
  expect(proxy.journal().every(({ session }) => session !== undefined)).toBe(true);
}

async function start(upstream: string): Promise<RunningProxy> {
  const proxy = await startProxy({ upstream, provider: 'aws-s3' });
  onTestFinished(() => proxy.close(0));
  return proxy;
}

describe('twenty AWS SDKs with a key each, at once, in front of one proxy', () => {
  it('meet their own plans and no other, before the embedded store', async () => {
    const keys = WORKERS.map((worker) => ({ accessKey: `WORKER${worker}`, secretKey: 'any' }));
    await meetTheirPlans(await start('memory:'), keys);
  }, 120_000);

  describe.skipIf(inject('radosgw') === null)('before radosgw', () => {
    const backend = inject('radosgw') ?? { url: '', accessKey: '', secretKey: '' };
    let keys: readonly Keys[];

    beforeAll(async () => {
      keys = await Promise.all(WORKERS.map((worker) => createUser(backend, `worker${worker}`)));
      for (const worker of WORKERS) {
        const client = awsClient(backend.url, keys[worker]);
        await client.send(new CreateBucketCommand({ Bucket: `worker-${worker}` }));
        client.destroy();
      }
    });

    it('meet their own plans and no other, signatures checked', async () => {
      await meetTheirPlans(await start(backend.url), keys);
    }, 120_000);
  });
});
