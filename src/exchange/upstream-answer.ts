import type { Readable } from 'node:stream';

/** Answer of the upstream, as a value that is never changed; see {@link changedAnswer}. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Reason phrase; may be empty. */
  readonly reason: string;
  /** Names and values in turn, untouched in case, order and repeats. */
  readonly rawHeaders: readonly string[];
  /**
   * The body without its transfer coding, still to be read. If the upstream breaks off, it emits `close` without `end`. It
   * emits no `error`.
   */
  readonly body: Readable;
  /** Returns names and values in turn; complete when the body has ended. */
  trailers(): readonly string[];
  /** Tells whether all of it has come from the upstream, read or not. */
  isComplete(): boolean;
  /** Gives up the rest of it. Unless all has come, the connection to the upstream is closed. */
  discard(): void;
}

/** Copies an answer with some of it changed. */
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
