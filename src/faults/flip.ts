import { Transform } from 'node:stream';
import type { Spans } from '../http/aws-chunked.ts';

/** Bytes at the beginning of a body that the dice spare: magic numbers and the like, whose loss anyone would notice. */
const SPARED = 1024;

/** How much of a body without a length is looked at for a place, in bytes. */
const WINDOW = 64 * 1024;

/** What a stage that flips bytes goes by. */
export interface Flipping {
  /** How many bytes are flipped, one after the other. */
  readonly count: number;
  readonly spans: Spans;
  /** Asked when it comes to it, whether they are to be flipped. */
  readonly mayFlip: () => boolean;
}

/** A stage that flips all bits of some bytes, so many of the object's bytes from its beginning. */
export function flipAt(place: number, { count, spans, mayFlip }: Flipping): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      let copy: Buffer | undefined;
      for (const [from, to] of spans(chunk)) {
        const start = Math.max(from, from + place - seen);
        const end = Math.min(to, from + place + count - seen);
        // A copy, as others read the chunk, too: the journal reads error codes in it.
        if (start < end && mayFlip()) copy = flipped(copy ?? Buffer.from(chunk), start, end);
        seen += to - from;
      }
      done(null, copy ?? chunk);
    },
  });
}

function flipped(bytes: Buffer, start: number, end: number): Buffer {
  for (let i = start; i < end; i += 1) bytes[i] = ~(bytes[i] ?? 0);
  return bytes;
}

/** The same in a body without a length, at a place chosen within what arrives first; that is held back until then. */
export function flipSomewhere(choose: (length: number) => number, { count, mayFlip }: Flipping): Transform {
  let held: Buffer[] | undefined = [];
  let size = 0;
  const release = () => {
    const bytes = Buffer.concat(held ?? []);
    held = undefined;
    const place = choose(bytes.length);
    return mayFlip() ? flipped(bytes, place, Math.min(place + count, bytes.length)) : bytes;
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.length;
      if (held === undefined) done(null, chunk);
      else if (held.push(chunk) > 0 && size < WINDOW) done();
      else done(null, release());
    },
    flush(done) {
      if (held === undefined || size === 0) done();
      else done(null, release());
    },
  });
}

/** Where so many bytes are flipped in a body of this length, by a draw in [0, 1). */
export function placeByDice(draw: number, length: number, count: number): number {
  const last = Math.max(0, length - count);
  const first = last < SPARED ? 0 : SPARED;
  return first + Math.floor(draw * (last - first + 1));
}
