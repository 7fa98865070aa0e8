import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { watchedClient } from '../support/endings.ts';
import { eventually } from '../support/proxy.ts';
import { closing, nothingLeft, proxyInjecting } from './faulty.ts';

const KIB = 1024;
const WHOLE = randomBytes(300 * KIB);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const md5 = createHash('md5').update(WHOLE).digest();

const bodyOf = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);

/** Where two bodies of the same length differ. */
function differences(a: Buffer, b: Buffer): number[] {
  expect(a).toHaveLength(b.length);
  return [...a.keys()].filter((i) => a[i] !== b[i]);
}

const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

async function upload(set: string, request: string, body: Buffer, seed = 1) {
  const started = await proxyInjecting(`{ corrupt: ${set} }`, {
    seed,
    upstream: (socket) => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > body.length) socket.end(OK);
      });
    },
  });
  const client = watchedClient(started.port);
  client.socket.write(request);
  client.socket.write(body);
  await client.ending;
  await nothingLeft(started.proxy, started.upstream);
  return { ...started, arrived: started.upstream.received(), answered: client.received() };
}

async function download(set: string, answer: string | Buffer, seed = 1, method = 'GET') {
  const started = await proxyInjecting(`{ corrupt: ${set} }`, { seed, upstream: answer });
  const client = watchedClient(started.port);
  client.socket.write(closing(`${method} /b/k`));
  await client.ending;
  await eventually('the exchange is over', () => started.proxy.inFlight() === 0);
  return { ...started, received: client.received(), entry: started.proxy.journal.entries()[0] };
}

const put = (body: Buffer, ...headers: string[]) =>
  closing('PUT /b/k', ...headers, `Content-Length: ${body.length}`);
const saying = (body: Buffer, ...headers: string[]) =>
  Buffer.concat([
    Buffer.from(['HTTP/1.1 200 OK', ...headers, `Content-Length: ${body.length}`, '', ''].join('\r\n')),
    body,
  ]);

describe('a corrupted upload', () => {
  it('arrives with one changed byte, the same length and the same checksums', async () => {
    const headers = [`Content-MD5: ${md5.toString('base64')}`, 'x-amz-content-sha256: 00ff'];
    const { arrived, answered, proxy } = await upload('upload', put(WHOLE, ...headers), WHOLE);
    const found = differences(bodyOf(arrived), WHOLE);
    expect(found).toHaveLength(1);
    expect(found[0]).toBeGreaterThanOrEqual(KIB);
    for (const header of [...headers, `Content-Length: ${WHOLE.length}`]) {
      expect(arrived.toString('latin1', 0, 500)).toContain(`${header}\r\n`);
    }
    expect(answered.toString()).toContain('x-brownout-fault: corrupt\r\n');
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', fault: 'corrupt', upstreamStatus: 200, bytesIn: WHOLE.length },
    ]);
  });

  it('is changed at the same place with the same seed, and at another with another', async () => {
    const place = async (seed: number) =>
      differences(bodyOf((await upload('upload', put(WHOLE), WHOLE, seed)).arrived), WHOLE);
    const first = await place(1);
    expect(await place(1)).toEqual(first);
    expect(await place(2)).not.toEqual(first);
  });

  it.each([
    ["{ in: upload, bytes: 3, at: 'body:50%' }", from(150 * KIB, 3)],
    ["{ at: 'body:0B', bytes: 2 }", from(0, 2)],
    ["{ at: 'body:65535B', bytes: 3 }", from(65_535, 3)],
    ["{ at: 'body:end', bytes: 4 }", from(300 * KIB - 4, 4)],
  ])('%s flips these bytes and no others', async (set, places) => {
    const { arrived } = await upload(set, put(WHOLE), WHOLE);
    expect(differences(bodyOf(arrived), WHOLE)).toEqual(places);
    for (const i of places) expect(bodyOf(arrived)[i]).toBe(~(WHOLE[i] ?? 0) & 255);
  });

  it('is changed even if it is small', async () => {
    const body = Buffer.from('tiny');
    expect(differences(bodyOf((await upload('upload', put(body), body)).arrived), body)).toHaveLength(1);
  });

  it('without such a place arrives as it was sent, and the journal says so', async () => {
    const { arrived, answered, proxy } = await upload("{ at: 'body:1MiB' }", put(WHOLE), WHOLE);
    expect(differences(bodyOf(arrived), WHOLE)).toEqual([]);
    expect(answered.toString()).not.toContain('x-brownout');
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'forwarded', rule: 'faulty' }]);
  });

  it('in chunks keeps its framing', async () => {
    const body = Buffer.from('a\r\n0123456789\r\n5\r\nabcde\r\n0\r\n\r\n');
    const { arrived } = await upload('upload', closing('PUT /b/k', 'Transfer-Encoding: chunked'), body);
    const text = bodyOf(arrived).toString('latin1');
    const object = [...text.matchAll(/([0-9a-f]+)\r\n/g)];
    expect(object.length).toBeGreaterThanOrEqual(2);
    expect(text).toMatch(/\r\n0\r\n\r\n$/);
    expect(text).not.toContain('0123456789\r\n5\r\nabcde');
  });

  it('signed chunk by chunk is changed in the object, never in sizes and signatures', async () => {
    const data = randomBytes(2000);
    const signature = 'f'.repeat(64);
    const framed = Buffer.concat([
      ...[0, 700, 1400].flatMap((at) => {
        const part = data.subarray(at, at + 700);
        const size = part.length.toString(16);
        return [Buffer.from(`${size};chunk-signature=${signature}\r\n`), part, Buffer.from('\r\n')];
      }),
      Buffer.from(`0;chunk-signature=${signature}\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`),
    ]);
    const head = put(
      framed,
      'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'x-amz-decoded-content-length: 2000',
    );
    const { arrived } = await upload("{ at: 'body:699B', bytes: 702 }", head, framed);
    const first = `2bc;chunk-signature=${signature}\r\n`.length;
    const flipped = [...from(first + 699, 1), ...from(2 * first + 702, 700), ...from(3 * first + 1404, 1)];
    expect(differences(bodyOf(arrived), framed)).toEqual(flipped);
  });
});

