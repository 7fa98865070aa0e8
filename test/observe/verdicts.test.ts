import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { RuleSet } from '../../src/rules/decide.ts';
import { ask, closing } from '../faults/faulty.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, type ProxyOptions, proxyTo } from '../support/proxy.ts';
import { OK, upstreamSaying } from '../support/through.ts';

const REFUSED = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';

/** A proxy with these rules, before an upstream that answers every request so. */
async function proxyWith(text: string, options: ProxyOptions = {}, answer: () => string = () => OK) {
  const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(answer())));
  const { port, proxy } = await proxyTo(upstream.url, { ...options, rules: rulesOf(text) });
  const send = async (line: string, ...headers: string[]) => {
    await ask(port, closing(line, ...headers));
  };
  const over = (exchanges: number) =>
    eventually(`${exchanges} exchanges are over`, () => proxy.journal.count === exchanges);
  /** One after the other; gives the id of the last. */
  const sent = async (...lines: string[]) => {
    for (const line of lines) {
      const before = proxy.journal.count;
      await send(line);
      await over(before + 1);
    }
    return proxy.journal.count;
  };
  const said = (id: number) =>
    proxy.journal.verdicts(id)?.map(({ rule, fires, why }) => `${fires ? '✓' : '✗'} ${rule.name}: ${why}`);
  return { proxy, send, sent, said, over };
}

