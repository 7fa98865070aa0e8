import { describe, expect, it } from 'vitest';
import { closing, faultyProxy } from '../faults/faulty.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An upstream that answers every request without a body, over and over. */
const always = (answer: string) => upstreamSaying((socket) => socket.on('data', () => socket.write(answer)));

describe('the journal', () => {
  it('forgets the oldest exchange and goes on counting', async () => {
    const { url } = await always(OK);
    const { port, proxy } = await proxyTo(url, { journalSize: 3 });
    expect(proxy.journal.entries()).toEqual([]);
    for (let nth = 1; nth <= 7; nth += 1) {
      await rawExchange(port, closing(`GET /b/${nth}`));
      await eventually('the exchange is over', () => proxy.journal.count === nth);
    }
    expect(proxy.journal.entries().map(({ id, key }) => [id, key])).toEqual([
      [5, '5'],
      [6, '6'],
      [7, '7'],
    ]);
  });

  it('returns as many of the latest entries as asked for, oldest first', async () => {
    const { url } = await always(OK);
    const { port, proxy } = await proxyTo(url, { journalSize: 4 });
    for (let nth = 1; nth <= 6; nth += 1) {
      await rawExchange(port, closing('GET /b/k'));
      await eventually('the exchange is over', () => proxy.journal.count === nth);
    }
    const ids = (limit?: number) => proxy.journal.entries(limit).map(({ id }) => id);
    expect(ids()).toEqual([3, 4, 5, 6]);
    expect(ids(2)).toEqual([5, 6]);
    expect(ids(1)).toEqual([6]);
    expect(ids(0)).toEqual([]);
    expect(ids(1000)).toEqual([3, 4, 5, 6]);
  });
});

