import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { ProxyServer } from '../../src/proxy/proxy.ts';
import { RuleSet } from '../../src/rules/decide.ts';
import { ask, closing, faultyProxy } from '../faults/faulty.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const always = (answer: string) => upstreamSaying((socket) => socket.on('data', () => socket.write(answer)));

/** The lines of the exposition that have this metric's name, by their labels. */
async function samples(
  { metrics }: Pick<ProxyServer, 'metrics'>,
  name: string,
): Promise<Record<string, number>> {
  const lines = (await metrics.registry.metrics()).split('\n');
  const ours = lines
    .map((line) => /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line))
    .filter((match) => match?.[1] === name);
  return Object.fromEntries(ours.map((match) => [match?.[2] ?? '', Number(match?.[3])]));
}

async function ended(proxy: ProxyServer, count: number): Promise<void> {
  await eventually(`${count} exchanges are over`, () => proxy.journal.count === count);
}

describe('the metric', () => {
  it('brownout_requests_total counts by operation and by the status the client was given', async () => {
    const { url } = await always(OK);
    const { port, proxy } = await proxyTo(url);
    await rawExchange(port, closing('GET /b/k'));
    await rawExchange(port, closing('GET /b/k'));
    await rawExchange(port, closing('PUT /b/k'));
    await ended(proxy, 3);
    expect(await samples(proxy, 'brownout_requests_total')).toEqual({
      'operation="GetObject",status="200"': 2,
      'operation="PutObject",status="200"': 1,
    });
  });

  it('brownout_requests_total has the status "none" for a client that left before the answer', async () => {
    const { url, received } = await upstreamSaying();
    const { port, proxy } = await proxyTo(url);
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('the upstream was asked', () => received().length > 0);
    client.socket.destroy();
    await ended(proxy, 1);
    expect(await samples(proxy, 'brownout_requests_total')).toEqual({
      'operation="GetObject",status="none"': 1,
    });
  });

  it('brownout_faults_injected_total counts by rule, fault, code and operation, and only what was injected', async () => {
    const { url } = await always(OK);
    const rules = rulesOf(
      `rules:
        - { name: gets, match: { method: GET }, trigger: { first: 2 }, fault: { error: SlowDown } }
        - { name: puts, match: { method: PUT }, fault: { error: InternalError } }`,
    );
    const { port, proxy } = await proxyTo(url, { rules });
    for (let nth = 0; nth < 5; nth += 1) await rawExchange(port, closing('GET /b/k'));
    await rawExchange(port, closing('PUT /b/k'));
    await ended(proxy, 6);
    expect(await samples(proxy, 'brownout_faults_injected_total')).toEqual({
      'rule="gets",fault="error",code="SlowDown",operation="GetObject"': 2,
      'rule="puts",fault="error",code="InternalError",operation="PutObject"': 1,
    });
  });

  it('brownout_stored_but_failed_total counts a write that was carried out while the client was told otherwise', async () => {
    const stored = { upstream: OK, provider: 'aliyun-oss' };
    const { port, proxy } = await faultyProxy('CallbackFailed', stored);
    await ask(port, closing('PUT /b/k', 'Content-Length: 0'));
    await ended(proxy, 1);
    expect(await samples(proxy, 'brownout_stored_but_failed_total')).toEqual({
      'operation="PutObject",code="CallbackFailed"': 1,
    });
  });

  it.each([
    ['a read', 'GET /b/k', '{ code: InternalError, at: commit }', OK],
    [
      'a write the upstream refused',
      'PUT /b/k',
      '{ code: InternalError, at: embedded }',
      'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n',
    ],
    ['a write that the upstream never got', 'PUT /b/k', 'InternalError', OK],
  ])('brownout_stored_but_failed_total leaves out %s', async (_, line, error, upstream) => {
    const { port, proxy } = await faultyProxy(error, { upstream });
    await ask(port, closing(line));
    await ended(proxy, 1);
    expect(await samples(proxy, 'brownout_faults_injected_total')).not.toEqual({});
    expect(await samples(proxy, 'brownout_stored_but_failed_total')).toEqual({});
  });

  it('brownout_upstream_errors_total counts errors of the upstream, whether they reach the client or not', async () => {
    const { url } = await always('HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n');
    const rules = rulesOf(
      'rules: [{ match: { method: PUT }, fault: { error: { code: SlowDown, at: embedded } } }]',
    );
    const { port, proxy } = await proxyTo(url, { rules });
    await rawExchange(port, closing('GET /b/k'));
    await rawExchange(port, closing('PUT /b/k'));
    await ended(proxy, 2);
    expect(await samples(proxy, 'brownout_upstream_errors_total')).toEqual({
      'operation="GetObject",status="404"': 1,
      'operation="PutObject",status="404"': 1,
    });
  });

  it.each([
    ['no-answer', (socket: { end(): void }) => void socket.end(), 5000],
    [
      'cut-short',
      (socket: { end(text: string): void }) =>
        void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      5000,
    ],
    ['time-out', () => {}, 50],
  ])('brownout_upstream_failures_total counts %s', async (failure, fail, timeout) => {
    const { url } = await upstreamSaying((socket) => socket.once('data', () => fail(socket)));
    const { port, proxy } = await proxyTo(url, { timeout });
    await rawExchange(port, closing('GET /b/k'));
    await ended(proxy, 1);
    expect(await samples(proxy, 'brownout_upstream_failures_total')).toEqual({ [`failure="${failure}"`]: 1 });
    expect(await samples(proxy, 'brownout_upstream_errors_total')).toEqual({});
    expect(await samples(proxy, 'brownout_faults_injected_total')).toEqual({});
  });

  it('brownout_body_bytes_total counts bodies in and out', async () => {
    const { url } = await always(OK);
    const { port, proxy } = await proxyTo(url);
    await rawExchange(port, `${closing('PUT /b/k', 'Content-Length: 5')}hello`);
    await ended(proxy, 1);
    expect(await samples(proxy, 'brownout_body_bytes_total')).toEqual({
      'direction="in"': 5,
      'direction="out"': 2,
    });
  });

  it('brownout_request_duration_seconds includes injected waits', async () => {
    const { port, proxy } = await faultyProxy('{ code: SlowDown, after: 150ms }');
    await ask(port, closing('GET /b/k'));
    await ended(proxy, 1);
    const labels = 'operation="GetObject"';
    expect(await samples(proxy, 'brownout_request_duration_seconds_count')).toEqual({ [labels]: 1 });
    const sum = await samples(proxy, 'brownout_request_duration_seconds_sum');
    expect(sum[labels]).toBeGreaterThanOrEqual(0.149);
    const buckets = await samples(proxy, 'brownout_request_duration_seconds_bucket');
    expect(buckets[`le="0.1",${labels}`]).toBe(0);
    expect(buckets[`le="+Inf",${labels}`]).toBe(1);
  });

  it('brownout_requests_in_flight and brownout_upstream_connections go up and down', async () => {
    const { url, received } = await upstreamSaying();
    const { port, proxy } = await proxyTo(url);
    expect(await samples(proxy, 'brownout_requests_in_flight')).toEqual({ '': 0 });
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('the upstream was asked', () => received().length > 0);
    expect(await samples(proxy, 'brownout_requests_in_flight')).toEqual({ '': 1 });
    expect(await samples(proxy, 'brownout_upstream_connections')).toEqual({ '': 1 });
    client.socket.destroy();
    await eventually('nothing is left', () => proxy.inFlight() + proxy.forwarder.connections() === 0);
    expect(await samples(proxy, 'brownout_requests_in_flight')).toEqual({ '': 0 });
    expect(await samples(proxy, 'brownout_upstream_connections')).toEqual({ '': 0 });
  });

  it('brownout_rule_matches_total counts matches, fired or not, and starts again with new rules', async () => {
    const { url } = await always(OK);
    const rules = rulesOf(
      `rules:
        - { name: rare, match: { method: GET }, trigger: { first: 1 }, fault: { error: SlowDown } }
        - { name: idle, match: { method: HEAD }, fault: { error: SlowDown } }`,
    );
    const { port, proxy, swapRules } = await proxyTo(url, { rules });
    for (let nth = 0; nth < 3; nth += 1) await rawExchange(port, closing('GET /b/k'));
    expect(await samples(proxy, 'brownout_rule_matches_total')).toEqual({
      'rule="rare"': 3,
      'rule="idle"': 0,
    });
    swapRules(rulesOf('rules: [{ name: other, fault: { error: SlowDown } }]'));
    expect(await samples(proxy, 'brownout_rule_matches_total')).toEqual({ 'rule="other"': 0 });
  });

  it('brownout_rules_loaded follows the rules in force', async () => {
    const { proxy, swapRules } = await proxyTo('http://127.0.0.1:1');
    expect(await samples(proxy, 'brownout_rules_loaded')).toEqual({ '': 0 });
    swapRules(rulesOf('rules: [{ fault: { error: SlowDown } }, { fault: { error: InternalError } }]'));
    expect(await samples(proxy, 'brownout_rules_loaded')).toEqual({ '': 2 });
  });

  it('brownout_rules_reloads_total counts both results', async () => {
    const metrics = createMetrics({
      inFlight: () => 0,
      upstreamConnections: () => 0,
      rules: () => new RuleSet([], new Map()),
      journalDropped: () => 0,
    });
    metrics.reloaded('success');
    metrics.reloaded('failure');
    metrics.reloaded('failure');
    expect(await samples({ metrics }, 'brownout_rules_reloads_total')).toEqual({
      'result="success"': 1,
      'result="failure"': 2,
    });
  });
});

