import type { TransformCallback } from 'node:stream';
import { type Change, PointStage } from './at-point.ts';

/** Bytes at the beginning of a body that the dice do not choose: every program notices a wrong magic number there. */
const SPARED_BYTES = 1024;

/** Bytes at the beginning of a body without a length, among which the dice choose a place. */
const WINDOW = 64 * 1024;

/** Makes a change that flips all bits of the object's next bytes. */
export function flipNext(count: number): Change {
  let left = count;
  return (chunk, spans) => {
    if (left === 0) return chunk;
    // The chunk must not be changed: the journal looks for error codes in it.
    const copy = Buffer.from(chunk);
    for (const [from, to] of spans) {
      const end = Math.min(to, from + left);
      for (let i = from; i < end; i += 1) copy[i] = ~(copy[i] ?? 0);
      left -= end - from;
    }
    return copy;
  };
}

/** Settings of {@link flipSomewhere}. */
interface Somewhere {
  /** Number of bytes that are flipped. */
  readonly count: number;
  /** Chooses the place in the beginning of a body; `length` is the size of that beginning in bytes. */
  choose(length: number): number;
  onMiss(): void;
}

/** Makes a stage that flips bytes in the beginning of a body. It holds the beginning back until the place is chosen. */
export function flipSomewhere(somewhere: Somewhere): PointStage {
  return new FlipSomewhere(somewhere);
}

class FlipSomewhere extends PointStage {
  readonly #somewhere: Somewhere;
  #held: Buffer[] = [];
  #size = 0;

  constructor(somewhere: Somewhere) {
    super(somewhere.onMiss);
    this.#somewhere = somewhere;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#size += chunk.length;
    if (this.fate !== 'open' && this.#held.length === 0) {
      done(null, chunk);
      return;
    }
    this.#held.push(chunk);
    if (this.fate === 'open' && this.#size < WINDOW) done();
    else this.#release(done);
  }

  override _flush(done: TransformCallback): void {
    if (this.#size === 0) this.miss();
    this.#release(done);
  }

  #release(done: TransformCallback): void {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    if (this.fate !== 'open') {
      done(null, bytes);
      return;
    }
    this.fate = 'reached';
    const { count, choose } = this.#somewhere;
    const place = choose(bytes.length);
    done(null, flipNext(count)(bytes, [[place, bytes.length]]));
  }
}

/** Returns the place of the first of `count` flipped bytes in a body of this length; `draw` is in [0, 1). */
export function placeByDice(draw: number, length: number, count: number): number {
  const last = Math.max(0, length - count);
  const first = last < SPARED_BYTES ? 0 : SPARED_BYTES;
  return first + Math.floor(draw * (last - first + 1));
}
