import { HEADER_NAME } from '../catalog/dialect.ts';
import type { Problem } from '../diagnostics/problem.ts';

/** Finds problems of the headers that a rule adds to an answer. `problemOf` returns the reason to refuse one. */
export function headerProblems<Value>(
  headers: Readonly<Record<string, Value>> | undefined,
  problemOf: (name: string, value: Value) => string | undefined,
): Problem[] {
  return Object.entries(headers ?? {}).flatMap(([name, value]) =>
    headerProblem(['headers', name], name, () => problemOf(name, value)),
  );
}

/** Finds the problem of one header, if it has one. */
export function headerProblem(
  path: Problem['path'],
  name: string,
  problemOf: () => string | undefined,
): Problem[] {
  const message = HEADER_NAME.test(name) ? problemOf() : `"${name}" cannot be the name of a header`;
  return message === undefined ? [] : [{ path, kind: 'bad-answer', message }];
}
