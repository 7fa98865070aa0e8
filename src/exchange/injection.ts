import { ID_TAIL, marksOf } from './marks.ts';

/** Fault by the name of its kind, with the code that it answers with, if it has one. */
interface InjectedFault {
  readonly kind: string;
  readonly code?: string | undefined;
}

/** Parts of an {@link Injection}. */
interface Firing {
  /** Name of the rule that fired, and its name in the metrics. */
  readonly rule: string;
  readonly label: string;
  /** Name of the provider whose codes it uses. */
  readonly provider: string;
  readonly faults: readonly InjectedFault[];
  /** The faults as the rule states them: settings by kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Draws from the dice: [0, 1), the same for the same request in every run. */
  readonly roll: (what: string) => number;
  /** The rule's name as a header value; `undefined` under `--stealth`. */
  readonly mark: string | undefined;
}

/** Joins the kinds of faults as journal and metrics write them: `delay+error`. */
export function kindsOf(faults: readonly { readonly kind: string }[]): string {
  return faults.map(({ kind }) => kind).join('+');
}

const NONE: readonly string[] = [];

/** Faults that a rule injects into an exchange, without those that turn out to have no effect. */
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

  /** Kinds of its faults as journal and metrics write them: `delay+error`. */
  get fault(): string | undefined {
    return this.#faults.length === 0 ? undefined : kindsOf(this.#faults);
  }

  /** Code that it answers with. */
  get code(): string | undefined {
    return this.#faults.find(({ code }) => code !== undefined)?.code;
  }

  /** Settings by kind, of a rule that would do the same again. */
  get settings(): Readonly<Record<string, unknown>> | undefined {
    const kinds = new Set(this.#faults.map(({ kind }) => kind));
    return kinds.size === 0
      ? undefined
      : Object.fromEntries(Object.entries(this.#settings).filter(([kind]) => kinds.has(kind)));
  }

  /** Records the settings that were used. They replace the settings that left something to the dice. */
  recordDraw(kind: string, settings: unknown): void {
    this.#settings = { ...this.#settings, [kind]: settings };
  }

  /** Notes that a fault of this kind has acted, because it keeps the client waiting. */
  markActive(kind: string): void {
    if (!this.wasActive(kind)) this.#held = [...this.#held, kind];
  }

  /** Tells whether a fault of this kind has kept the client waiting. */
  wasActive(kind: string): boolean {
    return this.#held.includes(kind);
  }

  /** Returns the headers that mark the answer, names and values in turn. */
  marks(): string[] {
    const { fault } = this;
    return this.#mark === undefined || fault === undefined ? [] : marksOf(this.#mark, fault);
  }

  /** End of the request id of its answer, which tells it from a real one in a log. */
  get idTail(): string {
    return this.#mark === undefined ? '' : ID_TAIL;
  }

  /** Removes the fault of this kind, because it has no effect. Without a kind, removes all faults. */
  skip(kind?: string): void {
    this.#faults = kind === undefined ? [] : this.#faults.filter((each) => each.kind !== kind);
  }
}
