import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, it, vi } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { type RunningProxy, startProxy } from '../../src/index.ts';
import { factsOf } from '../../src/request/facts.ts';
import { decide } from '../../src/rules/decide.ts';
import { loadRules } from '../../src/rules/load.ts';
import { ANY_KEYS, awsClient } from '../support/clients.ts';
import { spawnBrownout } from '../support/spawn-brownout.ts';

const folder = fileURLToPath(new URL('../../rules/', import.meta.url));
let proxy: RunningProxy | undefined;
let bucket = '';
afterEach(() => proxy?.close(0));

/** What an answer looks like to whoever wrote the rule: status, code, and the body to look closer at. */
interface Seen {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Headers;
  readonly body: string;
}

async function send(
  method: string,
  target: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Seen> {
  const response = await fetch(`${bucket}${target}`, { method, headers, body: body ?? null });
  const text = await response.text();
  const code = /<Code>(\w+)<|"code":"(\w+)"/.exec(text);
  return { status: response.status, code: code?.[1] ?? code?.[2], headers: response.headers, body: text };
}

const put = (key: string, headers?: Record<string, string>) => send('PUT', `/${key}`, 'bytes', headers);
const statuses = async (count: number, request: () => Promise<Seen>) => {
  const seen: number[] = [];
  for (let i = 0; i < count; i += 1) seen.push((await request()).status);
  return seen;
};

/** Leaves when nothing has come for 300 ms; gives what had come of the body. */
async function leave(method: string, target: string, body?: string): Promise<string> {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(), 300);
  const decoder = new TextDecoder();
  let text = '';
  try {
    const response = await fetch(`${bucket}${target}`, {
      method,
      body: body ?? null,
      signal: leaving.signal,
    });
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      text += decoder.decode(chunk);
    }
  } catch {
    return text;
  }
  throw new Error('nothing stalled');
}

