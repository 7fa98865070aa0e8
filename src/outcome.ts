/** How an exchange ended, as the journal and the metrics say it. */
export type Outcome = 'forwarded' | 'injected' | 'upstream-failed' | 'client-left';

/** How an upstream failed: it gave no answer, took too long, or broke off in the middle of its answer. */
export type Failure = 'no-answer' | 'time-out' | 'cut-short';

/** Thrown by every wait of an exchange whose client has left; there is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client left');
  }
}

/** An answer made here instead of by the upstream; every document is one. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, in wire order. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}
