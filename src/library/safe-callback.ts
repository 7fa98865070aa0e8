import { inspect, types } from 'node:util';

/**
 * A callback of whoever uses the library, made one that cannot break what it is told of: an exchange, a reload, an answer
 * of the admin port. What it throws, or rejects with, becomes a warning of the process; only the first time, as it may be
 * called for every exchange.
 */
export function safeCallback<Told>(name: string, callback: (told: Told) => unknown): (told: Told) => void {
  let isWarned = false;
  const warn = (error: unknown) => {
    if (isWarned) return;
    isWarned = true;
    const message = `${name} threw, and what else it throws will not be reported`;
    process.emitWarning(message, { type: 'BrownoutWarning', detail: inspect(error) });
  };
  return (told) => {
    try {
      const result = callback(told);
      if (types.isPromise(result)) result.catch(warn);
    } catch (error) {
      warn(error);
    }
  };
}
