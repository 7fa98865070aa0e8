/** How an exchange ended, as the journal and the metrics say it. */
export const OUTCOMES = ['forwarded', 'injected', 'refused', 'upstream-failed', 'client-left'] as const;

/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** How an upstream failed: it gave no answer, took too long, or broke off in the middle of its answer. */
export type Failure = 'no-answer' | 'time-out' | 'cut-short';

/** The facts of an exchange that its outcome follows from. */
export interface OutcomeFacts {
  /** Why the request cannot have the fault that its header asks for. */
  readonly refusal: string | undefined;
  /** The upstream failed, and the client was told so, or cut off because of it. */
  readonly isFailureTold: boolean;
  /** The faults of the rule that fired, less those that did not come about; `undefined` in it: none of them did. */
  readonly injection: { readonly fault: string | undefined } | undefined;
  /** The client was sent all of an answer. */
  readonly isAnswered: boolean;
  /** A fault cut the client off, or keeps it waiting until it leaves. */
  readonly endsByFault: boolean;
}

/** Derives how an exchange has ended. Ask when its response has closed: before that the facts may change. */
export function outcomeOf(exchange: OutcomeFacts): Outcome {
  const { refusal, isFailureTold, injection, isAnswered, endsByFault } = exchange;
  if (isFailureTold) return 'upstream-failed';
  if (!isAnswered && !endsByFault) return 'client-left';
  if (refusal !== undefined) return 'refused';
  return injection?.fault === undefined ? 'forwarded' : 'injected';
}

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
