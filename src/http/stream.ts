import type { IncomingMessage, OutgoingMessage } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** The longest that Node's timers can wait, in ms: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/**
 * Copies a body, its trailers too, with back-pressure, and counts the bytes that come out of its stages. By hand because
 * `stream.pipeline` halves the request rate; the callers own the guards it would bring: what to destroy when one side
 * breaks. `end` ends the receiver.
 */
export function pump(
  from: Readable & Pick<IncomingMessage, 'rawTrailers'>,
  to: OutgoingMessage,
  count: ((bytes: number) => void) | undefined,
  stages: readonly Transform[] = [],
  end: () => unknown = () => to.end(),
): void {
  const source = stages.length === 0 ? from : throughStages(from, () => to.destroy(), stages);
  const resume = () => source.resume();
  source.on('data', (chunk: Buffer) => {
    count?.(chunk.length);
    // What a broken receiver does not take is read all the same: the sender may be waiting to be read out.
    if (to.destroyed || to.write(chunk)) return;
    source.pause();
    to.once('drain', resume);
  });
  source.once('end', () => {
    if (from.rawTrailers.length > 0) to.addTrailers(pairs(from.rawTrailers));
    end();
  });
}

/** A body that is at hand, for {@link pump}. */
export function bodyOf(bytes: Buffer): Readable & Pick<IncomingMessage, 'rawTrailers'> {
  return Object.assign(Readable.from(bytes.length > 0 ? [bytes] : []), { rawTrailers: [] });
}

/**
 * Reads so many bytes of a body through its stages, all of it if it has less, and keeps none. What follows is read and
 * thrown away; rejects when the body breaks off before.
 */
export function swallow(from: Readable, bytes: number, stages: readonly Transform[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const source = stages.length === 0 ? from : throughStages(from, reject, stages);
    let left = bytes;
    const stop = () => {
      from.unpipe();
      from.resume();
      resolve();
    };
    source.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left <= 0) stop();
    });
    source.once('end', stop);
    from.once('close', () => {
      // A stage may still have the rest of a body that has been read to its end.
      if (!from.readableEnded) reject(new Error('the body broke off'));
    });
    if (left <= 0) stop();
  });
}

/**
 * The far end of a row of stages. One that breaks, as its wait does when the exchange is over, breaks the receiver off;
 * what is left of the body is read all the same. `stream.pipeline` would destroy the sender: a client's connection.
 */
function throughStages(from: Readable, abandon: () => void, stages: readonly Transform[]): Readable {
  const breakOff = () => {
    abandon();
    from.unpipe();
    from.resume();
  };
  return stages.reduce<Readable>((source, stage) => source.pipe(stage.once('error', breakOff)), from);
}

function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return result;
}

/** Waits so many ms, or if that is more than timers can until the signal; rejects as soon as the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= LONGEST) return sleep(ms, undefined, { signal });
  signal.throwIfAborted();
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
