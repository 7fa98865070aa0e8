import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { RuleSet } from '../../src/rules/decide.ts';
import { ask, closing } from '../faults/faulty.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, type ProxyOptions, proxyTo } from '../support/proxy.ts';
import { OK, upstreamSaying } from '../support/through.ts';

const REFUSED = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';

/** Starts a proxy with these rules, in front of an upstream that gives every request this answer. */
async function proxyWith(text: string, options: ProxyOptions = {}, answer: () => string = () => OK) {
  const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(answer())));
  const { port, proxy, swapRules } = await proxyTo(upstream.url, { ...options, rules: rulesOf(text) });
  const send = async (line: string, ...headers: string[]) => {
    await ask(port, closing(line, ...headers));
  };
  const untilOver = (exchanges: number) =>
    eventually(`${exchanges} exchanges are over`, () => proxy.journal.count === exchanges);
  /** Sends requests one after the other. Returns the id of the last. */
  const sendAll = async (...lines: string[]) => {
    for (const line of lines) {
      const before = proxy.journal.count;
      await send(line);
      await untilOver(before + 1);
    }
    return proxy.journal.count;
  };
  const verdictsOf = (id: number) =>
    proxy.journal.verdicts(id)?.map(({ rule, fires, why }) => `${fires ? '✓' : '✗'} ${rule.name}: ${why}`);
  return { proxy, swapRules, send, sendAll, verdictsOf, untilOver };
}

