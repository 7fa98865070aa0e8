import { inspect, types } from 'node:util';

/**
 * Wraps a callback of the library's user, so that it cannot break an exchange, a reload or an answer of the admin port. The
 * first error that it throws or rejects with becomes a warning of the process. Later ones are dropped, as it may be called
 * for every exchange.
 */
export function safeCallback<Argument>(
  name: string,
  callback: (argument: Argument) => unknown,
): (argument: Argument) => void {
  let isWarned = false;
  const warn = (error: unknown) => {
    if (isWarned) return;
    isWarned = true;
    const message = `${name} threw an error; its further errors will not be reported`;
    process.emitWarning(message, { type: 'BrownoutWarning', detail: inspect(error) });
  };
  return (argument) => {
    try {
      const result = callback(argument);
      if (types.isPromise(result)) result.catch(warn);
    } catch (error) {
      warn(error);
    }
  };
}
