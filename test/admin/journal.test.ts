import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LiveJournal } from '../../src/admin/live.ts';
import type { JournalEntry } from '../../src/observe/journal.ts';
import { closing } from '../faults/faulty.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { type Operator, operator } from './operator.ts';

const keysOf = (entries: readonly JournalEntry[]) => entries.map(({ key }) => key);

/** Starts a proxy with five exchanges: PUTs of 1, 2, 3 (SlowDown), and GETs of 1, 2 (404 of the upstream). */
async function busy(options = {}): Promise<Operator> {
  const admin = await operator(options);
  for (const key of ['1', '2', 'a/3']) await admin.exchange('PUT', `/b/${key}`);
  for (const key of ['1', '2']) await admin.exchange('GET', `/other/${key}`);
  return admin;
}

describe('GET /journal', () => {
  it('has the entries, oldest first, and the number of exchanges', async () => {
    const { ask, proxy } = await busy({ journalSize: 3 });
    const response = await ask('/journal');
    expect(response.headers.get('content-type')).toBe('application/json');
    const { count, entries } = (await response.json()) as { count: number; entries: JournalEntry[] };
    expect(count).toBe(5);
    expect(entries).toEqual(JSON.parse(JSON.stringify(proxy.journal())));
    expect(entries).toMatchObject([
      { id: 3, key: 'a/3', rule: 'slow', code: 'SlowDown', outcome: 'injected', status: 503 },
      { id: 4, key: '1', outcome: 'forwarded', status: 404 },
      { id: 5, key: '2' },
    ]);
    // A field that does not apply is left out.
    expect(entries[0]).not.toHaveProperty('upstreamStatus');
  });

  it.each([
    ['limit=2', ['1', '2']],
    ['limit=0', []],
    ['limit=999999999', ['1', '2', 'a/3', '1', '2']],
    ['rule=slow', ['1', '2', 'a/3']],
    ['rule=slow&limit=1', ['a/3']],
    ['rule=nobody', []],
    ['operation=GetObject', ['1', '2']],
    ['bucket=other', ['1', '2']],
    ['key=1', ['1', '1']],
    ['key=*', ['1', '2', '1', '2']],
    ['key=**', ['1', '2', 'a/3', '1', '2']],
    ['key=a%2F3', ['a/3']],
    ['status=503', ['1', '2', 'a/3']],
    ['status=404&key=2', ['2']],
    ['outcome=forwarded', ['1', '2']],
    ['session=none', []],
  ])('?%s', async (query, keys) => {
    const { json, ask } = await busy();
    const { body } = await json(`/journal?${query}`);
    expect(body.count).toBe(5);
    expect(keysOf(body.entries)).toEqual(keys);
    const response = await ask(`/journal?${query}`, { headers: { Accept: 'application/x-ndjson' } });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual(body.entries);
  });

  it.each([
    ...['', '-1', '1.5', 'ten', '1e3', '10000000000', '0x10'].map((limit) => [
      `limit=${limit}`,
      `limit is a number of entries, not "${limit}"`,
    ]),
    ['status=ok', 'status is a number from 100 to 599, not "ok"'],
    ['status=', 'status is a number from 100 to 599, not ""'],
    ['status=99', 'status is a number from 100 to 599, not "99"'],
    ['outcome=inject', 'unknown outcome "inject". did you mean "injected"?'],
    ['operation=PutObjct', 'unknown operation "PutObjct". did you mean "PutObject"?'],
    ['ruel=slow', 'unknown parameter "ruel". did you mean "rule"?'],
    [`key=${'x'.repeat(1025)}`, 'key is a glob of 1024 characters at most'],
  ])('?%s is refused', async (query, detail) => {
    const { ask } = await operator();
    const response = await ask(`/journal?${query}`);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({ title: 'Bad Request', status: 400, detail });
  });

  it('streams a long journal', async () => {
    const { proxy, exchange, ask } = await operator({ journalSize: 5000 });
    await exchange('PUT', '/b/k');
    const many = Array.from({ length: 50 }, () => fetch(`${proxy.url}/b/k`).then((r) => r.arrayBuffer()));
    for (let round = 0; round < 20; round += 1)
      await Promise.all(many.map(() => fetch(`${proxy.url}/b/k`).then((r) => r.arrayBuffer())));
    await Promise.all(many);
    await proxy.idle();
    const text = await (await ask('/journal', { headers: { Accept: 'application/x-ndjson' } })).text();
    const ids = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    expect(ids).toEqual(Array.from({ length: 1051 }, (_, nth) => nth + 1));
  });
});