describe('a corrupted download', () => {
  const headers = ['ETag: "5d41"', `x-amz-checksum-sha256: ${'A'.repeat(43)}=`, 'x-oss-hash-crc64ecma: 9962'];

  it('has one changed byte, and the same length and checksums', async () => {
    const { received, entry } = await download('download', saying(WHOLE, ...headers));
    const found = differences(bodyOf(received), WHOLE);
    expect(found).toHaveLength(1);
    expect(found[0]).toBeGreaterThanOrEqual(KIB);
    for (const header of [...headers, `Content-Length: ${WHOLE.length}`]) {
      expect(received.toString('latin1', 0, 500)).toContain(`${header}\r\n`);
    }
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'corrupt', bytesOut: WHOLE.length });
  });

  it.each([
    ["{ in: download, bytes: 3, at: 'response:50%' }", from(150 * KIB, 3)],
    ["{ at: 'response:100KiB' }", from(100 * KIB, 1)],
    ["{ at: 'response:end', bytes: 2 }", from(300 * KIB - 2, 2)],
  ])('%s has these bytes flipped and no others', async (set, places) => {
    const { received } = await download(set, saying(WHOLE));
    expect(differences(bodyOf(received), WHOLE)).toEqual(places);
  });

  it('without a length is changed, too, at the same place with the same seed', async () => {
    const chunk = `${(5000).toString(16)}\r\n${'x'.repeat(5000)}\r\n`;
    const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`;
    const places: number[] = [];
    for (let run = 0; run < 2; run += 1) {
      const { received } = await download('download', answer);
      const body = bodyOf(received)
        .toString('latin1')
        .replace(/[0-9a-f]+\r\n|\r\n/g, '');
      expect(body).toHaveLength(10_000);
      places.push(body.search(/[^x]/));
    }
    expect(places[0]).toBeGreaterThanOrEqual(KIB);
    expect(places[1]).toBe(places[0]);
  });

  it.each([
    ['download', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'],
    ['download', OK, 'GET'],
    ["{ at: 'response:1MiB' }", saying(WHOLE), 'GET'],
    ['{ header: etag }', OK, 'GET'],
    ['{ header: checksum }', saying(WHOLE, 'ETag: "5d41"', 'x-amz-checksum-type: FULL_OBJECT'), 'GET'],
  ])('%s with nothing to corrupt passes as it was, and the journal says so', async (set, answer, method) => {
    const { received, entry } = await download(set, answer, 1, method);
    const sent = Buffer.from(answer).toString('latin1');
    expect(received.toString('latin1')).toBe(sent.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(entry).toMatchObject({ outcome: 'forwarded', rule: 'faulty' });
    expect(entry?.fault).toBeUndefined();
  });

  it.each(["{ at: 'response:end' }", "{ at: 'response:50%' }"])(
    '%s of a body without a length passes unchanged, and the answer is not marked',
    async (set) => {
      const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
      const { received, entry } = await download(set, chunked);
      expect(received.toString()).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
      expect(received.toString()).not.toContain('x-brownout');
      expect(entry).toMatchObject({ outcome: 'forwarded', fault: undefined });
    },
  );

  it("does not change the upstream's error code in the journal", async () => {
    const body = Buffer.from('<Error><Code>NoSuchKey</Code></Error>');
    const refusal = saying(body).toString().replace('200 OK', '404 Not Found');
    const { received, entry } = await download("{ at: 'response:15B', bytes: 5 }", refusal);
    expect(differences(bodyOf(received), body)).toEqual(from(15, 5));
    expect(entry).toMatchObject({ upstreamStatus: 404, upstreamCode: 'NoSuchKey' });
  });
});

describe('the place that the dice chose', () => {
  const settingsOf = ({ proxy }: Awaited<ReturnType<typeof upload | typeof download>>) =>
    JSON.stringify(proxy.journal.entries()[0]?.settings?.corrupt);

  it('is in the journal, and a rule with that place changes an upload in the same way', async () => {
    const first = await upload('{ in: upload, bytes: 3 }', put(WHOLE), WHOLE);
    expect(settingsOf(first)).toMatch(/^\{"bytes":3,"at":"body:\d+B"\}$/);
    const again = await upload(settingsOf(first), put(WHOLE), WHOLE, 99);
    expect(bodyOf(again.arrived).equals(bodyOf(first.arrived))).toBe(true);
    expect(settingsOf(again)).toBe(settingsOf(first));
  });

  it.each([
    ['with a length', saying(WHOLE)],
    [
      'without one',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n${'x'.repeat(5000)}\r\n0\r\n\r\n`,
    ],
  ])('is in the journal, and a rule with that does the same to a download %s', async (_, answer) => {
    const first = await download('download', answer);
    expect(settingsOf(first)).toMatch(/^\{"at":"response:\d+B"\}$/);
    const again = await download(settingsOf(first), answer, 99);
    expect(bodyOf(again.received).equals(bodyOf(first.received))).toBe(true);
  });
});

