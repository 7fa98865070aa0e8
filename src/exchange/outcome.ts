/** How an exchange ended, as the journal and the metrics say it. */
export const OUTCOMES = ['forwarded', 'injected', 'refused', 'upstream-failed', 'client-left'] as const;

/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** How an upstream failed: it gave no answer, took too long, or broke off in the middle of its answer. */
export type Failure = 'no-answer' | 'time-out' | 'cut-short';

/** Thrown by every wait of an exchange whose client has left; there is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client left');
  }
}

/** Lets any other failure pass where the client is given an answer that does not depend on it. */
export function unlessClientGone(reason: unknown): undefined {
  if (reason instanceof ClientGone) throw reason;
  return undefined;
}