describe('/journal/{id}', () => {
  it('has the entry and the verdict of every rule', async () => {
    const { json, exchange, send } = await operator();
    await send(
      'POST',
      '/rules',
      'provider: aws-s3\nrules: [{ name: parts, match: { operation: UploadPart }, fault: { error: SlowDown } }]',
    );
    await exchange('PUT', '/b/k');
    await json('/rules/slow/disable', { method: 'POST' });
    expect((await json('/journal/1')).body).toMatchObject({
      id: 1,
      key: 'k',
      rule: 'slow',
      verdicts: [
        { rule: 'parts', fires: false, why: 'operation is PutObject, rule wants UploadPart' },
        { rule: 'slow', fires: true, why: 'it matches' },
      ],
    });
  });

  it.each([
    ['1', 'the journal has no entry "1"; it goes from 3 to 5'],
    ['6', 'the journal has no entry "6"; it goes from 3 to 5'],
    ['x', 'the journal has no entry "x"; it goes from 3 to 5'],
  ])('answers 404 to the unknown or forgotten entry %s', async (id, detail) => {
    const { json } = await busy({ journalSize: 3 });
    expect(await json(`/journal/${id}`)).toMatchObject({ status: 404, body: { detail } });
  });

  it('goes on counting ids after DELETE /journal has emptied the journal', async () => {
    const { ask, json, exchange, changes } = await busy();
    expect((await ask('/journal', { method: 'DELETE' })).status).toBe(204);
    expect((await json('/journal')).body).toEqual({ count: 5, entries: [] });
    expect((await json('/journal/5')).body.detail).toBe('the journal has no entry "5"; it is empty');
    await exchange('GET', '/b/6');
    expect((await json('/journal')).body).toMatchObject({ count: 6, entries: [{ id: 6 }] });
    expect(changes).toEqual(['journal emptied by the admin port']);
  });
});

