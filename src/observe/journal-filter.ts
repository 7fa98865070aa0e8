import { compileGlob } from '../notation/glob.ts';
import type { JournalEntry } from './journal.ts';

/** Which entries of a journal are wanted; all conditions must hold. */
export interface JournalFilter {
  readonly rule?: string | undefined;
  readonly session?: string | undefined;
  readonly operation?: string | undefined;
  readonly bucket?: string | undefined;
  /** A key, or a glob as in a rule's match. */
  readonly key?: string | undefined;
  /** The status the client was given. */
  readonly status?: number | undefined;
  readonly outcome?: JournalEntry['outcome'] | undefined;
}

/** Decides whether an entry is one of those that a filter lets through. */
export function selects({ key, ...exact }: JournalFilter): (entry: JournalEntry) => boolean {
  const wanted = Object.entries(exact).filter(([, value]) => value !== undefined);
  const isKey = key === undefined ? undefined : compileGlob(key);
  return (entry) =>
    // Object.entries keeps the values and forgets that the names are those of fields.
    wanted.every(([name, value]) => entry[name as keyof typeof exact] === value) &&
    (isKey === undefined || (entry.key !== undefined && isKey(entry.key)));
}
