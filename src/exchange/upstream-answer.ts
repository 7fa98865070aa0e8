import type { Readable } from 'node:stream';

/** The upstream's answer, as a value of which nothing is ever changed; see {@link changedAnswer}. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Reason phrase; may be empty. */
  readonly reason: string;
  /** Names and values in turn, untouched in case, order and repeats. */
  readonly rawHeaders: readonly string[];
  /**
   * The body without its transfer coding, of which nothing has been read yet. It closes without an end where the upstream
   * breaks off, and emits no `error`.
   */
  readonly body: Readable;
  /** Names and values in turn; known when the body has ended. */
  trailers(): readonly string[];
  /** Whether all of it has come from the upstream, read or not. */
  isComplete(): boolean;
  /** Gives up what is left of it: unless all has come, the connection to the upstream is closed. */
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
