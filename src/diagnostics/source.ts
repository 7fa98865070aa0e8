/** Bytes of a rule file, at most. People write them by hand: a larger file was given by mistake. */
export const LARGEST_FILE = 1024 ** 2;

/** Text of rules or of a session, with its name: a path, or a name that the caller chose. */
export interface Source {
  readonly name: string;
  readonly text: string;
  /** Folder of the files that the rules name; left out: they may name none. */
  readonly folder?: string;
}

/** Rules or a session as a value of maps and lists, with a name; `valueSource` makes one. */
export interface ValueSource {
  readonly name: string;
  readonly value: unknown;
  readonly folder?: string;
}

/** Source that rules and sessions are read from. */
export type RuleSource = Source | ValueSource;
