import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { factsOf } from '../request/facts.ts';
import { detectProvider } from '../request/provider.ts';
import { Memory, StoreError } from './memory.ts';
import { HANDLERS, type Reply } from './operations.ts';
import { writeXml } from './xml.ts';

const PREFIXES: ReadonlyMap<string | undefined, string> = new Map([
  ['aliyun-oss', 'x-oss-'],
  ['huawei-obs', 'x-obs-'],
  ['jd-jss', 'x-jss-'],
]);

/** A running store: where it listens (`http://127.0.0.1:PORT`), and how to end it. */
export interface RunningStore {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The upstream `memory:`: a stand-in for an object store, for demos and tests that have no backend at hand. It holds
 * at most `maxBytes` in memory, checks no signature, makes buckets as they are used and forgets everything on close.
 */
export async function startStore(options: { readonly maxBytes: number }): Promise<RunningStore> {
  const memory = new Memory(options.maxBytes);
  const server = createServer((request, response) => void serve(memory, request, response));
  // An upload through a throttle may take longer than Node's five minutes.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, close };
}

async function serve(memory: Memory, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url: target, headers } = request;
  const facts = factsOf({ method, target, headers, client: request.socket.remoteAddress }, {});
  const { bucket = '', key = '', operation } = facts;
  const prefix = PREFIXES.get(detectProvider(facts)) ?? 'x-amz-';
  response.setHeader('server', 'brownout memory store (stand-in)');
  response.setHeader(`${prefix}request-id`, randomBytes(12).toString('hex').toUpperCase());
  try {
    const handler = HANDLERS[operation];
    const sentence = `The memory store is a stand-in and has no ${operation}; use a real backend as upstream for it.`;
    if (handler === undefined) throw new StoreError(501, 'NotImplemented', sentence);
    await send(await handler({ request, facts, memory, bucket, key, prefix }), response);
  } catch (error) {
    // The client has left, or the answer is half sent: nothing can be said any more.
    if (response.headersSent || (request.destroyed && !request.complete)) return void response.destroy();
    const { status, code, message, headers } =
      error instanceof StoreError ? error : new StoreError(500, 'InternalError', String(error));
    const RequestId = String(response.getHeader(`${prefix}request-id`));
    const xml = {
      Error: { Code: code, Message: message, Resource: facts.path, RequestId, HostId: facts.host },
    };
    await send({ status, headers, xml }, response).catch(() => response.destroy());
  }
}

async function send(
  { status = 200, headers = {}, xml, chunks = [], length = 0 }: Reply,
  response: ServerResponse,
): Promise<void> {
  const document = xml && Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${writeXml(xml)}`);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (document) response.setHeader('content-type', 'application/xml');
  if (status !== 204) response.setHeader('content-length', document?.length ?? length);
  response.writeHead(status);
  if (response.req.method === 'HEAD') response.end();
  else await pipeline(Readable.from(document ? [document] : chunks), response);
}