/** Opens the stream of the journal as the EventSource of a browser does. */
async function openStream({ ask }: Operator, query = '', headers: Record<string, string> = {}) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await ask(`/journal${query}`, {
    headers: { Accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  let text = '';
  let over = false;
  const read = async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  };
  const ended = read()
    .catch(() => {})
    .then(() => {
      over = true;
    });
  return {
    response,
    text: () => text,
    ids: () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
    over: () => over,
    ended,
    leave: () => abort.abort(),
  };
}

describe('GET /journal as events', () => {
  it('has each new entry that passes the filter', async () => {
    const admin = await busy();
    const all = await openStream(admin);
    const puts = await openStream(admin, '?operation=PutObject');
    expect(all.response.headers.get('content-type')).toBe('text/event-stream');
    await admin.exchange('GET', '/b/6');
    await admin.exchange('PUT', '/b/7');
    await eventually('they have come', () => all.ids().length === 2 && puts.ids().length === 1);
    const { body } = await admin.json('/journal/7');
    const { verdicts: _, ...entry } = body;
    expect(puts.text()).toBe(`id: 7\ndata: ${JSON.stringify(entry)}\n\n`);
    expect(all.ids()).toEqual([6, 7]);
  });

  it('begins with the latest entries if a limit is given', async () => {
    const admin = await busy();
    const stream = await openStream(admin, '?rule=slow&limit=2');
    await admin.exchange('PUT', '/b/6');
    await eventually('they have come', () => stream.ids().length === 3);
    expect(stream.ids()).toEqual([2, 3, 6]);
  });

  it.each([
    ['2', [3, 4, 5]],
    ['5', []],
    ['0', [1, 2, 3, 4, 5]],
    // An id of an earlier start.
    ['700', [1, 2, 3, 4, 5]],
  ])('goes on after Last-Event-ID %s', async (lastId, ids) => {
    const admin = await busy();
    const stream = await openStream(admin, '', { 'Last-Event-ID': lastId });
    await admin.exchange('GET', '/b/6');
    await eventually('they have come', () => stream.ids().length === ids.length + 1);
    expect(stream.ids()).toEqual([...ids, 6]);
    expect(stream.text()).not.toContain('missed');
  });

  it('refuses an invalid Last-Event-ID', async () => {
    const { json } = await operator();
    const headers = { Accept: 'text/event-stream', 'Last-Event-ID': 'x' };
    expect(await json('/journal', { headers })).toMatchObject({
      status: 400,
      body: { detail: 'Last-Event-ID is the id of an entry, not "x"' },
    });
  });

  it('says how many entries were forgotten before they could be sent', async () => {
    const admin = await busy({ journalSize: 2 });
    const stream = await openStream(admin, '', { 'Last-Event-ID': '1' });
    await eventually('they have come', () => stream.ids().length === 2);
    expect(stream.text()).toMatch(/^event: missed\ndata: \{"missed":2\}\n\nid: 4\n/);
  });

  it('does not count cleared entries as missed', async () => {
    const admin = await busy();
    expect((await admin.ask('/journal', { method: 'DELETE' })).status).toBe(204);
    await admin.exchange('PUT', '/b/6');
    const stream = await openStream(admin, '', { 'Last-Event-ID': '1' });
    await eventually('it has come', () => stream.ids().length === 1);
    expect(stream.text()).toMatch(/^id: 6\n/);
  });

  it('is not a stream if Accept excludes one', async () => {
    const { ask } = await operator();
    for (const Accept of ['text/event-stream;q=0', 'text/event-stream ; q=0.00, */*', 'text/event-streams']) {
      const response = await ask('/journal', { headers: { Accept } });
      expect(response.headers.get('content-type')).toBe('application/json');
    }
    const { headers, body } = await ask('/journal', {
      headers: { Accept: '*/*;q=0, Text/Event-Stream;q=0.5' },
    });
    expect(headers.get('content-type')).toBe('text/event-stream');
    await body?.cancel();
  });

  it('buffers little for a reader that does not read, and goes on when it reads', async () => {
    const { port, proxy } = await proxyTo('http://127.0.0.1:1', { journalSize: 3 });
    const exchange = async (id: number) => {
      await rawExchange(port, closing(`GET /b/${id}`));
      await eventually('it is over', () => proxy.journal.count === id);
    };
    const stream = new LiveJournal(proxy.journal, 1, () => true);
    onTestFinished(() => void stream.destroy());
    stream.read(0);
    // Node buffers 16 KiB to 64 KiB, and no more.
    const buffered: number[] = [];
    for (let id = 1; id <= 300; id += 1) {
      await exchange(id);
      buffered.push(stream.readableLength);
    }
    const most = Math.max(...buffered);
    expect(most).toBeLessThan(70_000);
    expect(buffered.at(-1)).toBe(most);
    let read = '';
    await eventually('it has caught up', () => {
      read += String(stream.read() ?? '');
      return read.includes('id: 300\n');
    });
    const [, missed = ''] = /^event: missed\ndata: \{"missed":(\d+)\}$/m.exec(read) ?? [];
    const ids = [...read.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids.length + Number(missed)).toBe(300);
    expect(ids.slice(-3)).toEqual([298, 299, 300]);
  });

  it('has heartbeats while nothing happens, but none while it is not read', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { proxy } = await proxyTo('http://127.0.0.1:1');
    const stream = new LiveJournal(proxy.journal, 1, () => true);
    vi.advanceTimersByTime(60_000);
    expect(stream.readableLength).toBe(0);
    stream.resume();
    const [chunk] = await Promise.all([
      once(stream, 'data'),
      new Promise<void>((resolve) => setImmediate(() => resolve(void vi.advanceTimersByTime(15_000)))),
    ]);
    expect(String(chunk)).toBe(': still here\n\n');
    stream.destroy();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is open 16 times at most, and can be opened again when one is closed', async () => {
    const admin = await operator();
    const streams = [];
    for (let nth = 0; nth < 16; nth += 1) streams.push(await openStream(admin));
    const headers = { Accept: 'text/event-stream' };
    expect(await admin.json('/journal', { headers })).toMatchObject({
      status: 503,
      body: { detail: '16 streams of the journal are open, which is the limit. close one' },
    });
    streams[0]?.leave();
    await eventually('there is room', async () => {
      const head = await admin.ask('/journal', { method: 'HEAD', headers });
      return head.status === 200;
    });
    // HEAD does not count as an open stream.
    expect((await openStream(admin)).response.status).toBe(200);
  });

  it('ends when the proxy closes, after the last entry was sent', async () => {
    const admin = await operator();
    const stream = await openStream(admin);
    const silent = rawClient(admin.adminPort);
    silent.socket.write('GET /journal HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n');
    await eventually('it is open', () => silent.received().length > 0);
    await admin.exchange('PUT', '/b/k');
    await admin.proxy.close();
    await stream.ended;
    expect(stream.ids()).toEqual([1]);
    await eventually('the other is, too', silent.closed);
    expect(silent.received().toString()).toMatch(/\r\n0\r\n\r\n$/);
  });
});
