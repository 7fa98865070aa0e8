import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { XMLBuilder } from 'fast-xml-parser';
import { requestSigns } from '../catalog/request-signs.ts';
import { unwrapAwsChunked } from '../http/aws-chunked.ts';
import type { Addressing } from '../request/address.ts';
import { factsOf } from '../request/facts.ts';
import { failure, Memory } from './memory.ts';
import { HANDLERS, prefixOf, type StoreReply } from './operations.ts';

/** Starts the upstream `memory:`, a stand-in of at most `maxBytes`. It checks no signature and forgets everything on close. */
export async function startStore(options: { readonly maxBytes: number; readonly addressing?: Addressing }) {
  const { maxBytes, addressing = {} } = options;
  const memory = new Memory(maxBytes);
  // An upload through a throttle may take longer than Node's five minutes.
  const server = createServer({ requestTimeout: 0 }, serving(memory, addressing));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { url: `http://127.0.0.1:${typeof address === 'object' && address?.port}`, close };
}

const serving =
  (memory: Memory, addressing: Addressing) => async (request: IncomingMessage, response: ServerResponse) => {
    const { method, url: target, headers } = request;
    const facts = factsOf({ method, target, headers, client: undefined }, addressing, requestSigns());
    const RequestId = randomBytes(12).toString('hex').toUpperCase();
    const wrapped = facts.chunkedSigning || headers['content-encoding']?.includes('aws-chunked');
    const handler = HANDLERS[facts.operation];
    const missing = `The memory store is a stand-in without ${facts.operation}; take a real backend for it.`;
    const reply: StoreReply | undefined = await receive(memory, request)
      .then((body) => {
        if (handler === undefined) throw failure(501, 'NotImplemented', missing);
        const object = wrapped ? unwrapAwsChunked(body) : body;
        if (object === undefined) throw failure(400, 'IncompleteBody', 'Malformed aws-chunked body.');
        return handler(memory, facts, object);
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
  };

/** Reads a request body. Its bytes count while it arrives; a handler that stores it counts it anew. */
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
    // A body that does not fit is drained, or the client would not see the answer.
    if (!request.readableEnded) await finished(request.resume());
  }
}
