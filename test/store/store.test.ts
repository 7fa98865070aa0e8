import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startStore } from '../../src/store/store.ts';

const KiB = 1024;
const running: Awaited<ReturnType<typeof startStore>>[] = [];

async function start(maxBytes = 1024 * KiB): Promise<string> {
  const store = await startStore({ maxBytes });
  running.push(store);
  return store.url;
}
afterEach(() => Promise.all(running.splice(0).map((store) => store.close())));

async function put(
  url: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<number> {
  const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(Buffer.from(body)), headers });
  await answer.arrayBuffer();
  return answer.status;
}

async function text(url: string, init?: RequestInit): Promise<string> {
  return (await fetch(url, init)).text();
}

describe('the cap of the memory store', () => {
  it('reads an upload that does not fit to its end, then refuses it and says what to do', async () => {
    const url = await start(256 * KiB);
    const answer = await fetch(`${url}/b/big`, { method: 'PUT', body: new Uint8Array(8 << 20) });
    expect(answer.status).toBe(507);
    expect(await answer.text()).toContain(
      '<Code>InsufficientStorage</Code><Message>The memory store is full: its cap is 256KiB. Raise it with --memory-limit, or delete objects.</Message>',
    );
  });

  it('frees the room of deleted, replaced, refused and aborted uploads', async () => {
    const url = await start(256 * KiB);
    const body = Buffer.alloc(200 * KiB);
    for (let round = 0; round < 3; round++) {
      expect(await put(`${url}/b/k`, body)).toBe(200);
      expect(await put(`${url}/b/other`, body)).toBe(507);
      expect((await fetch(`${url}/b/k`, { method: 'DELETE' })).status).toBe(204);
      expect(await put(`${url}/b/k`, body, { 'content-encoding': 'aws-chunked' })).toBe(400);

      const xml = await text(`${url}/b/m?uploads`, { method: 'POST' });
      const part = `${url}/b/m?partNumber=1&uploadId=${/<UploadId>(.*)<\/UploadId>/.exec(xml)?.[1]}`;
      expect(await put(part, Buffer.alloc(100 * KiB))).toBe(200);
      expect(await put(part, Buffer.alloc(100 * KiB))).toBe(200);
      expect((await fetch(part, { method: 'DELETE' })).status).toBe(204);
    }
    expect(await put(`${url}/b/k`, Buffer.alloc(240 * KiB))).toBe(200);
  });

  it('frees room when a client leaves in mid-upload', async () => {
    const url = await start(256 * KiB);
    const leaving = request(`${url}/b/k`, { method: 'PUT', headers: { 'content-length': 250 * KiB } });
    leaving.on('error', () => {});
    leaving.write(Buffer.alloc(200 * KiB));
    await expect.poll(() => put(`${url}/b/other`, Buffer.alloc(100 * KiB))).toBe(507);
    leaving.destroy();
    await expect.poll(() => put(`${url}/b/other`, Buffer.alloc(100 * KiB))).toBe(200);
  });

  it('counts an appended object once, and frees all of it', async () => {
    const url = await start(256 * KiB);
    for (let round = 0; round < 3; round++) {
      for (let position = 0; position < 200 * KiB; position += 50 * KiB) {
        const append = `${url}/b/log?append&position=${position}`;
        expect((await fetch(append, { method: 'POST', body: new Uint8Array(50 * KiB) })).status).toBe(200);
      }
      expect(await put(`${url}/b/other`, Buffer.alloc(60 * KiB))).toBe(507);
      expect((await fetch(`${url}/b/log`, { method: 'DELETE' })).status).toBe(204);
    }
    expect(await put(`${url}/b/k`, Buffer.alloc(240 * KiB))).toBe(200);
  });

  it('counts an object made of parts once, and no longer counts the parts that are left out of it', async () => {
    const url = await start(256 * KiB);
    for (let round = 0; round < 3; round++) {
      const xml = await text(`${url}/b/m?uploads`, { method: 'POST' });
      const upload = `${url}/b/m?uploadId=${/<UploadId>(.*)<\/UploadId>/.exec(xml)?.[1]}`;
      const part = async (number: number) => {
        const init = { method: 'PUT', body: new Uint8Array(100 * KiB) };
        return (await fetch(`${upload}&partNumber=${number}`, init)).headers.get('etag');
      };
      const [, etag] = [await part(1), await part(2)];
      const body = `<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
      expect(await text(upload, { method: 'POST', body })).toContain('CompleteMultipartUploadResult');
      expect(await put(`${url}/b/other`, Buffer.alloc(160 * KiB))).toBe(507);
      expect((await fetch(`${url}/b/m`, { method: 'DELETE' })).status).toBe(204);
    }
    expect(await put(`${url}/b/k`, Buffer.alloc(240 * KiB))).toBe(200);
  });

  it('counts empty objects too', async () => {
    const url = await start(8 * KiB);
    const statuses = [];
    for (let n = 0; n < 20; n++) statuses.push(await put(`${url}/b/${n}`, ''));
    expect(statuses).toContain(507);
  });
});

describe('aws-chunked bodies', () => {
  const signed = ';chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648';
  const wrapped = `5${signed}\r\nhello\r\nB${signed}\r\n\r\n the\r\n we\r\n0${signed}\r\nx-amz-checksum-crc32:1d8gOQ==\r\n\r\n`;
  const headers = {
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'x-amz-decoded-content-length': '16',
  };

  it('are unwrapped wherever the network splits them', async () => {
    const url = await start();
    for (let cut = 1; cut < wrapped.length; cut++) {
      const sending = request(`${url}/b/k`, {
        method: 'PUT',
        headers: { ...headers, 'content-length': wrapped.length },
      });
      sending.write(wrapped.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      sending.end(wrapped.slice(cut));
      const [answer] = await once(sending, 'response');
      answer.resume();
      expect(answer.statusCode).toBe(200);
      expect(await text(`${url}/b/k`)).toBe('hello\r\n the\r\n we');
    }
  });

  it('count with their chunk headers while they arrive, and without them once they are stored', async () => {
    const url = await start(64 * KiB);
    const ofOneByte = (bytes: number) => `${'1\r\nx\r\n'.repeat(bytes)}0\r\n\r\n`;
    expect(await put(`${url}/b/k`, ofOneByte(20 * KiB), headers)).toBe(507);
    expect(await put(`${url}/b/k`, ofOneByte(10 * KiB), headers)).toBe(200);
    expect(await put(`${url}/b/other`, Buffer.alloc(50 * KiB))).toBe(200);
  });

  it.each([
    ['a size that is not a number', 'zz\r\nhello\r\n'],
    ['a negative size', '-5\r\nhello\r\n'],
    ['an endless line', 'x'.repeat(10_000)],
    ['a missing end', `5${signed}\r\nhello\r\n`],
  ])('are refused with %s', async (_, body) => {
    expect(await put(`${await start()}/b/k`, body, headers)).toBe(400);
  });
});

describe('hostile documents', () => {
  it.each([
    [
      'entities of their own',
      '<!DOCTYPE x [<!ENTITY a "aaaa">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    ],
    ['a broken end', '<Delete><Object>'],
    ['another root', '<Other/>'],
    ['nothing', ''],
    ['endless depth', '<Delete>'.repeat(100_000)],
    ['names of Object.prototype', '<__proto__><Object/></__proto__>'],
    ['more than 4 MiB', `<Delete>${' '.repeat(5 << 20)}</Delete>`],
  ])('with %s are refused', async (_, body) => {
    const answer = await fetch(`${await start(32 << 20)}/b?delete`, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('MalformedXML')]);
  });
});

describe('the memory store', () => {
  it('says that it is a stand-in if it does not know an operation', async () => {
    const answer = await fetch(`${await start()}/b?lifecycle`);
    expect(answer.status).toBe(501);
    expect(await answer.text()).toContain(
      'The memory store is a stand-in without GetBucketLifecycleConfiguration; take a real backend for it.',
    );
  });

  it('answers HEAD of a missing object without a body, on a connection that stays usable', async () => {
    const url = new URL(await start());
    const socket = connect(Number(url.port), url.hostname);
    socket.end(
      'HEAD /b/none HTTP/1.1\r\nHost: x\r\n\r\nGET /b/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    let seen = '';
    for await (const bytes of socket) seen += bytes;
    expect(seen.match(/HTTP\/1\.1 404/g)).toHaveLength(2);
    expect(seen.match(/<Error>/g)).toHaveLength(1);
  });

  it('sends 100 Continue to a client that waits for it', async () => {
    const sending = request(`${await start()}/b/k`, {
      method: 'PUT',
      headers: { expect: '100-continue', 'content-length': 5 },
    });
    sending.flushHeaders();
    await once(sending, 'continue');
    sending.end('hello');
    const [answer] = await once(sending, 'response');
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });

  it('leaves no connection behind when it closes', async () => {
    const store = await startStore({ maxBytes: KiB });
    const url = new URL(store.url);
    const socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write('PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await store.close();
    await closed;
    await expect(fetch(store.url)).rejects.toThrow();
  });

  it('escapes text in XML', async () => {
    const url = await start();
    await put(`${url}/b/${encodeURIComponent('<a>&"')}`, 'x');
    expect(await text(`${url}/b`)).toContain('<Key>&lt;a&gt;&amp;&quot;</Key>');
  });
});
