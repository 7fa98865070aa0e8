import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Facts } from '../request/facts.ts';
import { type Body, type Memory, OVERHEAD, StoreError } from './memory.ts';

/** Longest `{size};chunk-signature=…` line that is waited for, in bytes. */
const LONGEST_LINE = 4096;

/** Objects up to this size are kept in one piece: their share of a socket's read buffer would cost more than the copy. */
const ONE_PIECE = 1 << 20;

/** Bytes charged for each piece: a client may send a big body in aws-chunks of one byte. */
const PIECE_OVERHEAD = 128;

/** Takes in a request body under the cap, unwrapped of aws-chunked. After a failure the rest is drained, or the client would not see the answer. */
export async function receive(request: IncomingMessage, facts: Facts, memory: Memory): Promise<Body> {
  const wrapped = facts.chunkedSigning || request.headers['content-encoding']?.includes('aws-chunked');
  const unwrap = wrapped ? awsChunks() : (bytes: Buffer) => [bytes];
  const md5 = createHash('md5');
  const chunks: Buffer[] = [];
  let [cost, size] = [0, 0];
  let failure: unknown;
  const take = (bytes: number) => {
    memory.reserve(bytes);
    cost += bytes;
  };
  try {
    take(OVERHEAD);
    for await (const bytes of request) {
      try {
        for (const piece of failure === undefined ? unwrap(bytes) : []) {
          take(piece.length + PIECE_OVERHEAD);
          size += piece.length;
          md5.update(piece);
          chunks.push(piece);
        }
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    const digest = md5.digest();
    const promised = request.headers['content-md5'];
    if (promised !== undefined && promised !== digest.toString('base64')) {
      throw new StoreError(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    if (wrapped && size !== Number(request.headers['x-amz-decoded-content-length'] ?? size)) {
      throw new StoreError(400, 'IncompleteBody', 'The aws-chunked body is not as long as it promises.');
    }
    return {
      chunks: size > ONE_PIECE ? chunks : [Buffer.concat(chunks)],
      size,
      cost,
      etag: `"${digest.toString('hex')}"`,
      modified: new Date(),
    };
  } catch (error) {
    memory.release(cost);
    throw error;
  }
}

/** Unwraps `STREAMING-…` bodies (S3 API reference, "Signature calculations for the Authorization header: chunked upload"); signatures and trailers are passed over. */
function awsChunks(): (bytes: Buffer) => Buffer[] {
  let pending: Buffer = Buffer.alloc(0);
  let left = 0;
  let ended = false;
  return (bytes) => {
    const pieces: Buffer[] = [];
    let rest = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    pending = Buffer.alloc(0);
    while (rest.length > 0 && !ended) {
      const line = left > 0 ? -1 : rest.indexOf('\r\n');
      if (left > 0) {
        const piece = rest.subarray(0, left);
        pieces.push(piece);
        left -= piece.length;
        rest = rest.subarray(piece.length);
      } else if (line < 0 && rest.length <= LONGEST_LINE) {
        pending = rest;
        break;
      } else {
        const head = rest.toString('latin1', 0, Math.max(line, 0));
        rest = rest.subarray(line + 2);
        // An empty line is the end of the data before it.
        if (line === 0) continue;
        if (!/^[0-9a-f]{1,12}(?:;|$)/i.test(head)) {
          throw new StoreError(400, 'InvalidRequest', 'The aws-chunked body is malformed.');
        }
        left = Number.parseInt(head, 16);
        ended = left === 0;
      }
    }
    return pieces;
  };
}

/** A part of stored bytes, from `start` to before `end`, without copying. */
export function slice(body: Body, start: number, end: number): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const chunk of body.chunks) {
    if (at < end && at + chunk.length > start) pieces.push(chunk.subarray(Math.max(start - at, 0), end - at));
    at += chunk.length;
  }
  return pieces;
}

/** A single `bytes=` range as [start, end) of that many bytes; `undefined` where it is to be ignored (RFC 9110 section 14.2). */
export function parseRange(
  header: string | undefined,
  size: number,
): [start: number, end: number] | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if ((from === '' && to === '') || (from !== '' && to !== '' && Number(to) < Number(from))) return undefined;
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size : Math.min(Number(to) + 1, size);
  if (start >= end) {
    throw new StoreError(416, 'InvalidRange', 'The requested range is not satisfiable', {
      'content-range': `bytes */${size}`,
    });
  }
  return [start, end];
}
