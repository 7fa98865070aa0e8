import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawExchange, rawUpstream } from '../support/raw.ts';
import { OK, through, upstreamSaying } from '../support/through.ts';

const get = (target: string, headers = '') =>
  `GET ${target} HTTP/1.1\r\nHost: s3.example\r\nConnection: close\r\n${headers}\r\n`;

describe('forwarding', () => {
  it.each([
    '/b/a//b',
    '/b/a\\b',
    '/b/a%2Fb/../c',
    '/b/%e4%bd%A0?x-id=GetObject&&a=%2f',
    '/b/a?list-type=2#x',
  ])('the target %s reaches the upstream byte for byte', async (target) => {
    const { forwarded } = await through(get(target));
    expect(forwarded.split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  it('keeps the target exact if the request waits for a pooled connection', async () => {
    const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(OK)));
    const { port } = await proxyTo(upstream.url);
    const one = (target: string) => rawExchange(port, get(target));
    await Promise.all(Array.from({ length: 8 }, (_, i) => one(`/b//${i}`)));
    await Promise.all(Array.from({ length: 8 }, (_, i) => one(`/b//again-${i}`)));
    const targets =
      upstream
        .received()
        .toString('latin1')
        .match(/GET \S+/g) ?? [];
    expect(targets.filter((target) => target.startsWith('GET /b//'))).toHaveLength(16);
  });

  it('keeps the case of header names and repeated headers, and adds nothing', async () => {
    const head = 'X-AMZ-Meta-A: 1\r\nX-AMZ-Meta-A: 2\r\nAuthorization: AWS4 x\r\ncOOkie: a=b\r\n';
    const { forwarded } = await through(get('/b/k', head));
    expect(forwarded.split('\r\n\r\n')[0]?.split('\r\n').slice(1).sort()).toEqual(
      [
        'Host: s3.example',
        'X-AMZ-Meta-A: 1',
        'X-AMZ-Meta-A: 2',
        'Authorization: AWS4 x',
        'cOOkie: a=b',
      ].sort(),
    );
  });

  it('removes hop-by-hop headers, but no header that frames or signs the message', async () => {
    const request =
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close, X-Hop, Content-Length, Authorization\r\n' +
      'X-Hop: 1\r\nTE: trailers\r\nAuthorization: a\r\nContent-Length: 3\r\n\r\nabc';
    const { forwarded } = await through(request);
    expect(forwarded).not.toMatch(/^(x-hop|te|connection):/im);
    expect(forwarded).toContain('Authorization: a\r\n');
    expect(forwarded).toMatch(/Content-Length: 3\r\n\r\nabc$/);
  });

  it('aborts the upstream request if the client leaves', async () => {
    const upstream = await upstreamSaying(() => {});
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.write(get('/b/k'));
    await eventually('the upstream was asked', () => upstream.received().length > 0);
    client.destroy();
    await eventually(
      'no upstream connection is left',
      () => proxy.forwarder.connections() === 0 && upstream.open() === 0,
    );
    await eventually('no exchange is left', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()[0]).toMatchObject({ outcome: 'client-left', status: undefined });
  });

  it('aborts the upstream request if the client leaves in the middle of an upload', async () => {
    const upstream = await upstreamSaying(() => {});
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.write('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nsome');
    await eventually('the upstream got some', () => upstream.received().includes('some'));
    client.destroy();
    await eventually(
      'no upstream connection is left',
      () => proxy.forwarder.connections() === 0 && upstream.open() === 0,
    );
    expect(proxy.journal.entries()[0]).toMatchObject({ outcome: 'client-left', bytesIn: 4 });
  });

  it('stops the upstream if the client leaves in the middle of a download', async () => {
    const upstream = await upstreamSaying((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
        const block = Buffer.alloc(65536);
        const fill = () => {
          while (!socket.destroyed && socket.write(block));
        };
        socket.on('drain', fill);
        fill();
      });
    });
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    client.write(get('/b/k'));
    await once(client, 'data');
    client.destroy();
    await eventually(
      'no upstream connection is left',
      () => proxy.forwarder.connections() === 0 && upstream.open() === 0,
    );
  });

  it("ends the client's connection if the upstream breaks off in the middle of a body", async () => {
    const { answered, proxy } = await through(get('/b/k'), (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
    });
    expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 100\r\n[\s\S]*\r\n\r\nhalf$/);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()[0]).toMatchObject({ outcome: 'upstream-failed', failure: 'cut-short' });
  });

  it('sends no last chunk if a chunked answer breaks off', async () => {
    const { answered } = await through(get('/b/k'), (socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
      );
    });
    expect(answered).toContain('4\r\nhalf\r\n');
    expect(answered).not.toContain('0\r\n\r\n');
  });

  it('does not smuggle the body of a chunked DELETE as a second request', async () => {
    const smuggled = 'GET /secret HTTP/1.1\r\nHost: h\r\n\r\n';
    const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
    const { forwarded } = await through(
      `DELETE /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    );
    expect(forwarded).toMatch(/^DELETE \/b\/k HTTP\/1\.1\r\n[\s\S]*Transfer-Encoding: chunked/i);
    expect(forwarded).not.toMatch(/content-length/i);
    expect(forwarded.endsWith(chunk)).toBe(true);
  });

  it('adds no Content-Length to a DELETE without a body', async () => {
    const { forwarded } = await through('DELETE /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(forwarded).toBe('DELETE /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
  });

  it('adds no framing to a PUT without a body', async () => {
    const { forwarded } = await through('PUT /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(forwarded).toBe('PUT /b HTTP/1.1\r\nHost: h\r\n\r\n');
  });

  it('uses one upstream connection for many requests, the latest one first', async () => {
    let connections = 0;
    const server = http
      .createServer((_, response) => response.end('ok'))
      .on('connection', () => {
        connections += 1;
      });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => server.closeAllConnections());
    const { port } = await proxyTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (let i = 0; i < 10; i += 1) await rawExchange(port, get(`/b/${i}`));
    expect(connections).toBe(1);
    server.close();
  });

  it('asks for the body only once, and does not forward Expect', async () => {
    const upstream = await upstreamSaying((socket) => {
      let seen = '';
      socket.on('data', (chunk) => {
        seen += chunk;
        if (seen.endsWith('abc')) socket.write(OK);
      });
    });
    const { port } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    let answered = '';
    client.on('data', (chunk) => {
      answered += chunk;
      if (answered === 'HTTP/1.1 100 Continue\r\n\r\n') client.write('abc');
    });
    client.write(
      'PUT //b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n',
    );
    await once(client, 'close');
    expect(answered).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(upstream.received().toString()).toMatch(/^PUT \/\/b\/k HTTP\/1\.1\r\n/);
    expect(upstream.received().toString()).not.toMatch(/expect/i);
  });

  it('delivers an answer to an upload that was not read to its end, and closes the connection', async () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 'x');
    const upstream = await upstreamSaying((socket) => {
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope');
        setTimeout(() => socket.destroy(), 100);
      });
    });
    const { port, proxy } = await proxyTo(upstream.url);
    const client = net.connect(port, '127.0.0.1');
    let answered = '';
    client.on('data', (chunk) => {
      answered += chunk;
    });
    client.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`);
    client.end(body);
    await once(client, 'close');
    expect(answered).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*Connection: close\r\n\r\nnope$/);
    await eventually('nothing is left', () => proxy.inFlight() === 0 && proxy.forwarder.connections() === 0);
  });

  it('keeps the reason phrase, the header case and repeated headers of the answer', async () => {
    const head =
      'HTTP/1.1 503 Slow Down\r\nx-AMZ-request-id: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n';
    const { answered } = await through(get('/b/k'), `${head}\r\n`);
    expect(answered).toBe(`${head}Connection: close\r\n\r\n`);
  });

  it('adds no Date for an upstream that sends none', async () => {
    const { answered } = await through(get('/b/k'));
    expect(answered).not.toMatch(/^date:/im);
  });

  it('passes on trailers in both directions', async () => {
    const { answered, forwarded } = await through(
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nX-Sum: 9\r\n\r\n',
    );
    expect(forwarded.endsWith('0\r\nX-Sum: 7\r\n\r\n')).toBe(true);
    expect(answered.endsWith('0\r\nX-Sum: 9\r\n\r\n')).toBe(true);
  });

  it('passes on an aws-chunked body with its trailer byte for byte', async () => {
    const body = '5;chunk-signature=ab\r\nhello\r\n0\r\nx-amz-checksum-crc32:1d8gOQ==\r\n\r\n';
    const { forwarded } = await through(
      `PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Encoding: aws-chunked\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(forwarded.endsWith(`\r\n\r\n${body}`)).toBe(true);
  });

  it('sends an absolute-form target in origin-form, with the path unchanged', async () => {
    const { forwarded } = await through(get('http://bucket.s3.example/a//b%2F?x=1'));
    expect(forwarded.split('\r\n')[0]).toBe('GET /a//b%2F?x=1 HTTP/1.1');
  });

  it('forwards to an HTTPS upstream with its own CA in the same way', async () => {
    const certificates = await makeCertificates();
    onTestFinished(() => certificates.remove());
    const seen: string[][] = [];
    const server = https.createServer(
      { key: certificates.key, cert: certificates.cert },
      (request, response) => {
        seen.push([request.url ?? '', ...request.rawHeaders]);
        response.end('secret');
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => server.closeAllConnections());
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const trusted = await proxyTo(url, { ca: certificates.ca });
    const answered = (await rawExchange(trusted.port, get('/b//k', 'X-A: 1\r\nX-A: 2\r\n'))).toString();
    expect(answered).toContain('secret');
    expect(seen).toEqual([['/b//k', 'Host', 's3.example', 'X-A', '1', 'X-A', '2']]);

    const distrusting = await proxyTo(url);
    expect((await rawExchange(distrusting.port, get('/b/k'))).toString()).toMatch(/^HTTP\/1\.1 502 /);
    server.close();
  });

  it('prints no warning when http-proxy is loaded', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error) => void warnings.push(message);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    await through(get('/b/k'));
    process.emitWarning('a later one');
    await eventually('a warning arrives', () => warnings.length > 0);
    expect(warnings).toEqual(['a later one']);
  });
});

describe('stray bytes after a head without a body', () => {
  const notFound = 'HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n';
  const head = 'HEAD /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

  it('in the same packet do not turn a 404 into a 502', async () => {
    const { answered, proxy } = await through(head, `${notFound}0\r\n\r\n`);
    expect(answered).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(answered).toMatch(/\r\n\r\n$/);
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()[0]).toMatchObject({
      outcome: 'forwarded',
      status: 404,
      failure: undefined,
    });
  });

  it('that come late do not become the answer of the next request', async () => {
    const upstream = await upstreamSaying((socket) => {
      socket.on('data', (chunk) => {
        const isHead = chunk.toString().startsWith('HEAD');
        socket.write(isHead ? notFound : OK);
        if (isHead) setTimeout(() => socket.destroyed || socket.write('0\r\n\r\n'), 5);
      });
    });
    const { port } = await proxyTo(upstream.url);
    for (let i = 0; i < 50; i += 1) {
      expect((await rawExchange(port, head)).toString()).toMatch(/^HTTP\/1\.1 404 /);
      expect((await rawExchange(port, get('/b/k'))).toString()).toMatch(/^HTTP\/1\.1 200 /);
    }
  });
});

describe('an upstream in trouble', () => {
  it('is a 502 in the dialect of the provider if it is down', async () => {
    const upstream = await rawUpstream(OK);
    await upstream.close();
    const { port, proxy } = await proxyTo(upstream.url);
    const answered = (await rawExchange(port, get('/b/k'))).toString();
    expect(answered).toMatch(
      /^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*<Code>BadGateway<\/Code><Message>brownout: the upstream http:\S+ refuses connections\./,
    );
    await eventually('the exchange is over', () => proxy.inFlight() === 0);
    expect(proxy.journal.entries()[0]).toMatchObject({
      outcome: 'upstream-failed',
      failure: 'no-answer',
      status: 502,
    });
  });

  it('is a 504 after the time-out if it hangs, and its connection is closed', async () => {
    const upstream = await upstreamSaying(() => {});
    const { port, proxy } = await proxyTo(upstream.url, { timeout: 100 });
    expect((await rawExchange(port, get('/b/k'))).toString()).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
    await eventually(
      'no upstream connection is left',
      () => proxy.forwarder.connections() === 0 && upstream.open() === 0,
    );
  });

  it('is a 502 if it closes without an answer', async () => {
    const { answered } = await through(get('/b/k'), (socket) => socket.once('data', () => socket.end()));
    expect(answered).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('is a 502 if it does not speak HTTP', async () => {
    const { answered } = await through(get('/b/k'), 'SSH-2.0-OpenSSH_9.2\r\n\r\n');
    expect(answered).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('is a 502 if it refuses an upload, and a client that still sends 32 MB can read it', async () => {
    const upstream = await rawUpstream(OK);
    await upstream.close();
    const { port } = await proxyTo(upstream.url);
    const body = Buffer.alloc(32 * 1024 * 1024);
    const head = `PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answered = await rawExchange(port, Buffer.concat([Buffer.from(head), body]));
    expect(answered.toString()).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('does not fail a GET if it closes a pooled connection at the same moment', async () => {
    const upstream = await upstreamSaying((socket) => {
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write(OK);
        else socket.destroy();
      });
    });
    const { port } = await proxyTo(upstream.url);
    for (let i = 0; i < 5; i += 1) {
      expect((await rawExchange(port, get('/b/k'))).toString()).toMatch(/^HTTP\/1\.1 200 /);
    }
  });
});

describe('a hostile client', () => {
  it.each([
    ['a malformed request line', 'GET\r\n\r\n', 400],
    [
      'two different lengths',
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a head of 1 MB', `GET / HTTP/1.1\r\nHost: h\r\nX-Big: ${'x'.repeat(1024 * 1024)}\r\n\r\n`, 431],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ])('with %s is refused and nothing is forwarded', async (_, request, status) => {
    const { answered, forwarded, proxy } = await through(request);
    expect(answered).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(forwarded).toBe('');
    expect(proxy.inFlight()).toBe(0);
  });
});
