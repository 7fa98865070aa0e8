/** Ends of an exchange, as journal and metrics write them. */
export const OUTCOMES = ['forwarded', 'injected', 'refused', 'upstream-failed', 'client-left'] as const;

/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** Failure of an upstream: it gave no answer, took too long, or broke off in the middle of its answer. */
export type Failure = 'no-answer' | 'time-out' | 'cut-short';

/** Facts of an exchange that its outcome follows from. */
export interface OutcomeFacts {
  /** Reason why the request cannot have the fault that its header asks for. */
  readonly refusal: string | undefined;
  /** Failure of the upstream, if it failed. An answer that was cut short is cut short for the client, too. */
  readonly failure: Failure | undefined;
  /** The client was told that there is no answer, or its connection was cut because of that. False if a fault answered. */
  readonly clientSawFailure: boolean;
  /** Faults of the rule that fired, without those that had no effect; its `fault` is `undefined` if none had. */
  readonly injection: { readonly fault: string | undefined } | undefined;
  /** `writableFinished`: the client was sent all of an answer. */
  readonly response: { readonly writableFinished: boolean };
  /** A fault cut the client off, or keeps it waiting until it leaves. */
  readonly endsByFault: boolean;
}

/** Derives the outcome of an exchange. Call it when its response has closed: before that, the facts may change. */
export function outcomeOf(exchange: OutcomeFacts): Outcome {
  const { refusal, failure, clientSawFailure, injection, response, endsByFault } = exchange;
  if (failure === 'cut-short' || clientSawFailure) return 'upstream-failed';
  if (!response.writableFinished && !endsByFault) return 'client-left';
  if (refusal !== undefined) return 'refused';
  return injection?.fault === undefined ? 'forwarded' : 'injected';
}

/** Error that a wait throws when the client has left. */
export class ClientGone extends Error {
  constructor() {
    super('the client left');
  }
}

/** Ignores a failure that the answer does not depend on. Throws it again if the client has left. */
export function unlessClientGone(reason: unknown): undefined {
  if (reason instanceof ClientGone) throw reason;
  return undefined;
}
