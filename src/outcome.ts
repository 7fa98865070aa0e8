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

/** Lets any other failure pass where the client is given an answer that does not depend on it. */
export function unlessClientGone(reason: unknown): undefined {
  if (reason instanceof ClientGone) throw reason;
  return undefined;
}

/** A fault by the name of its kind, with the code it answers with, if it has one. */
interface Injected {
  readonly kind: string;
  readonly code: string | undefined;
}

/** What the rule that fired injects into an exchange, less what turns out not to come about. */
export class Injection {
  /** Name of the rule. */
  readonly rule: string;
  /** Draws from the dice for a fault that leaves something to them: [0, 1), the same for the same request in every run. */
  readonly roll: (what: string) => number;
  /** The rule's name as a header value; `undefined` under `--stealth`. */
  readonly #mark: string | undefined;
  #faults: readonly Injected[];

  constructor(init: {
    rule: string;
    faults: readonly Injected[];
    roll: (what: string) => number;
    mark: string | undefined;
  }) {
    this.rule = init.rule;
    this.roll = init.roll;
    this.#mark = init.mark;
    this.#faults = init.faults;
  }

  /** The kinds of its faults, as the journal and the metrics say them: `delay+error`. */
  get fault(): string | undefined {
    return this.#faults.length === 0 ? undefined : this.#faults.map(({ kind }) => kind).join('+');
  }

  /** The code it answers with. */
  get code(): string | undefined {
    return this.#faults.find(({ code }) => code !== undefined)?.code;
  }

  /** Headers that mark the answer, names and values in turn. */
  marks(): string[] {
    const { fault } = this;
    return this.#mark === undefined || fault === undefined
      ? []
      : ['x-brownout-rule', this.#mark, 'x-brownout-fault', fault];
  }

  /** Takes a fault back, or without a kind all of them; whether there is none left. */
  passOver(kind?: string): boolean {
    this.#faults = kind === undefined ? [] : this.#faults.filter((each) => each.kind !== kind);
    return this.#faults.length === 0;
  }
}
