import type { Readable } from 'node:stream';

/** Answer of the upstream, as a value that is never changed; see {@link changedAnswer}. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Reason phrase; may be empty. */
  readonly reason: string;
  /** Names and values in turn, with case, order and repeats as they came. */
  readonly rawHeaders: readonly string[];
  /**
   * Body without its transfer coding, not read yet. If the upstream breaks off, the body emits `close` without `end`. It
   * never emits `error`.
   */
  readonly body: Readable;
  /** Returns names and values in turn; complete when the body has ended. */
  trailers(): readonly string[];
  /** Tells whether the whole answer has come from the upstream. It need not have been read. */
  isComplete(): boolean;
  /** Discards the rest of the answer. If it has not come as a whole, the connection to the upstream is closed. */
  discard(): void;
}

/** Copies an answer with some fields changed. */
export function changedAnswer(
  answer: UpstreamAnswer,
  changes: Partial<Pick<UpstreamAnswer, 'rawHeaders' | 'body' | 'trailers'>>,
): UpstreamAnswer {
  const { status, reason, rawHeaders, body } = answer;
  return {
    status,
    reason,
    rawHeaders,
    body,
    trailers: () => answer.trailers(),
    isComplete: () => answer.isComplete(),
    discard: () => answer.discard(),
    ...changes,
  };
}
