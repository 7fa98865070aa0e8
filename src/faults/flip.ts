import type { TransformCallback } from 'node:stream';
import { type Change, PointStage } from './at-point.ts';

/** Bytes at the beginning of a body that the dice spare: magic numbers and the like, whose loss anyone would notice. */
const SPARED = 1024;

/** How much of a body without a length is looked at for a place, in bytes. */
const WINDOW = 64 * 1024;

/** Flips all bits of the next bytes of the object, so many. */
export function flipNext(count: number): Change {
  let left = count;
  return (chunk, spans) => {
    if (left === 0) return chunk;
    // A copy, as others read the chunk, too: the journal reads error codes in it.
    const copy = Buffer.from(chunk);
    for (const [from, to] of spans) {
      const end = Math.min(to, from + left);
      for (let i = from; i < end; i += 1) copy[i] = ~(copy[i] ?? 0);
      left -= end - from;
    }
    return copy;
  };
}

/** A place in the beginning of a body, and how many bytes are flipped there. */
interface Somewhere {
  readonly count: number;
  /** Chooses it in a beginning of so many bytes. */
  choose(length: number): number;
  onMiss(): void;
}

/** Makes a stage that flips bytes at a place chosen within what arrives first of a body; that is held back until then. */
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

/** Where so many bytes are flipped in a body of this length, by a draw in [0, 1). */
export function placeByDice(draw: number, length: number, count: number): number {
  const last = Math.max(0, length - count);
  const first = last < SPARED ? 0 : SPARED;
  return first + Math.floor(draw * (last - first + 1));
}