describe('a journal entry', () => {
  it('of a request that was sent after another had ended has a later arrival and time', async () => {
    const { port, proxy } = await faultyProxy('SlowDown', { journalSize: 500 });
    for (let nth = 1; nth <= 400; nth += 1) {
      await rawExchange(port, closing('GET /b/k'));
      while (proxy.journal.count < nth) await new Promise((resolve) => setImmediate(resolve));
    }
    const entries = proxy.journal.entries();
    expect(entries.map(({ arrival }) => arrival)).toEqual(entries.map(({ id }) => id));
    const times = entries.map(({ time }) => time);
    expect(times).toEqual([...times].sort());
  });

  it('has the number of its arrival, also if a later request ends first', async () => {
    const { url } = await upstreamSaying((socket) =>
      socket.on('data', (head) => {
        if (head.includes('/fast')) socket.write(OK);
      }),
    );
    const { port, proxy } = await proxyTo(url);
    const slow = rawClient(port);
    slow.socket.write(closing('GET /b/slow'));
    await eventually('it is under way', () => proxy.inFlight() === 1);
    await rawExchange(port, closing('GET /b/fast'));
    slow.socket.destroy();
    await eventually('both are over', () => proxy.journal.count === 2);
    expect(proxy.journal.entries()).toMatchObject([
      { id: 1, arrival: 2, key: 'fast' },
      { id: 2, arrival: 1, key: 'slow' },
    ]);
  });

  it('of an injected error has every field', async () => {
    const before = Date.now();
    const { port, proxy } = await faultyProxy('SlowDown', { name: 'parts fail' });
    const headers = [
      'amz-sdk-request: attempt=2; max=3',
      'Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
    ];
    const answered = await rawExchange(
      port,
      closing('PUT /bucket/a%20key/%E4%BD%A0?partNumber=3&uploadId=u', ...headers),
    );
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    const [entry] = proxy.journal.entries();
    expect(entry).toEqual({
      id: 1,
      arrival: 1,
      time: expect.anything(),
      client: '127.0.0.1',
      method: 'PUT',
      target: '/bucket/a%20key/%E4%BD%A0?partNumber=3&uploadId=u',
      operation: 'UploadPart',
      bucket: 'bucket',
      key: 'a key/你',
      part: 3,
      attempt: 2,
      accessKey: 'AKID',
      session: undefined,
      rule: 'parts fail',
      fault: 'error',
      code: 'SlowDown',
      provider: 'aws-s3',
      settings: { error: 'SlowDown' },
      requestId: expect.stringMatching(/^[0-9A-Z]{10}FA11ED$/),
      outcome: 'injected',
      status: 503,
      upstreamStatus: undefined,
      upstreamCode: undefined,
      failure: undefined,
      bytesIn: 0,
      bytesOut: expect.any(Number),
      duration: expect.any(Number),
    });
    expect(answered.toString()).toContain(`<RequestId>${entry?.requestId}</RequestId>`);
    const time = new Date(entry?.time ?? 0).getTime();
    expect(time).toBeGreaterThanOrEqual(before - 1);
    expect(time).toBeLessThanOrEqual(Date.now());
  });

  it('of a forwarded exchange has the bytes in and out and the true status', async () => {
    const upload = Buffer.alloc(300_000, 'u');
    const download = Buffer.alloc(500_000, 'd');
    const { url } = await upstreamSaying((socket) => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes < upload.length) return;
        bytes = 0;
        socket.write(`HTTP/1.1 206 Partial\r\nContent-Length: ${download.length}\r\n\r\n`);
        socket.write(download);
      });
    });
    const { port, proxy } = await proxyTo(url);
    const head = closing('POST /b/k?select', `Content-Length: ${upload.length}`);
    await rawExchange(port, Buffer.concat([Buffer.from(head), upload]));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([
      {
        outcome: 'forwarded',
        rule: undefined,
        status: 206,
        upstreamStatus: 206,
        bytesIn: upload.length,
        bytesOut: download.length,
      },
    ]);
  });

  it('of an injected error counts the body that was drained', async () => {
    const { port, proxy } = await faultyProxy('SlowDown', { provider: 'aliyun-oss' });
    const client = rawClient(port);
    client.socket.write('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n');
    client.socket.write(Buffer.alloc(100_000));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.bytesIn).toBe(100_000);
  });

  it('of a request no rule fired on names no rule, even if one matched', async () => {
    const { url } = await always(OK);
    const rules = rulesOf(
      'rules: [{ name: never, trigger: { probability: 0 }, fault: { error: SlowDown } }]',
    );
    const { port, proxy } = await proxyTo(url, { rules });
    await rawExchange(port, closing('GET /b/k'));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.rule).toBeUndefined();
    expect(rules.rules[0]?.counts).toMatchObject({ matched: 1, fired: 0 });
  });

  it('has the counted attempt, if a rule asks for it and the client does not send one', async () => {
    const { url } = await always(OK);
    const rules = rulesOf('rules: [{ match: { attempt: 2 }, fault: { error: SlowDown } }]');
    const { port, proxy } = await proxyTo(url, { rules });
    const failing = await proxyTo('http://127.0.0.1:1', { rules });
    for (let nth = 1; nth <= 3; nth += 1) {
      await rawExchange(failing.port, closing('GET /b/k'));
      await eventually('the exchange is over', () => failing.proxy.journal.count === nth);
    }
    expect(failing.proxy.journal.entries().map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 502],
      [2, 503],
      [3, 502],
    ]);
    await rawExchange(port, closing('GET /b/other'));
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.attempt).toBe(1);
  });

  it('of an upstream that is down has a failure and no fault', async () => {
    const { port, proxy } = await proxyTo('http://127.0.0.1:1');
    await rawExchange(port, closing('GET /b/k'));
    expect(proxy.journal.entries()).toMatchObject([
      {
        outcome: 'upstream-failed',
        failure: 'no-answer',
        status: 502,
        fault: undefined,
        upstreamStatus: undefined,
      },
    ]);
  });

  it('of an upstream that is too slow has the failure time-out', async () => {
    const { url } = await upstreamSaying();
    const { port, proxy } = await proxyTo(url, { timeout: 50 });
    await rawExchange(port, closing('GET /b/k'));
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'upstream-failed', failure: 'time-out', status: 504 },
    ]);
  });

  it('of a client that left in the middle of the answer has the status that it was given', async () => {
    const { url } = await upstreamSaying((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')),
    );
    const { port, proxy } = await proxyTo(url);
    const client = rawClient(port);
    client.socket.write(closing('GET /b/k'));
    await eventually('half has come', () => client.received().toString().endsWith('half'));
    client.socket.destroy();
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'client-left', status: 200, upstreamStatus: 200, bytesOut: 4 },
    ]);
  });
});
