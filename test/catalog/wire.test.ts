import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { findEntry, loadProvider } from '../../src/catalog/catalog.ts';
import { writeDocument } from '../../src/catalog/document.ts';

let server: Server | undefined;

afterEach(() => server?.close());

/** What a server that answers everything with this error sends for these requests, until it or we close. */
async function exchange(provider: string, code: string, requests: readonly string[]): Promise<string> {
  const from = loadProvider(provider);
  const entry = findEntry(from, code);
  if (entry === undefined) throw new Error(`no ${code} at ${provider}`);
  server = createServer((request, response) => {
    const subject = { method: request.method ?? '', host: 'h', bucket: 'b', key: 'k' };
    const { status, reason, headers, body } = writeDocument(from, entry, subject, new Date());
    response.writeHead(status, reason, [...headers]).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // An address of a TCP server is never a string (node:net).
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk;
  });
  socket.end(requests.map((line) => `${line} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''));
  await once(socket, 'close');
  return received;
}

test('Node sends the headers of a document as they are and adds none', async () => {
  const received = await exchange('aliyun-oss', 'NoSuchKey', ['GET /k']);
  const [head = '', body = ''] = received.split('\r\n\r\n');
  const names = head.split('\r\n').map((line) => line.split(':')[0]);
  expect(names).toEqual([
    'HTTP/1.1 404 Not Found',
    'Server',
    'Date',
    'Content-Type',
    'Content-Length',
    'Connection',
    'x-oss-request-id',
    'x-oss-server-time',
  ]);
  expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
});

test('the chunked answer of S3 is framed and closes the connection', async () => {
  const received = await exchange('aws-s3', 'SlowDown', ['GET /k', 'GET /k']);
  expect(received.match(/HTTP\/1\.1 503 Slow Down\r\n/g)).toHaveLength(1);
  const [, size = '', body = ''] = /\r\n\r\n([0-9a-f]+)\r\n(.*)\r\n0\r\n\r\n$/s.exec(received) ?? [];
  expect(Number.parseInt(size, 16)).toBe(Buffer.byteLength(body));
  expect(body).toMatch(/^<\?xml .*<\/Error>$/s);
});

test.each([
  ['aliyun-oss', 'NoSuchKey', 'HEAD /k', '404 Not Found'],
  ['huawei-obs', 'NoSuchKey', 'HEAD /k', '404 Not Found'],
  ['aws-s3', 'NotModified', 'GET /k', '304 Not Modified'],
  ['jd-jss', 'NoSuchKey', 'HEAD /k', '404 Not Found'],
])('%s %s to %s has a head alone', async (provider, code, request, status) => {
  const received = await exchange(provider, code, [request]);
  expect(received).toContain(`HTTP/1.1 ${status}\r\n`);
  expect(received).toMatch(/^[^<{]*\r\n\r\n$/);
  expect(received).not.toMatch(/content-length|transfer-encoding|content-type/i);
});

test('a connection stays open after an answer to HEAD', async () => {
  const received = await exchange('aliyun-oss', 'NoSuchKey', ['HEAD /k', 'HEAD /k', 'GET /k']);
  expect(received.match(/HTTP\/1\.1 404 Not Found\r\n/g)).toHaveLength(3);
});
