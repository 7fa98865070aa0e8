import { ID_TAIL, marksOf } from './marks.ts';

/** A fault by the name of its kind, with the code it answers with, if it has one. */
interface InjectedFault {
  readonly kind: string;
  readonly code?: string | undefined;
}

/** What {@link Injection} is made of. */
interface Firing {
  /** Name of the rule that fired, and what the metrics call it. */
  readonly rule: string;
  readonly label: string;
  /** Name of the provider whose codes it uses. */
  readonly provider: string;
  readonly faults: readonly InjectedFault[];
  /** The faults as the rule states them: settings by kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Draws from the dice for a fault that leaves something to them: [0, 1), the same for the same request in every run. */
  readonly roll: (what: string) => number;
  /** The rule's name as a header value; `undefined` under `--stealth`. */
  readonly mark: string | undefined;
}

/** The kinds of faults, as the journal and the metrics say them: `delay+error`. */
export function kindsOf(faults: readonly { readonly kind: string }[]): string {
  return faults.map(({ kind }) => kind).join('+');
}

const NONE: readonly string[] = [];

/** What the rule that fired injects into an exchange, less what turns out not to come about. */
export class Injection {
  readonly rule: string;
  readonly label: string;
  readonly provider: string;
  readonly roll: Firing['roll'];
  readonly #mark: string | undefined;
  #faults: readonly InjectedFault[];
  #settings: Readonly<Record<string, unknown>>;
  #held: readonly string[] = NONE;

  constructor(init: Firing) {
    this.rule = init.rule;
    this.label = init.label;
    this.provider = init.provider;
    this.roll = init.roll;
    this.#mark = init.mark;
    this.#faults = init.faults;
    this.#settings = init.settings;
  }

  /** The kinds of its faults, as the journal and the metrics say them: `delay+error`. */
  get fault(): string | undefined {
    return this.#faults.length === 0 ? undefined : kindsOf(this.#faults);
  }

  /** The code it answers with. */
  get code(): string | undefined {
    return this.#faults.find(({ code }) => code !== undefined)?.code;
  }

  /** The faults as a rule would state them to do the same again: settings by kind. */
  get settings(): Readonly<Record<string, unknown>> | undefined {
    const kinds = new Set(this.#faults.map(({ kind }) => kind));
    return kinds.size === 0
      ? undefined
      : Object.fromEntries(Object.entries(this.#settings).filter(([kind]) => kinds.has(kind)));
  }

  /** Puts what was really done this time in the place of settings that left something to the dice. */
  recordDraw(kind: string, settings: unknown): void {
    this.#settings = { ...this.#settings, [kind]: settings };
  }

  /** Notes that a fault of this kind keeps the client waiting: it has acted, whatever comes of the exchange. */
  markActive(kind: string): void {
    if (!this.wasActive(kind)) this.#held = [...this.#held, kind];
  }

  /** Whether a fault of this kind has kept the client waiting. */
  wasActive(kind: string): boolean {
    return this.#held.includes(kind);
  }

  /** Headers that mark the answer, names and values in turn. */
  marks(): string[] {
    const { fault } = this;
    return this.#mark === undefined || fault === undefined ? [] : marksOf(this.#mark, fault);
  }

  /** What the request id of its answer ends in, so that it can be told from a real one in a log. */
  get idTail(): string {
    return this.#mark === undefined ? '' : ID_TAIL;
  }

  /** Takes the fault of this kind back, or all of them: it does not come about. */
  skip(kind?: string): void {
    this.#faults = kind === undefined ? [] : this.#faults.filter((each) => each.kind !== kind);
  }
}