describe('what the journal says of the rules', () => {
  it('is what each of 300 concurrent requests really met', async () => {
    const { proxy, send, over } = await proxyWith(`
rules:
  - { name: dice, match: { method: PUT }, trigger: { probability: 0.3 }, fault: { error: SlowDown } }
  - { name: odd, match: { key: "*1" }, trigger: { every: 2, limit: 5 }, fault: { error: InternalError } }
  - { name: once, match: { headers: { x-once: "yes" } }, trigger: { first: 1, per: key }, fault: { error: NoSuchKey } }
  - { name: tenth, trigger: { after: 10, every: 10 }, fault: { error: ServiceUnavailable } }
`);
    const lines = Array.from({ length: 300 }, (_, n) => `${n % 3 ? 'GET' : 'PUT'} /b/${n % 40}`);
    await Promise.all(
      lines.map((line, n) => send(line, ...(n % 4 ? [] : ['X-Once: yes']), 'Content-Length: 0')),
    ).then(() => over(300));
    // The proxy remembers 100 unless told otherwise.
    const entries = proxy.journal.entries();
    expect(entries).toHaveLength(100);
    for (const { id, rule } of entries) {
      const fired = proxy.journal.verdicts(id)?.filter(({ fires }) => fires) ?? [];
      expect(fired.map((verdict) => verdict.rule.name)).toEqual(rule === undefined ? [] : [rule]);
    }
  });

  it('counts every request once, in whatever order they came', async () => {
    const { proxy, send, said, over } = await proxyWith(
      'rules: [{ name: late, trigger: { after: 90, limit: 4 }, fault: { error: SlowDown } }]',
    );
    await Promise.all(Array.from({ length: 100 }, () => send('GET /b/k'))).then(() => over(100));
    const all = proxy.journal.entries().flatMap(({ id }) => said(id) ?? []);
    const counted = all.flatMap((text) => /request (\d+), fires from request 91 on/.exec(text)?.[1] ?? []);
    expect(counted.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, n) => n + 1));
    expect(all.filter((text) => text === '✓ late: it matches')).toHaveLength(4);
    expect(all.filter((text) => text === '✗ late: limit of 4 reached')).toHaveLength(6);
  });

  it('does not change with what comes later', async () => {
    const { sent, said } = await proxyWith(`
rules:
  - { name: dice, trigger: { probability: 0.2, limit: 1 }, fault: { error: SlowDown } }
  - { name: every, match: { key: "k*" }, trigger: { every: 3, per: bucket }, fault: { error: SlowDown } }
`);
    await sent('GET /b/k1', 'GET /b/k2', 'GET /b/k3', 'GET /b/other');
    const before = [1, 2, 3, 4].map(said);
    expect(before[0]?.[1]).toBe('✗ every: request 1 of this bucket, fires on requests 3, 6, 9, …');
    expect(before[3]?.[1]).toBe('✗ every: key is other, rule wants k*');
    await sent(...Array.from({ length: 40 }, (_, n) => `GET /b/k${n}`));
    expect([1, 2, 3, 4].map(said)).toEqual(before);
  });

  it('names the rule that fired before, and why others would not have', async () => {
    const { sent, said } = await proxyWith(`
rules:
  - { name: first, match: { method: GET }, fault: { error: SlowDown } }
  - { name: second, fault: { error: SlowDown } }
  - { name: third, match: { method: PUT, bucket: c }, fault: { error: SlowDown } }
`);
    expect(said(await sent('GET /b/k'))).toEqual([
      '✓ first: it matches',
      '✗ second: an earlier rule fired: first',
      '✗ third: method is GET, rule wants PUT; bucket is b, rule wants c',
    ]);
  });

  it('is of the rules that were in force then, whatever has replaced them', async () => {
    const { proxy, sent, said } = await proxyWith(
      'rules: [{ name: old, match: { headers: { x-a: one }, query: { x: y } }, fault: { error: SlowDown } }]',
    );
    await sent('GET /b/k');
    proxy.rules = rulesOf('rules: [{ name: new, trigger: { first: 1 }, fault: { error: SlowDown } }]');
    await sent('GET /b/k', 'GET /b/k');
    proxy.rules = rulesOf('rules: []');
    await sent('GET /b/k');
    expect([1, 2, 3, 4].map(said)).toEqual([
      ['✗ old: query parameter x is absent, rule wants y; header x-a is absent, rule wants one'],
      ['✓ new: it matches'],
      ['✗ new: request 2, fires on request 1 only'],
      [],
    ]);
  });

  it('stays what it was when a rule is replaced, and another goes on counting', async () => {
    const proxy = await startProxy({
      upstream: 'memory:',
      adminPort: 0,
      rules: [
        {
          provider: 'aws-s3',
          rules: [
            { name: 'kept', trigger: { after: 1 }, fault: { error: 'SlowDown' } },
            { name: 'changed', trigger: { after: 5 }, fault: { error: 'SlowDown' } },
          ],
        },
      ],
    });
    onTestFinished(() => proxy.close(0));
    const said = async (id: number) => {
      const answer = await fetch(`${proxy.adminUrl}/journal/${id}`);
      return ((await answer.json()) as { verdicts: unknown }).verdicts; // what of it is there, the test says
    };
    const get = async () => (await fetch(`${proxy.url}/b/k`)).text();
    await get();
    await proxy.idle();
    const before = await said(1);
    expect(before).toEqual([
      { rule: 'kept', fires: false, why: 'request 1, fires from request 2 on' },
      { rule: 'changed', fires: false, why: 'request 1, fires from request 6 on' },
    ]);
    proxy.replaceRule('changed', {
      provider: 'aws-s3',
      rules: [{ name: 'changed', match: { method: 'PUT' }, fault: { error: 'SlowDown' } }],
    });
    await proxy.reload();
    await get();
    await proxy.idle();
    expect(await said(1)).toEqual(before);
    expect(await said(2)).toEqual([
      { rule: 'kept', fires: true, why: 'it matches' },
      { rule: 'changed', fires: false, why: 'method is GET, rule wants PUT' },
    ]);
  });

  it('has the attempt of that request, though others came since and one succeeded', async () => {
    let answer = REFUSED;
    const { proxy, sent, said } = await proxyWith(
      'rules: [{ name: second, match: { attempt: 2 }, fault: { error: SlowDown } }]',
      {},
      () => answer,
    );
    await sent('GET /b/k', 'GET /b/k', 'GET /b/k');
    answer = OK;
    await sent('GET /b/k', 'GET /b/k');
    const wants = '✗ second: attempt is N, rule wants 2';
    expect([1, 2, 3, 4, 5].map((id) => said(id)?.[0])).toEqual([
      wants.replace('N', '1'),
      '✓ second: it matches',
      wants.replace('N', '3'),
      wants.replace('N', '4'),
      wants.replace('N', '1'),
    ]);
    expect(proxy.journal.entries().map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 1]);
  });

  it('has the headers and parameters of that request, each its own', async () => {
    const { send, said, over } = await proxyWith(`
rules:
  - name: all
    match:
      headers: { X-Tag: "a*", constructor: true, x-none: false, "x-empty": "" }
      query: { prefix: p, __PROTO: true }
    fault: { error: SlowDown }
`);
    await send('GET /b?prefix=p&__PROTO', 'x-tag: abc', 'Constructor: 1', 'x-empty:');
    await send('GET /b?prefix=q', 'x-tag: b', 'X-Tag: c', 'x-none: 1');
    await over(2);
    expect(said(1)).toEqual(['✓ all: it matches']);
    expect(said(2)).toEqual([
      '✗ all: query parameter prefix is q, rule wants p; query parameter __PROTO is absent, rule wants it present; header X-Tag is b, c, rule wants a*; header constructor is absent, rule wants it present; header x-none is present, rule wants it absent; header x-empty is absent, rule wants empty',
    ]);
  });

  it('is forgotten with its entry, and of no other request when its place is taken', async () => {
    const { proxy, send, sent, said, over } = await proxyWith(
      'rules: [{ name: one, match: { headers: { x-a: "1", x-b: "2" } }, fault: { error: SlowDown } }]',
      { journalSize: 1 },
    );
    await send('GET /b/k', 'x-a: 1', 'x-b: 3');
    await over(1);
    expect(said(1)).toEqual(['✗ one: header x-b is 3, rule wants 2']);
    proxy.rules = rulesOf(
      'rules: [{ name: two, match: { query: { x: "1" } }, fault: { error: SlowDown } }, { name: three, fault: { error: SlowDown } }]',
    );
    expect(said(await sent('GET /b/k?x=1'))).toEqual([
      '✓ two: it matches',
      '✗ three: an earlier rule fired: two',
    ]);
    expect(said(1)).toBeUndefined();
    proxy.rules = rulesOf(
      'rules: [{ name: four, match: { query: { y: true } }, fault: { error: SlowDown } }]',
    );
    expect(said(await sent('GET /b/k?x=1'))).toEqual([
      '✗ four: query parameter y is absent, rule wants it present',
    ]);
  });

  it('is of the rules that matched alone, once very many have been replaced since', async () => {
    const first = rulesOf(
      'rules: [{ name: no, match: { method: PUT }, fault: { error: SlowDown } }, { name: yes, fault: { error: SlowDown } }]',
    );
    const upstream = await upstreamSaying();
    const { port, proxy } = await proxyTo(upstream.url, { rules: first });
    await ask(port, closing('GET /b/k'));
    await proxy.idle();
    const said = () => proxy.journal.verdicts(1)?.map(({ rule, why }) => `${rule.name}: ${why}`);
    const change = (count: number) => {
      const rules = Array.from({ length: count }, () => first.rules[0]!);
      proxy.rules = new RuleSet(rules, new Map(), proxy.rules);
    };
    change(19_998);
    change(1);
    expect(said()).toEqual(['no: method is GET, rule wants PUT', 'yes: it matches']);
    change(1);
    expect(said()).toEqual(['yes: it matches']);
  });

  it('keeps to whether a rule fired where the request was too long to be kept', async () => {
    const { proxy, send, said, over } = await proxyWith(`
rules:
  - { name: other, match: { key: none }, fault: { error: SlowDown } }
  - { name: twice, trigger: { after: 1 }, fault: { error: SlowDown } }
  - { name: header, match: { headers: { x-a: "*" } }, fault: { error: SlowDown } }
  - { name: last, fault: { error: SlowDown } }
`);
    const why = 'it does not match; the request was too long to be kept, and with it why';
    await send(`GET /b/${'x'.repeat(9000)}`);
    await send('GET /b/k', `X-A: ${'x'.repeat(9000)}`);
    await send('GET /b/k');
    await over(3);
    expect(said(1)).toEqual([
      `✗ other: ${why}`,
      '✗ twice: request 1, fires from request 2 on',
      `✗ header: ${why}`,
      '✓ last: it matches',
    ]);
    const earlier = 'an earlier rule fired: twice';
    expect(said(2)).toEqual([
      `✗ other: ${why}`,
      '✓ twice: it matches',
      `✗ header: ${earlier}`,
      `✗ last: ${earlier}`,
    ]);
    expect(said(3)?.[0]).toBe('✗ other: key is k, rule wants none');
    expect(proxy.journal.entries()[0]?.key).toHaveLength(2049);
  });

  it('goes by the whole of a key, of which the entry shows a part', async () => {
    const key = 'x'.repeat(5000);
    const { proxy, sent, said } = await proxyWith(
      'rules: [{ name: end, match: { key: "*x.end", path: "/b/*x.end" }, fault: { error: SlowDown } }]',
    );
    expect(said(await sent(`GET /b/${key}.end`))).toEqual(['✓ end: it matches']);
    expect(proxy.journal.entries()[0]?.key).toHaveLength(2049);
    expect(said(await sent(`GET /b/${key}`))?.[0]).toMatch(
      /^✗ end: key is x{80}…, rule wants \*x\.end; path is/,
    );
  });
});
