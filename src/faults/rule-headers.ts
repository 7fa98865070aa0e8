import { HEADER_NAME } from '../catalog/dialect.ts';
import type { Problem } from '../diagnostics/problem.ts';

/** What is wrong with the headers a rule adds to an answer; `problemOf` says what the fault itself refuses, if anything. */
export function headerProblems<Value>(
  headers: Readonly<Record<string, Value>> | undefined,
  problemOf: (name: string, value: Value) => string | undefined,
): Problem[] {
  return Object.entries(headers ?? {}).flatMap(([name, value]) =>
    headerProblem(['headers', name], name, () => problemOf(name, value)),
  );
}

/** What is wrong with one of them, if anything. */
export function headerProblem(
  path: Problem['path'],
  name: string,
  problemOf: () => string | undefined,
): Problem[] {
  const message = HEADER_NAME.test(name) ? problemOf() : `"${name}" cannot be the name of a header`;
  return message === undefined ? [] : [{ path, kind: 'bad-answer', message }];
}
