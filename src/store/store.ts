import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { XMLBuilder } from 'fast-xml-parser';
import type { Addressing } from '../request/address.ts';
import { factsOf } from '../request/facts.ts';
import { failure, Memory } from './memory.ts';
import { HANDLERS, prefixOf, type Reply } from './operations.ts';

/** The upstream `memory:`, a stand-in of at most `maxBytes`: checks no signature, forgets all on close. */
export async function startStore(options: { readonly maxBytes: number; readonly addressing?: Addressing }) {
  const { maxBytes, addressing = {} } = options;
  const memory = new Memory(maxBytes);
  // An upload through a throttle may take longer than Node's five minutes.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void serve(memory, addressing, request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { url: `http://127.0.0.1:${typeof address === 'object' && address?.port}`, close };
}

async function serve(
  memory: Memory,
  addressing: Addressing,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url: target, headers } = request;
  const facts = factsOf({ method, target, headers, client: undefined }, addressing);
  const RequestId = randomBytes(12).toString('hex').toUpperCase();
  const wrapped = facts.chunkedSigning || headers['content-encoding']?.includes('aws-chunked');
  const handler = HANDLERS[facts.operation];
  const lack = `The memory store is a stand-in without ${facts.operation}; take a real backend for it.`;
  const reply: Reply | undefined = await receive(memory, request)
    .then((body) => {
      if (handler === undefined) throw failure(501, 'NotImplemented', lack);
      return handler(memory, facts, wrapped ? unwrap(body) : body);
    })
    .catch(({ status = 500, code = 'InternalError', message }: Partial<ReturnType<typeof failure>>) => {
      return { status, xml: { Error: { Code: code, Message: message, RequestId } } };
    });
  const { status = method === 'DELETE' ? 204 : 200, xml, bytes = Buffer.alloc(0) } = reply ?? {};
  const body = xml ? Buffer.from(`<?xml version="1.0"?>\n${new XMLBuilder().build(xml)}`) : bytes;
  response.setHeader('server', 'brownout memory store (stand-in)');
  response.setHeader(`${prefixOf(facts)}request-id`, RequestId);
  if (xml) response.setHeader('content-type', 'application/xml');
  if (status !== 204) response.setHeader('content-length', body.length);
  response.writeHead(status, reply?.headers).end(body);
}

/** Takes in a request body, counted while it arrives; what is then stored of it counts by itself. */
async function receive(memory: Memory, request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      memory.take(piece.length);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } finally {
    for (const piece of pieces) memory.take(-piece.length);
    // What does not fit is drained, or the client would not see the answer.
    if (!request.readableEnded) await finished(request.resume());
  }
}

/** Unwraps aws-chunked in place (S3 API reference, "chunked upload"); passes over signatures and trailers. */
function unwrap(bytes: Buffer): Buffer {
  let [at, length] = [0, 0];
  for (;;) {
    const start = bytes.indexOf('\r\n', at) + 2;
    const [hex = ''] = /^[\da-f]{1,8}(?=;|\r)/i.exec(bytes.toString('latin1', at, start)) ?? [];
    const size = Number.parseInt(hex, 16);
    if (!(start + size <= bytes.length)) throw failure(400, 'IncompleteBody', 'Malformed aws-chunked body.');
    if (size === 0) return Buffer.from(bytes.subarray(0, length));
    bytes.copyWithin(length, start, start + size);
    [at, length] = [start + size + 2, length + size];
  }
}