describe('a falsified header', () => {
  it.each([
    ['etag', 'ETag: "5d41402abc4b2a76b9719d911017c592"', 'ETag: "4d41402abc4b2a76b9719d911017c592"'],
    ['etag', 'ETag: "d41d8cd98f00b204e9800998ecf8427e-3"', 'ETag: "c41d8cd98f00b204e9800998ecf8427e-3"'],
    ['etag', 'etag: W/"F0"', 'etag: W/"E0"'],
    ['etag', 'Etag: abc', 'Etag: bbc'],
    ['checksum', 'x-amz-checksum-crc32: i9aeUg==', 'x-amz-checksum-crc32: j9aeUg=='],
    ['checksum', 'X-Amz-Checksum-Sha1: /+a=', 'X-Amz-Checksum-Sha1: /+b='],
    ['checksum', 'x-oss-hash-crc64ecma: 18446744073709551615', 'x-oss-hash-crc64ecma: 18446744073709551614'],
    ['checksum', 'Content-MD5: XUFAKrxLKna5cZ2REBfFkg==', 'Content-MD5: WUFAKrxLKna5cZ2REBfFkg=='],
  ])('%s turns %s into %s', async (header, was, is) => {
    const other = header === 'etag' ? 'Content-MD5: AA==' : 'ETag: "5d41"';
    const { received, entry } = await download(`{ header: ${header} }`, saying(WHOLE, was, other));
    expect(received.toString('latin1', 0, 500)).toContain(`\r\n${is}\r\n${other}\r\nContent-Length: `);
    expect(differences(bodyOf(received), WHOLE)).toEqual([]);
    expect(entry).toMatchObject({ outcome: 'injected', fault: 'corrupt', status: 200 });
  });

  it('is falsified in an answer without a body, too', async () => {
    const { received } = await download(
      '{ header: etag }',
      'HTTP/1.1 200 OK\r\nETag: "5d41"\r\nContent-Length: 9\r\n\r\n',
      1,
      'HEAD',
    );
    expect(received.toString()).toContain('ETag: "4d41"\r\n');
  });
});
