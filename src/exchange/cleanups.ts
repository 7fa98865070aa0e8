/** Function that stops a task of an exchange; never throws. */
type Cleanup = () => void;

/** Set of cleanups. Most exchanges have one, for which no `Set` is made. */
export type Cleanups = Cleanup | Set<Cleanup> | undefined;

/** Adds a cleanup, and returns the cleanups. */
export function withCleanup(cleanups: Cleanups, added: Cleanup): Cleanups {
  if (cleanups === undefined) return added;
  return typeof cleanups === 'function' ? new Set([cleanups, added]) : cleanups.add(added);
}

/** Removes a cleanup if it is there, and returns the cleanups. */
export function withoutCleanup(cleanups: Cleanups, removed: Cleanup): Cleanups {
  if (typeof cleanups === 'object') cleanups.delete(removed);
  return cleanups === removed ? undefined : cleanups;
}

/** Calls all cleanups, in the order in which they were added. */
export function runCleanups(cleanups: Cleanups): void {
  if (typeof cleanups === 'function') cleanups();
  else for (const each of cleanups ?? []) each();
}
