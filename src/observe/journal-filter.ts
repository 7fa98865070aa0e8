import { compileGlob } from '../notation/glob.ts';
import type { JournalEntry } from './journal.ts';

/** Filter of journal entries; all conditions must hold. */
export interface JournalFilter {
  readonly rule?: string | undefined;
  readonly session?: string | undefined;
  readonly operation?: string | undefined;
  readonly bucket?: string | undefined;
  /** Key, or glob as in a rule's match. */
  readonly key?: string | undefined;
  /** Status that the client was given. */
  readonly status?: number | undefined;
  readonly outcome?: JournalEntry['outcome'] | undefined;
}

/** Makes a function that tells whether an entry passes a filter. */
export function selects({ key, ...exact }: JournalFilter): (entry: JournalEntry) => boolean {
  const wanted = Object.entries(exact).filter(([, value]) => value !== undefined);
  const matchesKey = key === undefined ? undefined : compileGlob(key);
  return (entry) =>
    // Object.entries types the names as strings, but they are names of fields.
    wanted.every(([name, value]) => entry[name as keyof typeof exact] === value) &&
    (matchesKey === undefined || (entry.key !== undefined && matchesKey(entry.key)));
}
