import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { isBodiless } from '../http/headers.ts';
import type { FaultContext } from './fault.ts';

/**
 * A stage that ends a body after so many bytes, if `reached` says so; what follows is read and dropped. `Infinity` is the
 * end of the body. One that ends before has no such point, and is left alone.
 */
export function endAt(bytes: number, reached: () => boolean): Transform {
  let left = bytes;
  let state: 'before' | 'ended' | 'open' = 'before';
  return new Transform({
    transform(chunk: Buffer, _, done) {
      if (state === 'ended') {
        done();
        return;
      }
      if (state === 'open' || chunk.length < left) {
        left -= chunk.length;
        done(null, chunk);
        return;
      }
      state = reached() ? 'ended' : 'open';
      if (state === 'open') {
        done(null, chunk);
        return;
      }
      if (left > 0) this.push(chunk.subarray(0, left));
      this.push(null);
      done();
    },
    flush(done) {
      if (state === 'before' && (left === 0 || left === Number.POSITIVE_INFINITY)) reached();
      done();
    },
  });
}

/** Breaks the connection off when so many bytes of an answer have been sent, if it has them. */
export function cutDownload(
  { exchange, skip }: FaultContext,
  answer: IncomingMessage,
  { bytes, how }: { bytes: number; how: 'rst' | 'fin' },
): void {
  if (isBodiless(exchange.request.method, answer.statusCode)) {
    skip();
    return;
  }
  const stage = endAt(bytes, () => {
    exchange.closeAs = how;
    return true;
  });
  stage.once('end', () => {
    if (exchange.closeAs === undefined) skip();
  });
  exchange.download.push(stage);
}