describe('the verdicts in the journal', () => {
  it('agree with what was injected into each of 300 concurrent requests', async () => {
    const { proxy, send, untilOver } = await proxyWith(`
rules:
  - { name: dice, match: { method: PUT }, trigger: { probability: 0.3 }, fault: { error: SlowDown } }
  - { name: odd, match: { key: "*1" }, trigger: { every: 2, limit: 5 }, fault: { error: InternalError } }
  - { name: once, match: { headers: { x-once: "yes" } }, trigger: { first: 1, per: key }, fault: { error: NoSuchKey } }
  - { name: tenth, trigger: { after: 10, every: 10 }, fault: { error: ServiceUnavailable } }
`);
    const lines = Array.from({ length: 300 }, (_, n) => `${n % 3 ? 'GET' : 'PUT'} /b/${n % 40}`);
    await Promise.all(
      lines.map((line, n) => send(line, ...(n % 4 ? [] : ['X-Once: yes']), 'Content-Length: 0')),
    ).then(() => untilOver(300));
    // The proxy remembers 100 unless told otherwise.
    const entries = proxy.journal.entries();
    expect(entries).toHaveLength(100);
    for (const { id, rule } of entries) {
      const fired = proxy.journal.verdicts(id)?.filter(({ fires }) => fires) ?? [];
      expect(fired.map((verdict) => verdict.rule.name)).toEqual(rule === undefined ? [] : [rule]);
    }
  });

  it('count every request once, in any order of arrival', async () => {
    const { proxy, send, verdictsOf, untilOver } = await proxyWith(
      'rules: [{ name: late, trigger: { after: 90, limit: 4 }, fault: { error: SlowDown } }]',
    );
    await Promise.all(Array.from({ length: 100 }, () => send('GET /b/k'))).then(() => untilOver(100));
    const all = proxy.journal.entries().flatMap(({ id }) => verdictsOf(id) ?? []);
    const counted = all.flatMap((text) => /request (\d+), fires from request 91 on/.exec(text)?.[1] ?? []);
    expect(counted.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, n) => n + 1));
    expect(all.filter((text) => text === '✓ late: it matches')).toHaveLength(4);
    expect(all.filter((text) => text === '✗ late: limit of 4 reached')).toHaveLength(6);
  });

  it('do not change with later requests', async () => {
    const { sendAll, verdictsOf } = await proxyWith(`
rules:
  - { name: dice, trigger: { probability: 0.2, limit: 1 }, fault: { error: SlowDown } }
  - { name: every, match: { key: "k*" }, trigger: { every: 3, per: bucket }, fault: { error: SlowDown } }
`);
    await sendAll('GET /b/k1', 'GET /b/k2', 'GET /b/k3', 'GET /b/other');
    const before = [1, 2, 3, 4].map(verdictsOf);
    expect(before[0]?.[1]).toBe('✗ every: request 1 of this bucket, fires on requests 3, 6, 9, …');
    expect(before[3]?.[1]).toBe('✗ every: key is other, rule wants k*');
    await sendAll(...Array.from({ length: 40 }, (_, n) => `GET /b/k${n}`));
    expect([1, 2, 3, 4].map(verdictsOf)).toEqual(before);
  });

  it('name the earlier rule that fired, and say why the others would not have', async () => {
    const { sendAll, verdictsOf } = await proxyWith(`
rules:
  - { name: first, match: { method: GET }, fault: { error: SlowDown } }
  - { name: second, fault: { error: SlowDown } }
  - { name: third, match: { method: PUT, bucket: c }, fault: { error: SlowDown } }
`);
    expect(verdictsOf(await sendAll('GET /b/k'))).toEqual([
      '✓ first: it matches',
      '✗ second: an earlier rule fired: first',
      '✗ third: method is GET, rule wants PUT; bucket is b, rule wants c',
    ]);
  });

  it('are of the rules that were in force then, also after they were replaced', async () => {
    const { swapRules, sendAll, verdictsOf } = await proxyWith(
      'rules: [{ name: old, match: { headers: { x-a: one }, query: { x: y } }, fault: { error: SlowDown } }]',
    );
    await sendAll('GET /b/k');
    swapRules(rulesOf('rules: [{ name: new, trigger: { first: 1 }, fault: { error: SlowDown } }]'));
    await sendAll('GET /b/k', 'GET /b/k');
    swapRules(rulesOf('rules: []'));
    await sendAll('GET /b/k');
    expect([1, 2, 3, 4].map(verdictsOf)).toEqual([
      ['✗ old: query parameter x is absent, rule wants y; header x-a is absent, rule wants one'],
      ['✓ new: it matches'],
      ['✗ new: request 2, fires on request 1 only'],
      [],
    ]);
  });

  it('stay the same when one rule is replaced and another goes on counting', async () => {
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
    const verdictsOf = async (id: number) => {
      const answer = await fetch(`${proxy.adminUrl}/journal/${id}`);
      return ((await answer.json()) as { verdicts: unknown }).verdicts; // the test checks the rest
    };
    const get = async () => (await fetch(`${proxy.url}/b/k`)).text();
    await get();
    await proxy.idle();
    const before = await verdictsOf(1);
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
    expect(await verdictsOf(1)).toEqual(before);
    expect(await verdictsOf(2)).toEqual([
      { rule: 'kept', fires: true, why: 'it matches' },
      { rule: 'changed', fires: false, why: 'method is GET, rule wants PUT' },
    ]);
  });

  it('have the attempt of that request, also after later attempts', async () => {
    let answer = REFUSED;
    const { proxy, sendAll, verdictsOf } = await proxyWith(
      'rules: [{ name: second, match: { attempt: 2 }, fault: { error: SlowDown } }]',
      {},
      () => answer,
    );
    await sendAll('GET /b/k', 'GET /b/k', 'GET /b/k');
    answer = OK;
    await sendAll('GET /b/k', 'GET /b/k');
    const wants = '✗ second: attempt is N, rule wants 2';
    expect([1, 2, 3, 4, 5].map((id) => verdictsOf(id)?.[0])).toEqual([
      wants.replace('N', '1'),
      '✓ second: it matches',
      wants.replace('N', '3'),
      wants.replace('N', '4'),
      wants.replace('N', '1'),
    ]);
    expect(proxy.journal.entries().map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 1]);
  });

  it('have the headers and parameters of that request', async () => {
    const { send, verdictsOf, untilOver } = await proxyWith(`
rules:
  - name: all
    match:
      headers: { X-Tag: "a*", constructor: true, x-none: false, "x-empty": "" }
      query: { prefix: p, __PROTO: true }
    fault: { error: SlowDown }
`);
    await send('GET /b?prefix=p&__PROTO', 'x-tag: abc', 'Constructor: 1', 'x-empty:');
    await send('GET /b?prefix=q', 'x-tag: b', 'X-Tag: c', 'x-none: 1');
    await untilOver(2);
    expect(verdictsOf(1)).toEqual(['✓ all: it matches']);
    expect(verdictsOf(2)).toEqual([
      '✗ all: query parameter prefix is q, rule wants p; query parameter __PROTO is absent, rule wants it present; header X-Tag is b, c, rule wants a*; header constructor is absent, rule wants it present; header x-none is present, rule wants it absent; header x-empty is absent, rule wants empty',
    ]);
  });

  it('are forgotten with their entry, and are right for the next request in its place', async () => {
    const { swapRules, send, sendAll, verdictsOf, untilOver } = await proxyWith(
      'rules: [{ name: one, match: { headers: { x-a: "1", x-b: "2" } }, fault: { error: SlowDown } }]',
      { journalSize: 1 },
    );
    await send('GET /b/k', 'x-a: 1', 'x-b: 3');
    await untilOver(1);
    expect(verdictsOf(1)).toEqual(['✗ one: header x-b is 3, rule wants 2']);
    swapRules(
      rulesOf(
        'rules: [{ name: two, match: { query: { x: "1" } }, fault: { error: SlowDown } }, { name: three, fault: { error: SlowDown } }]',
      ),
    );
    expect(verdictsOf(await sendAll('GET /b/k?x=1'))).toEqual([
      '✓ two: it matches',
      '✗ three: an earlier rule fired: two',
    ]);
    expect(verdictsOf(1)).toBeUndefined();
    swapRules(rulesOf('rules: [{ name: four, match: { query: { y: true } }, fault: { error: SlowDown } }]'));
    expect(verdictsOf(await sendAll('GET /b/k?x=1'))).toEqual([
      '✗ four: query parameter y is absent, rule wants it present',
    ]);
  });

  it('are of the rules that matched only, after very many rules have been replaced', async () => {
    const first = rulesOf(
      'rules: [{ name: no, match: { method: PUT }, fault: { error: SlowDown } }, { name: yes, fault: { error: SlowDown } }]',
    );
    const upstream = await upstreamSaying();
    let inForce = first;
    const { port, proxy, swapRules } = await proxyTo(upstream.url, { rules: first });
    await ask(port, closing('GET /b/k'));
    await proxy.idle();
    const verdictsOf = () => proxy.journal.verdicts(1)?.map(({ rule, why }) => `${rule.name}: ${why}`);
    const change = (count: number) => {
      const rules = Array.from({ length: count }, () => first.rules[0]!);
      inForce = new RuleSet(rules, new Map(), inForce);
      swapRules(inForce);
    };
    change(19_998);
    change(1);
    expect(verdictsOf()).toEqual(['no: method is GET, rule wants PUT', 'yes: it matches']);
    change(1);
    expect(verdictsOf()).toEqual(['yes: it matches']);
  });

  it('say only whether a rule fired if the request was too long to be kept', async () => {
    const { proxy, send, verdictsOf, untilOver } = await proxyWith(`
rules:
  - { name: other, match: { key: none }, fault: { error: SlowDown } }
  - { name: twice, trigger: { after: 1 }, fault: { error: SlowDown } }
  - { name: header, match: { headers: { x-a: "*" } }, fault: { error: SlowDown } }
  - { name: last, fault: { error: SlowDown } }
`);
    const why = 'it does not match; the request was too long to be kept, so the reason is not known';
    await send(`GET /b/${'x'.repeat(9000)}`);
    await send('GET /b/k', `X-A: ${'x'.repeat(9000)}`);
    await send('GET /b/k');
    await untilOver(3);
    expect(verdictsOf(1)).toEqual([
      `✗ other: ${why}`,
      '✗ twice: request 1, fires from request 2 on',
      `✗ header: ${why}`,
      '✓ last: it matches',
    ]);
    const earlier = 'an earlier rule fired: twice';
    expect(verdictsOf(2)).toEqual([
      `✗ other: ${why}`,
      '✓ twice: it matches',
      `✗ header: ${earlier}`,
      `✗ last: ${earlier}`,
    ]);
    expect(verdictsOf(3)?.[0]).toBe('✗ other: key is k, rule wants none');
    expect(proxy.journal.entries()[0]?.key).toHaveLength(2049);
  });

  it('use the whole key, although the entry shows a part of it', async () => {
    const key = 'x'.repeat(5000);
    const { proxy, sendAll, verdictsOf } = await proxyWith(
      'rules: [{ name: end, match: { key: "*x.end", path: "/b/*x.end" }, fault: { error: SlowDown } }]',
    );
    expect(verdictsOf(await sendAll(`GET /b/${key}.end`))).toEqual(['✓ end: it matches']);
    expect(proxy.journal.entries()[0]?.key).toHaveLength(2049);
    expect(verdictsOf(await sendAll(`GET /b/${key}`))?.[0]).toMatch(
      /^✗ end: key is x{80}…, rule wants \*x\.end; path is/,
    );
  });
});
