import { Transform, type TransformCallback } from 'node:stream';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { type Spans, wholeChunk } from '../http/aws-chunked.ts';
import { isBodiless } from '../http/headers.ts';
import type { Answer, FaultContext, Next } from './fault.ts';

/** Changes a chunk of a body; `spans` says which bytes of it may be changed. */
export type Change = (chunk: Buffer, spans: ReturnType<Spans>) => Buffer;

/** A point of a body, and what happens there. One of the two calls is made, once. */
interface BodyPoint {
  /** Bytes of the object before it; `Infinity` is the end of the body. */
  readonly bytes: number;
  /** How many bytes the object has, where that is known: a point behind them is missed at once. */
  readonly length: number | undefined;
  /** The byte behind the point is what is meant, so a point at the end of a body is missed. */
  readonly isWithin?: boolean;
  /** Left out: the body is the object. */
  readonly spans?: Spans;
  /**
   * Called when the body has come to the point. With a promise the rest waits for it; with `'end'` the body ends here, and
   * the rest is read and dropped; with a {@link Change} the rest goes through it, in chunks as they came.
   */
  onReach(): Promise<void> | 'end' | Change;
  /** Called when the point will not be reached; see {@link PointStage.miss}. */
  onMiss(): void;
}

/** A stage that acts at one point of a body, which is either reached or missed. */
export abstract class PointStage extends Transform {
  /** What has become of the point so far. */
  protected fate: 'open' | 'reached' | 'missed' = 'open';
  readonly #onMiss: () => void;

  constructor(onMiss: () => void) {
    super();
    this.#onMiss = onMiss;
  }

  get isMissed(): boolean {
    return this.fate === 'missed';
  }

  /** Says that the point will not be reached any more, unless it has been: from now on all passes unchanged. */
  miss(): void {
    if (this.fate !== 'open') return;
    this.fate = 'missed';
    this.#onMiss();
  }
}

/** Makes a stage that lets a body pass, and acts at a point of it. */
export function atPoint(point: BodyPoint): PointStage {
  return new AtPoint(point);
}

class AtPoint extends PointStage {
  readonly #point: BodyPoint;
  /** Bytes of the object that are still before the point. */
  #left: number;
  #rest: 'unchanged' | 'end' | Change = 'unchanged';

  constructor(point: BodyPoint) {
    super(point.onMiss);
    this.#point = point;
    this.#left = point.bytes;
    if (isBeyond(point)) this.miss();
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const { spans: spansOf = wholeChunk } = this.#point;
    const spans = spansOf(chunk);
    const at = this.fate === 'open' ? this.#find(spans) : undefined;
    if (at === undefined) done(null, this.#passed(chunk, spans));
    else this.#actAt(at, chunk, spans).then((rest) => done(null, rest), done);
  }

  override _flush(done: TransformCallback): void {
    const isHere = this.#left === Number.POSITIVE_INFINITY || (this.#left === 0 && !this.#point.isWithin);
    if (this.fate !== 'open' || !isHere) {
      this.miss();
      done();
      return;
    }
    Promise.resolve(this.#reach()).then(() => done(), done);
  }

  /** Where in a chunk the point is, if it is there. */
  #find(spans: ReturnType<Spans>): number | undefined {
    for (const [from, to] of spans) {
      const size = to - from;
      if (size > this.#left || (size === this.#left && !this.#point.isWithin)) return from + this.#left;
      this.#left -= size;
    }
    return undefined;
  }

  #reach(): ReturnType<BodyPoint['onReach']> {
    this.fate = 'reached';
    return this.#point.onReach();
  }

  /** Acts, and resolves with what of the chunk is still to be passed on. */
  async #actAt(at: number, chunk: Buffer, spans: ReturnType<Spans>): Promise<Buffer | undefined> {
    const rest = this.#reach();
    if (typeof rest === 'function') {
      this.#rest = rest;
      // The whole of it: a body in chunks keeps those it came in.
      return rest(chunk, behind(at, spans));
    }
    if (at > 0) this.push(chunk.subarray(0, at));
    if (rest === 'end') {
      this.#rest = rest;
      this.push(null);
      return undefined;
    }
    await rest;
    return chunk.subarray(at);
  }

  #passed(chunk: Buffer, spans: ReturnType<Spans>): Buffer | undefined {
    if (this.#rest === 'end') return undefined;
    return this.#rest === 'unchanged' ? chunk : this.#rest(chunk, spans);
  }
}

function isBeyond({ bytes, length, isWithin }: BodyPoint): boolean {
  if (length === undefined) return false;
  return isWithin ? bytes >= length : bytes > length && bytes !== Number.POSITIVE_INFINITY;
}

/** What of these spans is behind a place in the chunk. */
function behind(at: number, spans: ReturnType<Spans>): ReturnType<Spans> {
  return spans.flatMap(([from, to]) => (to > at ? [[Math.max(from, at), to] as const] : []));
}

/** Has the upload pass through a stage. Its point is missed when the upstream has answered before. */
export async function uploadThrough(
  { exchange }: FaultContext,
  next: Next,
  stage: PointStage,
): Promise<Answer> {
  exchange.upload.push(stage);
  const answer = await next();
  stage.miss();
  return answer;
}

/** Has the body of an answer pass through a stage. Its point is missed at once where there is no body. */
export function downloadThrough({ exchange }: FaultContext, answer: UpstreamAnswer, stage: PointStage): void {
  if (isBodiless(exchange.request.method, answer.status)) stage.miss();
  if (!stage.isMissed) exchange.download.push(stage);
}

/** Has the connection end where the body does, for {@link atPoint}. */
export function closingAs({ exchange }: FaultContext, how: 'rst' | 'fin'): () => 'end' {
  return () => {
    exchange.closeAs = how;
    return 'end';
  };
}
