import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BadRules, type RunningProxy, startProxy } from '../../src/index.ts';
import { ask, closing, timers } from '../faults/faulty.ts';
import { freePort } from '../support/ports.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { upstreamSaying } from '../support/through.ts';

const plan = { GetObject: ['SlowDown', 'InternalError'] };

async function start(): Promise<RunningProxy> {
  const proxy = await startProxy({ upstream: 'memory:', provider: 'aws-s3' });
  onTestFinished(() => proxy.close(0));
  return proxy;
}

const met = async (url: string) => (await fetch(`${url}/b/k`)).status;

describe('proxy.session()', () => {
  it('begins a session, ends it by hand, and returns its report', async () => {
    const proxy = await start();
    const session = await proxy.session({ key: { bucket: 'b' }, plan });
    expect(session.url).toBeUndefined();
    expect(await met(proxy.url)).toBe(503);
    await proxy.idle();
    await session.end();
    await session.end();
    expect(await met(proxy.url)).toBe(404);
    expect(session.report()).toMatchObject({ id: session.id, exchanges: 1, complete: false });
    expect(proxy.journal({ session: session.id }).length).toBe(1);
  });

  it('begins a session that ends with its block', async () => {
    const proxy = await start();
    let url = '';
    {
      await using session = await proxy.session({ key: { port: 0 }, plan });
      url = session.url ?? '';
      expect(await met(url)).toBe(503);
      expect(await met(proxy.url)).toBe(404);
    }
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('takes a text too, and reports its problems', async () => {
    const proxy = await start();
    await proxy.session('key: { bucket: b }\nplan: { GetObject: [SlowDown] }\n');
    expect(await met(proxy.url)).toBe(503);
    const bad = { key: { bucket: 'c' }, plan: { GetObject: ['SlowDwon'] } };
    const error = await proxy.session(bad).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BadRules);
    expect(String(error)).toBe(
      'BadRules: session:plan.GetObject[0]: aws-s3 documents no code "SlowDwon". did you mean "SlowDown"? [unknown-code]',
    );
  });
});

/** Collects garbage. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') gc();
}

describe('proxy.session() refuses', () => {
  const circle: { key: object; plan: object; self?: unknown } = { key: { bucket: 'b' }, plan };
  circle.self = circle;

  it.each([
    ['nothing', undefined, /^a session is an object with the keys key, plan,/],
    ['a function', () => {}, /^a session is an object with the keys key, plan,/],
    ['an object that holds itself', circle, /^session:self: this has a map or a list that contains itself/],
    [
      'a value that JSON cannot have',
      { key: { port: 1n }, plan },
      /^session:key\.port: a bigint is not a text, number,/,
    ],
  ])('%s, with a sentence', async (_, spec, sentence) => {
    const proxy = await start();
    // A caller without types can pass this.
    await expect(proxy.session(spec as never)).rejects.toThrow(sentence);
  });
});

describe('a session ends', () => {
  it('and then its plan is freed, but the journal keeps its exchanges', async () => {
    const { port, proxy } = await proxyTo((await upstreamSaying()).url);
    const begunAndEnded = async (bucket: string) => {
      const session = await proxy.sessions.open({ key: { bucket }, plan });
      await ask(port, closing(`GET /${bucket}/k`));
      await proxy.idle();
      proxy.sessions.end(session);
      return new WeakRef(session);
    };
    const sessions = [await begunAndEnded('a'), await begunAndEnded('b')];
    await eventually('they are forgotten', () => {
      collect();
      return sessions.every((session) => session.deref() === undefined);
    });
    expect([1, 2].map((id) => proxy.journal.verdicts(id)?.[0]?.fires)).toEqual([true, true]);
  });

  it('with reset(), like all other sessions and their ports', async () => {
    const proxy = await start();
    await proxy.session({ key: { bucket: 'b' }, plan });
    const { url = '' } = await proxy.session({ key: { port: 0 }, plan });
    proxy.reset();
    expect(await met(proxy.url)).toBe(404);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('with reset() while its port is being opened, and leaves no port behind', async () => {
    const { proxy } = await proxyTo((await upstreamSaying()).url);
    const port = await freePort();
    const opening = proxy.sessions.open({ key: { port }, plan });
    proxy.sessions.endAll();
    await expect(opening).rejects.toThrow(
      `the server was closed before it listened at port ${port} of 127.0.0.1`,
    );
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed');
  });

  it('with close(), which frees its port and its timer', async () => {
    const before = timers();
    const proxy = await start();
    const { url = '' } = await proxy.session({ key: { port: 0 }, plan });
    await proxy.session({ key: { bucket: 'b' }, plan });
    await proxy.close(0);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    await eventually('no timer is left', () => timers() <= before);
    for (const key of [{ port: 0 }, { bucket: 'c' }]) {
      await expect(proxy.session({ key, plan })).rejects.toThrow(
        'the proxy is closed, so no session can begin',
      );
    }
  });

  it('by itself some time after its last request', async () => {
    const { url, proxy } = await proxyTo((await upstreamSaying()).url);
    const session = await proxy.sessions.open({ key: { port: 0 }, plan, expires: '1s' });
    const begun = session.report().expires;
    await eventually('a request has put it off', async () => {
      const status = await met(session.report().url ?? url).catch(() => 0);
      return [503, 500].includes(status) && session.report().expires > begun;
    });
    await eventually('it has ended', () => proxy.sessions.all.length === 0);
    await expect(fetch(session.report().url ?? '')).rejects.toThrow('fetch failed');
    expect(() => proxy.sessions.get(session.id)).toThrow(
      `there is no session "${session.id}"; it may have ended, or expired`,
    );
  });

  it('never while one of its requests is in progress', async () => {
    const { url, proxy } = await proxyTo((await upstreamSaying()).url);
    const stalled = { GetObject: [{ stall: { at: 'headers' } }] } as const;
    const session = await proxy.sessions.open({ key: { bucket: 'b' }, plan: stalled, expires: '500ms' });
    const gone = new AbortController();
    const asked = fetch(`${url}/b/k`, { signal: gone.signal }).catch(() => {});
    await eventually('it has come', () => session.report().exchanges === 1);
    // This session begins later and lasts longer: when it has ended, the other one would have ended before.
    await proxy.sessions.open({ key: { bucket: 'clock' }, plan, expires: '600ms' });
    await eventually('the later one has ended', () =>
      proxy.sessions.all.every(({ id }) => id === session.id),
    );
    expect(proxy.sessions.all).toEqual([session]);
    gone.abort();
    await asked;
    await eventually('it has ended', () => proxy.sessions.all.length === 0);
    expect(session.report().complete).toBe(true);
  });
});

describe('sessions', () => {
  it('have at most 1 MiB each, with aliases counted each time, and 64 MiB together', async () => {
    const { proxy } = await proxyTo((await upstreamSaying()).url);
    const body = 'x'.repeat(13_000);
    const spec = (bucket: string, times: number) =>
      `key: { bucket: ${bucket} }\nplan:\n  GetObject:\n    - &a { respond: { status: 200, body: ${body} } }\n${'    - *a\n'.repeat(times)}`;
    await expect(proxy.sessions.open(spec('b', 80))).rejects.toThrow(
      /references to anchors repeat so much that the text has more than 1MiB/,
    );
    const long = { respond: { status: 200, body: 'x'.repeat(1024 ** 2) } };
    await expect(proxy.sessions.open({ key: { bucket: 'b' }, plan: { GetObject: [long] } })).rejects.toThrow(
      /a session may have 1MiB; a part that aliases repeat/,
    );
    for (let nth = 0; nth < 64; nth += 1) await proxy.sessions.open(spec(`b${nth}`, 79));
    await expect(proxy.sessions.open(spec('b', 79))).rejects.toThrow(
      /^all sessions together would have .*, and may have 64MiB\. end those that are done/,
    );
  });

  it('are at most a thousand', async () => {
    const { proxy } = await proxyTo((await upstreamSaying()).url);
    for (let nth = 0; nth < 1000; nth += 1)
      await proxy.sessions.open({ key: { accessKey: `A${nth}` }, plan });
    await expect(proxy.sessions.open({ key: { accessKey: 'B' }, plan })).rejects.toThrow(
      'there are 1000 sessions, which is the limit. end those that are done, or let them expire sooner',
    );
    proxy.sessions.endAll();
    await proxy.sessions.open({ key: { accessKey: 'B' }, plan });
    expect(proxy.sessions.all.length).toBe(1);
  });

  it('have at most a hundred thousand instructions', async () => {
    const { proxy } = await proxyTo((await upstreamSaying()).url);
    const long = { GetObject: Array(1000).fill('forward') };
    for (let nth = 0; nth < 99; nth += 1)
      await proxy.sessions.open({ key: { bucket: `b${nth}` }, plan: long });
    await proxy.sessions.open({ key: { bucket: 'short' }, plan });
    await expect(proxy.sessions.open({ key: { bucket: 'long' }, plan: long })).rejects.toThrow(
      'all sessions together would have 100002 instructions, and may have 100000. end those that are done, or let them expire sooner',
    );
  });
});