/** Makes an upload of one part and returns the call that completes it. */
async function upload(key: string): Promise<() => Promise<Seen>> {
  const { body } = await send('POST', `/${key}?uploads`);
  const id = /<UploadId>([^<]+)/.exec(body)?.[1];
  const { headers } = await send('PUT', `/${key}?partNumber=1&uploadId=${id}`, 'the one part');
  const part = `<Part><PartNumber>1</PartNumber><ETag>${headers.get('etag')}</ETag></Part>`;
  const list = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`;
  return () => send('POST', `/${key}?uploadId=${id}`, list);
}

const cases: Record<string, () => Promise<void>> = {
  'slow-down.yaml': async () => {
    const parts = Array.from({ length: 60 }, (_, i) =>
      send('PUT', `/k?partNumber=${i + 1}&uploadId=none`, 'x'),
    );
    const slowed = (await Promise.all(parts)).filter(({ code }) => code === 'SlowDown');
    // Three in ten of sixty are eighteen; the seed of the file settles how many they really are.
    expect(slowed.length).toBeGreaterThan(9);
    expect(slowed.length).toBeLessThan(27);
    expect(new Set(slowed.map(({ status }) => status))).toEqual(new Set([503]));
  },
  'slow-down-jd.yaml': async () => {
    await statuses(2, () => put('k'));
    expect(await put('k')).toMatchObject({ status: 400, code: 'SlowDown' });
  },
  'traffic-limit-oss.yaml': async () => {
    expect(await statuses(3, () => put('k'))).toEqual([503, 503, 200]);
    expect(await statuses(3, () => send('GET', '/k'))).toEqual([503, 503, 200]);
  },
  'request-timeout.yaml': async () => {
    const first = await put('k');
    expect(first).toMatchObject({ status: 400, code: 'RequestTimeout' });
    expect(first.headers.get('connection')).toBe('close');
    expect((await put('k')).status).toBe(200);
  },
  'lost-callback-oss.yaml': async () => {
    const callback = Buffer.from('{"callbackUrl":"http://app.example.com"}').toString('base64');
    expect(await put('k', { 'x-oss-callback': callback })).toMatchObject({
      status: 203,
      code: 'CallbackFailed',
    });
    expect((await send('GET', '/k')).body).toBe('bytes');
    expect((await put('plain')).status).toBe(200);
  },
  'lost-callback-jd.yaml': async () => {
    expect(await put('k')).toMatchObject({ status: 567, code: 'InvalidCallback' });
    expect((await send('GET', '/k')).body).toBe('bytes');
  },
  'complete-embedded-error.yaml': async () => {
    const complete = await upload('k');
    const answer = await complete();
    expect(answer).toMatchObject({ status: 200, code: 'InternalError' });
    expect(answer.body).toMatch(/<\/Error>$/);
    expect(await complete()).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    expect((await send('GET', '/k')).body).toBe('the one part');
    expect(await (await upload('other'))()).toMatchObject({ status: 200, code: 'InternalError' });
  },
  'complete-embedded-error-newline.yaml': async () => {
    const answer = await (await upload('k'))();
    expect(answer).toMatchObject({ status: 200, code: 'InternalError' });
    expect(answer.body.endsWith('</Error>\n')).toBe(true);
  },
  'internal-error-first-attempts.yaml': async () => {
    expect(await statuses(3, () => put('k'))).toEqual([500, 500, 200]);
  },
  'service-unavailable-window.yaml': async () => {
    expect((await put('k')).status).toBe(200);
    // The rest without the wait: what the rule decides at each second of two minutes.
    const loaded = await loadRules([`${folder}service-unavailable-window.yaml`]);
    if (!('ok' in loaded)) throw new Error('the file does not load');
    const rules = loaded.ok;
    const facts = factsOf(
      { method: 'PUT', target: '/b/k', headers: {}, client: '127.0.0.1' },
      {},
      requestSigns(),
    );
    const seconds = Array.from({ length: 120 }, (_, second) => second);
    // Half a millisecond past each second: sums of such times are rounded.
    const { since } = rules.rules[0]!.counts;
    const decided = seconds.map((second) => decide(rules, facts, since + second * 1000 + 0.5).fired);
    const open = seconds.filter((second) => decided[second] !== undefined);
    expect(open).toEqual(seconds.filter((second) => second % 60 >= 10 && second % 60 < 20));
    const document = decided[10]?.rule.faults[0]?.preview?.(facts);
    expect(document?.status).toBe(503);
    expect(String(document?.body)).toContain('<Code>ServiceUnavailable</Code>');
  },
  'no-such-upload.yaml': async () => {
    expect(await (await upload('k'))()).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    expect((await send('GET', '/k')).body).toBe('the one part');
  },
  'obs-complete-after-commit.yaml': async () => {
    expect(await (await upload('k'))()).toMatchObject({ status: 500, code: 'InternalError' });
    expect((await send('GET', '/k')).body).toBe('the one part');
  },
  'skewed-clock.yaml': async () => {
    const first = await put('k');
    expect(first).toMatchObject({ status: 403, code: 'RequestTimeTooSkewed' });
    expect(first.body).toContain('<ServerTime>');
    expect((await put('k')).status).toBe(200);
  },
  'head-forbidden.yaml': async () => {
    await put('k');
    expect(await send('HEAD', '/k')).toMatchObject({ status: 403, body: '' });
    expect((await send('GET', '/k')).status).toBe(200);
  },
  'head-forbidden-obs.yaml': async () => {
    const answer = await send('HEAD', '/k');
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-obs-error-code')).toBe('AccessDenied');
  },
  'invalid-part.yaml': async () => {
    const complete = await upload('k');
    expect(await complete()).toMatchObject({ status: 400, code: 'InvalidPart' });
    expect((await complete()).status).toBe(200);
  },
  'refused-mid-upload.yaml': async () => {
    expect(await put('k')).toMatchObject({ status: 503, code: 'SlowDown' });
    expect((await put('k')).status).toBe(200);
  },
  'gateway-page.yaml': async () => {
    const page = await put('k');
    expect(page).toMatchObject({ status: 502, code: undefined });
    expect(page.headers.get('content-type')).toBe('text/html');
    expect(page.body).toMatch(/^<html>\n.*<\/html>\n$/s);
    expect((await put('k')).status).toBe(200);
  },
  'partial-delete.yaml': async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('');
    const answer = await send('POST', '?delete', `<Delete>${objects}</Delete>`);
    expect(answer).toMatchObject({ status: 200, code: 'InternalError' });
    const failed = answer.body.match(/<Error><Key>k\d+<\/Key><Code>InternalError<\/Code>/g) ?? [];
    const deleted = answer.body.match(/<Deleted>/g) ?? [];
    expect(failed.length + deleted.length).toBe(100);
    expect(failed.length).toBeGreaterThan(15);
    expect(failed.length).toBeLessThan(45);
  },
  'sent-twice.yaml': async () => {
    expect((await put('k')).status).toBe(200);
    expect(await (await upload('m'))()).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    expect((await send('GET', '/m')).body).toBe('the one part');
  },
  'append-position-oss.yaml': async () => {
    const append = (position: number) => send('POST', `/k?append&position=${position}`, 'four');
    expect((await append(0)).status).toBe(200);
    const refused = await append(4);
    expect(refused).toMatchObject({ status: 409, code: 'PositionNotEqualToLength' });
    expect(refused.headers.get('x-oss-next-append-position')).toBe('4');
    expect((await append(4)).status).toBe(200);
  },
  'stalled-upload.yaml': async () => {
    await leave('PUT', '/k', 'bytes');
    expect((await send('GET', '/k')).status).toBe(404);
    expect((await put('k')).status).toBe(200);
    expect((await send('GET', '/k')).body).toBe('bytes');
  },
  'stalled-download.yaml': async () => {
    await put('k');
    expect(await leave('GET', '/k')).toBe('by');
    expect((await send('GET', '/k')).body).toBe('bytes');
  },
  'slow-network.yaml': async () => {
    const started = performance.now();
    expect((await send('PUT', '/k', 'x'.repeat(64 * 1024))).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(250);
    expect((await send('GET', '/k')).body).toHaveLength(64 * 1024);
  },
  'lost-answer.yaml': async () => {
    await expect(put('k')).rejects.toThrow('fetch failed');
    expect((await send('GET', '/k')).body).toBe('bytes');
    const complete = await upload('parts');
    await expect(complete()).rejects.toThrow('fetch failed');
    expect(await complete()).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    expect((await send('GET', '/parts')).body).toBe('the one part');
  },
  'broken-upload.yaml': async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const uploads = await Promise.allSettled(keys.map((key) => put(key)));
    const broken = keys.filter((_, i) => uploads[i]?.status === 'rejected');
    expect(broken.length).toBeGreaterThan(0);
    expect(broken.length).toBeLessThan(40);
    expect((await send('GET', `/${broken[0]}`)).status).toBe(404);
  },
  'broken-download.yaml': async () => {
    await put('k');
    await expect(send('GET', '/k')).rejects.toThrow('terminated');
    expect((await send('GET', '/k')).body).toBe('bytes');
  },
  'short-download.yaml': async () => {
    await put('k');
    await expect(send('GET', '/k')).rejects.toThrow('terminated');
    expect((await send('GET', '/k')).body).toBe('bytes');
  },
  'short-download-unnoticed.yaml': async () => {
    await put('k');
    const { status, headers, body } = await send('GET', '/k');
    expect([status, headers.get('content-length'), body]).toEqual([200, '2', 'by']);
  },
  'corrupt-download.yaml': async () => {
    const { headers } = await put('k');
    const answer = await send('GET', '/k');
    expect(answer.headers.get('etag')).toBe(headers.get('etag'));
    expect(answer.body).toHaveLength(5);
    expect(answer.body).not.toBe('bytes');
  },
  'corrupt-upload.yaml': async () => {
    expect((await put('k')).status).toBe(200);
    expect((await send('GET', '/k')).body).not.toBe('bytes');
    expect((await put('k')).status).toBe(200);
    expect((await send('GET', '/k')).body).toBe('bytes');
  },
  'wrong-etag.yaml': async () => {
    const { headers } = await put('k');
    const answer = await send('GET', '/k');
    expect(answer.body).toBe('bytes');
    expect(headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/);
    expect(headers.get('etag')).not.toBe(answer.headers.get('etag'));
  },
};

it('has a case for every file of rules/', () => {
  expect(Object.keys(cases).sort()).toEqual(readdirSync(folder).sort());
});

it.each(Object.entries(cases))('%s gives the answers that its comment speaks of', async (file, check) => {
  proxy = await startProxy({ upstream: 'memory:', rules: [folder + file] });
  bucket = `${proxy.url}/bucket`;
  expect((await send('PUT', '')).status).toBe(200);
  await check();
});

it('skewed-clock.yaml: the AWS SDK repeats the request when its clock is wrong, and gives up when it is right', async () => {
  // A process of its own, whose clock stays right.
  const { proxyUrl, stop } = await spawnBrownout([
    '--upstream',
    'memory:',
    '--rules',
    `${folder}skewed-clock.yaml`,
  ]);
  const attemptsWith = async (skew: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skew });
    const client = awsClient(proxyUrl, ANY_KEYS, 3);
    const put = new PutObjectCommand({ Bucket: 'bucket', Key: `k${skew}`, Body: 'bytes' });
    try {
      return (await client.send(put)).$metadata.attempts;
    } finally {
      vi.useRealTimers();
      client.destroy();
    }
  };
  try {
    expect((await fetch(`${proxyUrl}/bucket`, { method: 'PUT' })).status).toBe(200);
    expect(await attemptsWith(-20 * 60_000)).toBe(2);
    expect(await attemptsWith(20 * 60_000)).toBe(2);
    await expect(attemptsWith(0)).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' });
  } finally {
    await stop();
  }
});
