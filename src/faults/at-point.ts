import { Transform, type TransformCallback } from 'node:stream';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { type Spans, wholeChunk } from '../http/aws-chunked.ts';
import { isBodiless } from '../http/headers.ts';
import type { Answer, FaultContext, Next } from './fault.ts';

/** Changes a chunk of a body; `spans` says which bytes of it may be changed. */
export type Change = (chunk: Buffer, spans: ReturnType<Spans>) => Buffer;

/** Point of a body, and two callbacks for it. One of them is called, once. */
interface BodyPoint {
  /** Bytes of the object before it; `Infinity` is the end of the body. */
  readonly bytes: number;
  /** Size of the object in bytes, if it is known. A point after its end is missed at once. */
  readonly length: number | undefined;
  /** The point is the byte after it. At the end of a body there is no such byte, so the point is missed. */
  readonly isWithin?: boolean;
  /** Finds the object's bytes in a chunk; if left out, the body is the object. */
  readonly spans?: Spans;
  /**
   * Called when the body has reached the point. If it returns a promise, the rest waits for it. If it returns `'end'`, the
   * body ends here, and the rest is read and dropped. If it returns a {@link Change}, each chunk of the rest is changed.
   */
  onReach(): Promise<void> | 'end' | Change;
  /** Called when the point will not be reached; see {@link PointStage.miss}. */
  onMiss(): void;
}

/** Stage that acts at one point of a body. The point is either reached or missed. */
export abstract class PointStage extends Transform {
  /** State of the point; the first change counts. */
  protected fate: 'open' | 'reached' | 'missed' = 'open';
  readonly #onMiss: () => void;

  constructor(onMiss: () => void) {
    super();
    this.#onMiss = onMiss;
  }

  get isMissed(): boolean {
    return this.fate === 'missed';
  }

  /** Misses the point, unless it has been reached: from now on all bytes pass unchanged. */
  miss(): void {
    if (this.fate !== 'open') return;
    this.fate = 'missed';
    this.#onMiss();
  }
}

/** Makes a stage that passes a body on, and acts at a point of it. */
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

  /** Finds the point in a chunk. */
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

  /** Acts, and resolves with the bytes of the chunk that are still to be passed on. */
  async #actAt(at: number, chunk: Buffer, spans: ReturnType<Spans>): Promise<Buffer | undefined> {
    const rest = this.#reach();
    if (typeof rest === 'function') {
      this.#rest = rest;
      // The whole chunk is changed at once: a body in chunks keeps its chunks.
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

/** Returns the parts of spans that come after a place in the chunk. */
function behind(at: number, spans: ReturnType<Spans>): ReturnType<Spans> {
  return spans.flatMap(([from, to]) => (to > at ? [[Math.max(from, at), to] as const] : []));
}

/** Sends the upload through a stage. If the upstream answers before its point is reached, the point is missed. */
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

/** Sends the body of an answer through a stage. If there is no body, the point is missed at once. */
export function downloadThrough({ exchange }: FaultContext, answer: UpstreamAnswer, stage: PointStage): void {
  if (isBodiless(exchange.request.method, answer.status)) stage.miss();
  if (!stage.isMissed) exchange.download.push(stage);
}

/** Makes an `onReach` that ends the body and the client's connection. */
export function closingAs({ exchange }: FaultContext, how: 'rst' | 'fin'): () => 'end' {
  return () => {
    exchange.closeAs = how;
    return 'end';
  };
}
