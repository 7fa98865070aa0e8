/** Stops something that goes on for an exchange; never throws. */
type Cleanup = () => void;

/** Cleanups by themselves: of most exchanges there is one, for which no set is made. */
export type Cleanups = Cleanup | Set<Cleanup> | undefined;

/** The cleanups with one more. */
export function withCleanup(cleanups: Cleanups, added: Cleanup): Cleanups {
  if (cleanups === undefined) return added;
  return typeof cleanups === 'function' ? new Set([cleanups, added]) : cleanups.add(added);
}

/** The cleanups less this one, if it is among them. */
export function withoutCleanup(cleanups: Cleanups, removed: Cleanup): Cleanups {
  if (typeof cleanups === 'object') cleanups.delete(removed);
  return cleanups === removed ? undefined : cleanups;
}

/** Calls each of them, in the order in which they were added. */
export function runCleanups(cleanups: Cleanups): void {
  if (typeof cleanups === 'function') cleanups();
  else for (const each of cleanups ?? []) each();
}
