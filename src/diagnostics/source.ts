/** Bytes. Rule files are written by hand: a larger one is something else, given by mistake. */
export const LARGEST_FILE = 1024 ** 2;

/** A text with rules in it, and the name it goes by: a path, or what the caller calls it. */
export interface Source {
  readonly name: string;
  readonly text: string;
  /** Where the files lie that the rules name; left out: they may name none. */
  readonly folder?: string;
}

/** Rules or a session as a value of maps and lists, and the name they go by; `valueSource` makes one. */
export interface ValueSource {
  readonly name: string;
  readonly value: unknown;
  readonly folder?: string;
}

/** What rules and sessions are read from. */
export type RuleSource = Source | ValueSource;
