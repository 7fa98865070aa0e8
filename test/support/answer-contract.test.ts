import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Exchange } from '../../src/exchange/exchange.ts';
import { request as factsOf } from '../rules/rule-set.ts';
import { takeViolations } from './answer-contract.ts';
import { watchedClient } from './endings.ts';

/** Answers one request so, and gives the first line of each violation that was noted. */
async function violationsOf(handle: http.RequestListener): Promise<string[]> {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const { socket, ending } = watchedClient(typeof address === 'object' && address ? address.port : 0);
  socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  await ending;
  return takeViolations().match(/^Error: .*/gm) ?? [];
}

const exchangeOf = (request: http.IncomingMessage, response: http.ServerResponse) =>
  new Exchange({
    request,
    response,
    facts: factsOf('GET /b/k'),
    attempt: undefined,
    startedAt: 0,
    arrival: 1,
    awaitsContinue: false,
  });

describe('the answer contract is broken by', () => {
  it.each<[string, http.RequestListener, string[]]>([
    [
      'a second head',
      (_, response) => {
        response.writeHead(200).flushHeaders();
        expect(() => response.writeHead(500)).toThrow('Cannot write headers');
        response.end();
      },
      ['Error: writeHead after the head: GET /b/k'],
    ],
    [
      'a 100 behind the head',
      (_, response) => {
        response.writeHead(200, { 'content-length': 0 }).flushHeaders();
        response.writeContinue();
        response.end();
      },
      ['Error: writeContinue after the head: GET /b/k'],
    ],
    [
      'data after the end',
      (_, response) => {
        response.on('error', () => {});
        response.end('all');
        response.write('more');
        response.end('and more');
      },
      ['Error: write after the end: GET /b/k', 'Error: end after the end: GET /b/k'],
    ],
    [
      'an end after a cut',
      (request, response) => {
        response.write('half');
        void exchangeOf(request, response).cut('rst');
        response.end();
      },
      ['Error: end after a cut: GET /b/k'],
    ],
  ])('%s', async (_, handle, violations) => {
    expect(await violationsOf(handle)).toEqual(violations);
  });

  it('a process that a test has started', async () => {
    const script = `
      import http from 'node:http';
      const server = http.createServer((_, response) => {
        response.on('error', () => {}).end('all');
        response.write('more');
        server.close();
      });
      server.listen(0, () => http.get({ port: server.address().port, agent: false }, (answer) => answer.resume()));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(takeViolations()).toContain('Error: write after the end: GET /');
  });
});

describe('the answer contract is kept by', () => {
  it.each<[string, http.RequestListener]>([
    [
      'an answer in pieces',
      (_, response) => void response.writeHead(200).write('a', () => response.end('b')),
    ],
    ['one that is ended twice', (_, response) => void response.end('a').end()],
    [
      'a cut in the middle of a body',
      (request, response) => {
        response.write('half');
        void exchangeOf(request, response).cut('rst');
      },
    ],
  ])('%s', async (_, handle) => {
    expect(await violationsOf(handle)).toEqual([]);
  });
});
