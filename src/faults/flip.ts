import { Transform } from 'node:stream';

/** Bytes at the beginning of a body that the dice spare: magic numbers and the like, whose loss anyone would notice. */
const SPARED = 1024;

/** How much of a body without a length is looked at for a place, in bytes. */
const WINDOW = 64 * 1024;

/** Where in each chunk of a body the object's own bytes are: from, to. */
type Spans = (chunk: Buffer) => readonly (readonly [number, number])[];

/** Of a body that is the object and nothing else. */
export const wholeChunk: Spans = (chunk) => [[0, chunk.length]];

/**
 * Of an `aws-chunked` body: `size;chunk-signature=…`, that many bytes, and so on; then trailers (AWS S3, "Signature
 * calculations for the authorization header: transferring a payload in multiple chunks").
 */
export function spansOfAwsChunks(): Spans {
  let line = '';
  let left = 0;
  return (chunk) => {
    const spans: [number, number][] = [];
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const to = Math.min(at + left, chunk.length);
        spans.push([at, to]);
        left -= to - at;
        at = to;
        continue;
      }
      const end = chunk.indexOf('\n', at);
      const to = end < 0 ? chunk.length : end;
      // Sizes have 16 digits at most, and what is no size is none: the line break after data, a trailer.
      line = (line + chunk.toString('latin1', at, to)).slice(0, 20);
      at = to + 1;
      if (end < 0) break;
      left = Number.parseInt(/^[0-9a-f]{1,12}(?=;|\r|$)/i.exec(line)?.[0] ?? '0', 16);
      line = '';
    }
    return spans;
  };
}

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

/** The same at a place by the dice in a body without a length, within what arrives first; that is held back until then. */
export function flipSomewhere(roll: () => number, { count, mayFlip }: Flipping): Transform {
  let held: Buffer[] | undefined = [];
  let size = 0;
  const release = () => {
    const bytes = Buffer.concat(held ?? []);
    held = undefined;
    const place = placeByDice(roll(), bytes.length, count);
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
