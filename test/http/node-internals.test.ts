import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import util from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  closeConnectionAfter,
  keepOnePool,
  onceConnected,
  replaceNextClose,
  setRawHead,
  tcpSocketOf,
  withoutExtendWarning,
} from '../../src/http/node-internals.ts';
import { makeCertificates } from '../support/certificates.ts';
import { watchedClient } from '../support/endings.ts';
import { eventually } from '../support/proxy.ts';
import { rawClient, rawExchange } from '../support/raw.ts';
import { OK, upstreamSaying } from '../support/through.ts';

describe('what breaks when a door of Node closes', () => {
  it('repeated headers stay apart, and names keep their case and order', async () => {
    const upstream = await upstreamSaying(OK);
    const outgoing = http.request({ port: upstream.port, setHost: false });
    setRawHead(outgoing, 'GET //k HTTP/1.1', [
      'x-B',
      '1',
      'Cookie',
      'a',
      'x-B',
      '2',
      'Host',
      'h',
      'Cookie',
      'b',
    ]);
    outgoing.end();
    await once(outgoing, 'response');
    expect(upstream.received().toString()).toMatch(
      /^GET \/\/k HTTP\/1.1\r\nx-B: 1\r\nCookie: a\r\nx-B: 2\r\nHost: h\r\nCookie: b\r\n/,
    );
    outgoing.destroy();
  });

  it('an answer before the end of an upload is not wiped out by a reset', async () => {
    const port = await serving((request, response) => {
      replaceNextClose(request.socket, () => {
        request.socket.end();
        request.resume().once('end', () => request.socket.destroy());
      });
      response.writeHead(503, { connection: 'close' }).end('early');
    });
    const client = watchedClient(port);
    client.socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n');
    await eventually('the answer is there', () => client.received().includes('early'));
    client.socket.write(Buffer.alloc(4_000_000));
    expect(await client.ending).toBe('FIN');
  });

  it('the close of a kept connection is replaced once, however often it is asked for', async () => {
    let replaced = 0;
    const port = await serving((request, response) => {
      const { socket } = request;
      for (let i = 0; i < 2; i += 1) {
        replaceNextClose(socket, () => {
          replaced += 1;
          socket.destroySoon();
        });
      }
      response.end('whole');
    });
    const answer = await rawExchange(port, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(answer.toString()).toMatch(/whole/);
    expect(replaced).toBe(1);
  });

  it('a TLS connection is reset', async () => {
    const { ca, key, cert, remove } = await makeCertificates();
    onTestFinished(remove);
    const server = createTlsServer({ key, cert }, (socket) => {
      socket.on('error', () => {});
      tcpSocketOf(socket).resetAndDestroy();
    });
    const client = watchedClient(await listening(server), ca);
    expect(await client.ending).toBe('ECONNRESET');
  });

  it('a plain connection is reset by the same call', async () => {
    const upstream = await upstreamSaying((socket) => tcpSocketOf(socket).resetAndDestroy());
    expect(await watchedClient(upstream.port).ending).toBe('ECONNRESET');
  });

  it('a pipelined request waits until its response has the connection', async () => {
    const early: ServerResponse[] = [];
    const order: string[] = [];
    const port = await serving((request, response) => {
      if (response.socket) {
        order.push(`${request.url} at once`);
        early.push(response);
        return;
      }
      onceConnected(response, () => {
        order.push(`${request.url} connected: ${response.socket !== null}`);
        response.end('second');
      });
      early[0]?.end('first');
    });
    const { socket, received } = rawClient(port);
    socket.write('GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n');
    await eventually('both are answered', () => received().includes('second'));
    expect(order).toEqual(['/1 at once', '/2 connected: true']);
  });

  it('a closing proxy tells its clients that the connection closes', async () => {
    const port = await serving((_, response) => {
      closeConnectionAfter(response);
      response.end('last');
    });
    const answer = await rawExchange(port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(answer.toString()).toMatch(/\r\nConnection: close\r\n/);
  });

  it('the connection of a request that may have strays behind its answer is not kept', async () => {
    const upstream = await upstreamSaying((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    const agent = new http.Agent({ keepAlive: true });
    const outgoing = http.request({ port: upstream.port, agent }).end();
    outgoing.once('response', (answer) => {
      closeConnectionAfter(outgoing);
      answer.resume();
    });
    await once(outgoing, 'close');
    expect(agent.freeSockets).toEqual({});
  });

  it('all requests find the same pool, without spelling out host, port and TLS settings', async () => {
    const upstream = await upstreamSaying(OK);
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    keepOnePool(agent);
    const outgoing = http.request({ port: upstream.port, agent }).end();
    outgoing.once('response', (answer) => answer.resume());
    await once(outgoing, 'close');
    expect(Object.keys(agent.freeSockets)).toEqual(['upstream']);
  });

  it('loading http-proxy prints no warning on Node 22 and later', () => {
    const original: unknown = Reflect.get(util, '_extend');
    expect(withoutExtendWarning((): unknown => Reflect.get(util, '_extend'))).toBe(Object.assign);
    expect(Reflect.get(util, '_extend')).toBe(original);
  });
});

/** A server on a free port, gone when the test is over. */
async function serving(handle: http.RequestListener): Promise<number> {
  return listening(http.createServer(handle));
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // A server listening on a port has an AddressInfo.
  return (server.address() as AddressInfo).port;
}
