import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { closing, nothingLeft, proxyInjecting } from '../faults/faulty.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { watchedClient } from '../support/endings.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { type rawUpstream, readAnswer } from '../support/raw.ts';
import { runCli } from '../support/run-cli.ts';
import { serveBrownout } from '../support/serve-brownout.ts';
import { upstreamSaying } from '../support/through.ts';

const MIB = 1024 * 1024;
const BODY = randomBytes(3 * MIB);
const LONG = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`), BODY]);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const ENDINGS = [
  ['rst', 'ECONNRESET'],
  ['fin', 'FIN'],
] as const;

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

const bodyOf = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
const injecting = (fault: string, upstream?: Parameters<typeof rawUpstream>[0]) =>
  proxyInjecting(fault, { tls: certificates, ...(upstream && { upstream }) });

describe('a proxy that speaks TLS', () => {
  it('forwards a request and its answer as they came', async () => {
    const upstream = await upstreamSaying(OK);
    const { port, proxy } = await proxyTo(upstream.url, { tls: certificates });
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('GET /b//k%2F', 'X-Case: Kept'));
    expect(await client.ending).toBe('FIN');
    expect(readAnswer(client.received())).toMatchObject({ statusLine: 'HTTP/1.1 200 OK', body: 'ok' });
    expect(upstream.received().toString()).toMatch(
      /^GET \/b\/\/k%2F HTTP\/1\.1\r\nHost: storage\.example\r\nX-Case: Kept\r\n/,
    );
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'forwarded', client: '127.0.0.1', bytesOut: 2 },
    ]);
  });

  it('carries a large upload and a large download', async () => {
    const upstream = await upstreamSaying((socket) => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > BODY.length) socket.write(LONG);
      });
    });
    const { port } = await proxyTo(upstream.url, { tls: certificates });
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('PUT /b/k', `Content-Length: ${BODY.length}`));
    client.socket.write(BODY);
    expect(await client.ending).toBe('FIN');
    expect(bodyOf(upstream.received()).equals(BODY)).toBe(true);
    expect(bodyOf(client.received()).equals(BODY)).toBe(true);
  });

  it('delivers an early error to a client that is still pushing', async () => {
    const { port } = await injecting('{ error: SlowDown }');
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('PUT /b/k', `Content-Length: ${32 * MIB}`));
    client.socket.write(Buffer.alloc(32 * MIB));
    expect(await client.ending).toBe('FIN');
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('closes although a client has not sent its ClientHello yet', async () => {
    const upstream = await upstreamSaying(OK);
    const { port, proxy } = await proxyTo(upstream.url, { tls: certificates });
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    client.on('error', () => {});
    await eventually('it is connected', () => client.readyState === 'open');
    await proxy.close(0);
    await eventually('it is cut off', () => client.closed);
  });

  it('survives a client that speaks plain HTTP', async () => {
    const upstream = await upstreamSaying(OK);
    const { port } = await proxyTo(upstream.url, { tls: certificates });
    const plain = watchedClient(port);
    plain.socket.write(closing('GET /b/k'));
    await plain.ending;
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('GET /b/k'));
    await client.ending;
    expect(client.received().toString()).toContain('200 OK');
  });

  it('closes the upstream connection when a client leaves in mid-upload or mid-download', async () => {
    const upstream = await upstreamSaying((socket) => {
      socket.on('data', (chunk) => chunk.toString().startsWith('GET') && socket.write(LONG.subarray(0, MIB)));
    });
    const { port, proxy } = await proxyTo(upstream.url, { tls: certificates });
    for (const line of ['PUT /b/k', 'GET /b/k']) {
      const client = watchedClient(port, certificates.ca);
      const part = `${closing(line, 'Content-Length: 1000')}some of it`;
      client.socket.write(line.startsWith('PUT') ? part : closing(line));
      await eventually('it is under way', () => upstream.received().includes(line));
      if (line.startsWith('GET')) await eventually('it reads', () => client.received().length > 0);
      client.socket.destroy();
      await nothingLeft(proxy, upstream);
    }
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'client-left' }, { outcome: 'client-left' }]);
  });
});

describe.each(ENDINGS)('over TLS a reset with %s', (how, ending) => {
  it('at headers sends no answer', async () => {
    const { port, proxy, upstream } = await injecting(`{ reset: { at: headers, with: ${how} } }`);
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe(ending);
    expect(client.received()).toHaveLength(0);
    await nothingLeft(proxy, upstream);
    expect(upstream.received()).toHaveLength(0);
  });

  it('at body:50% gives the upstream half of the upload', async () => {
    const { port, proxy, upstream } = await injecting(`{ reset: { at: body:50%, with: ${how} } }`);
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('PUT /b/k', `Content-Length: ${BODY.length}`));
    client.socket.write(BODY);
    expect([ending, 'EPIPE']).toContain(await client.ending);
    client.socket.destroy();
    await nothingLeft(proxy, upstream);
    expect(bodyOf(upstream.received()).equals(BODY.subarray(0, 1.5 * MIB))).toBe(true);
    expect(client.received()).toHaveLength(0);
  });

  it('at commit loses the answer', async () => {
    const { port, proxy } = await injecting(`{ reset: { at: commit, with: ${how} } }`, OK);
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('PUT /b/k', 'Content-Length: 0'));
    expect(await client.ending).toBe(ending);
    expect(client.received()).toHaveLength(0);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()).toMatchObject([{ outcome: 'injected', upstreamStatus: 200 }]);
  });

  it('at response:1MiB sends 1 MiB before', async () => {
    const { port } = await injecting(`{ reset: { at: 'response:1MiB', with: ${how} } }`, LONG);
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe(ending);
    expect(bodyOf(client.received()).equals(BODY.subarray(0, MIB))).toBe(true);
  });

  it('can end a truncated answer', async () => {
    const { port } = await injecting(`{ truncate: { at: response:50%, end: ${how} } }`, LONG);
    const client = watchedClient(port, certificates.ca);
    client.socket.write(closing('GET /b/k'));
    expect(await client.ending).toBe(ending);
    expect(client.received().toString('latin1', 0, 100)).toContain('Content-Length: 3145728');
    expect(bodyOf(client.received()).equals(BODY.subarray(0, 1.5 * MIB))).toBe(true);
  });
});

describe('the files of a proxy that speaks TLS', () => {
  const file = (name: string) => join(certificates.caFile, '..', name);

  it('give it an https URL that works for any client that trusts them', async () => {
    const proxy = await startProxy({
      upstream: 'memory:',
      tlsCert: file('server.pem'),
      tlsKey: file('server.key'),
    });
    onTestFinished(() => proxy.close(0));
    expect(proxy.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const client = watchedClient(Number(new URL(proxy.url).port), certificates.ca);
    client.socket.write(closing('GET /'));
    await client.ending;
    expect(client.received().toString()).toContain('200 OK');
  });

  it.each([
    [
      'server.pem',
      undefined,
      /^to speak TLS to clients takes a certificate and its key: give both files, or neither$/,
    ],
    [undefined, 'server.key', /^to speak TLS to clients takes a certificate and its key/],
    [
      'server.pem',
      'ca.key',
      /^"\S+server\.pem" and "\S+ca\.key" are not a certificate and its key in PEM: .*key values mismatch$/,
    ],
    ['server.key', 'server.key', /are not a certificate and its key in PEM: .*no start line$/],
    ['none.pem', 'server.key', /^the certificate's file "\S+none\.pem" cannot be read: ENOENT/],
    ['server.pem', 'none.key', /^the key's file "\S+none\.key" cannot be read: ENOENT/],
  ])('are refused if they are %s and %s, with the reason', async (cert, key, message) => {
    const tlsCert = cert && file(cert);
    const tlsKey = key && file(key);
    await expect(startProxy({ upstream: 'memory:', tlsCert, tlsKey })).rejects.toThrow(message);
  });

  it('may hold the whole chain', async () => {
    const chain = file('chain.pem');
    writeFileSync(chain, readFileSync(file('server.pem'), 'utf8') + certificates.ca);
    const proxy = await startProxy({ upstream: 'memory:', tlsCert: chain, tlsKey: file('server.key') });
    await proxy.close(0);
    expect(proxy.url).toMatch(/^https:/);
  });
});

describe('brownout serve with a certificate', () => {
  const file = (name: string) => join(certificates.caFile, '..', name);

  it('prints its https URL and serves it', async () => {
    const files = ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')];
    const brownout = await serveBrownout(['--upstream', 'memory:', ...files]);
    onTestFinished(async () => void (await brownout.stop()));
    expect(brownout.output()).toMatch(/^proxy listening on https:\/\/127\.0\.0\.1:\d+$/m);
    expect(brownout.output()).toMatch(/^admin listening on http:\/\/127\.0\.0\.1:\d+$/m);
    const client = watchedClient(Number(new URL(brownout.proxyUrl).port), certificates.ca);
    client.socket.write(closing('GET /'));
    await client.ending;
    expect(client.received().toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(await brownout.stop()).toBe(0);
  });

  it.each([
    ['--tls-cert', '--tls-key'],
    ['--tls-key', '--tls-cert'],
  ])('refuses %s without %s as misuse', async (given, missing) => {
    const { code, stderr } = await runCli(['serve', '--upstream', 'memory:', given, 'x.pem']);
    expect(stderr).toBe(
      `error: ${given} needs ${missing}: TLS takes a certificate and its key. give both, or neither\n`,
    );
    expect(code).toBe(2);
  });

  it('says which file cannot be read', async () => {
    const files = ['--tls-cert', 'none.pem', '--tls-key', 'none.key'];
    const { code, stderr } = await runCli(['serve', '--upstream', 'memory:', ...files]);
    expect(stderr).toMatch(/^error: the certificate's file "none\.pem" cannot be read: ENOENT/);
    expect(code).toBe(1);
  });
});