describe('the metrics', () => {
  it('hold no bucket, key, id, query, access key or client, however odd', async () => {
    const { url } = await always('HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n');
    const rules = rulesOf('rules: [{ match: { method: PUT }, fault: { error: SlowDown } }]');
    const { port, proxy } = await proxyTo(url, { rules });
    const odd = [
      'oddbucket',
      'oddkey',
      '%22oddquote%22',
      '%0Aoddnewline',
      '%E4%BD%A0',
      'oddquery',
      'oddid',
      'ODDKEYID',
    ];
    let sent = 0;
    for (const name of odd) {
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
        const target = `/${name}/${name}?uploadId=${name}&partNumber=7777&${name}=1`;
        const authorization = `Authorization: AWS4-HMAC-SHA256 Credential=${name}/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0`;
        await rawExchange(port, closing(`${method} ${target}`, authorization));
        sent += 1;
      }
    }
    await ended(proxy, sent);
    const exposition = await proxy.metrics.registry.metrics();
    expect(exposition).not.toMatch(/odd|ODD|%22|%0A|%E4|你|7777|127\.0\.0\.1/i);
    const lines = exposition.split('\n').filter((line) => line.startsWith('brownout_requests_total{'));
    // All unknown operations and methods share one label.
    expect(lines.length).toBeLessThanOrEqual(6);
  });

  it('of two proxies are counted apart', async () => {
    const { url } = await always(OK);
    const one = await proxyTo(url);
    const other = await proxyTo(url);
    await rawExchange(one.port, closing('GET /b/k'));
    await ended(one.proxy, 1);
    expect(await samples(one.proxy, 'brownout_requests_total')).not.toEqual({});
    expect(await samples(other.proxy, 'brownout_requests_total')).toEqual({});
  });

  it('each have a help text and a block in docs/metrics.md', async () => {
    const { proxy } = await proxyTo('http://127.0.0.1:1');
    const all = await proxy.metrics.registry.getMetricsAsJSON();
    for (const { help } of all) expect(help).toMatch(/^[A-Z].*\.$/);
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(all.map(({ name }) => name).sort()).toEqual(documented.sort());
  });
});
