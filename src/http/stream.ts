import type { OutgoingMessage } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest wait of Node's timers, in ms: 24.8 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A body and the trailers behind it. */
export interface BodySource {
  readonly body: Readable;
  /** Returns names and values in turn; called when the body has ended. */
  trailers(): readonly string[];
}

/**
 * Copies a body with its trailers and with back-pressure, and counts the bytes that leave its stages. It does not use
 * `stream.pipeline`, which halves the request rate; so the caller must destroy one side when the other breaks. `end` ends
 * the receiver.
 */
export function pump(
  from: BodySource,
  to: OutgoingMessage,
  count: ((bytes: number) => void) | undefined,
  stages: readonly Transform[] = [],
  end: () => unknown = () => to.end(),
): void {
  const source = stages.length === 0 ? from.body : throughStages(from.body, () => to.destroy(), stages);
  const resume = () => source.resume();
  source.on('data', (chunk: Buffer) => {
    count?.(chunk.length);
    // The body is read on if the receiver is broken: the sender may wait until all of it is read.
    if (to.destroyed || to.write(chunk)) return;
    source.pause();
    to.once('drain', resume);
  });
  source.once('end', () => {
    const trailers = from.trailers();
    if (trailers.length > 0) to.addTrailers(headerPairs(trailers));
    end();
  });
}

/** Makes a stream of bytes. */
export function bodyOf(bytes: Buffer): Readable {
  return Readable.from(bytes.length > 0 ? [bytes] : []);
}

/**
 * Reads that many bytes of a body through its stages (all of it if it has fewer) and drops them. The rest of the body is
 * read and dropped later. Rejects if the body breaks off before.
 */
export function readAndDiscard(from: Readable, bytes: number, stages: readonly Transform[]): Promise<void> {
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
      // A stage may still hold the rest of a body that was read to its end.
      if (!from.readableEnded) reject(new Error('the body broke off'));
    });
    if (left <= 0) stop();
  });
}

/**
 * Pipes a body through stages and returns the last one. If a stage fails, as a waiting stage does when the exchange ends,
 * `abandon` is called and the rest of the body is read and dropped. `stream.pipeline` would destroy the sender, which is
 * the client's connection.
 */
function throughStages(from: Readable, onBreak: () => void, stages: readonly Transform[]): Readable {
  const breakOff = () => {
    onBreak();
    from.unpipe();
    from.resume();
  };
  return stages.reduce<Readable>((source, stage) => source.pipe(stage.once('error', breakOff)), from);
}

function headerPairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return result;
}

/** Waits that many ms; without end if that is more than timers can wait. Rejects as soon as the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= LONGEST_TIMER) return sleep(ms, undefined, { signal });
  signal.throwIfAborted();
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
