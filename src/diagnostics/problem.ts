/** Kinds of problems that a rule file or a session can have; docs/diagnostics.md has a section on each. */
export const PROBLEM_KINDS = [
  'bad-file',
  'too-large',
  'bad-yaml',
  'duplicate-key',
  'unknown-key',
  'missing-key',
  'wrong-type',
  'out-of-range',
  'bad-notation',
  'unknown-value',
  'unknown-provider',
  'unknown-operation',
  'unknown-code',
  'unknown-variant',
  'bad-name',
  'duplicate-name',
  'bad-answer',
  'contradiction',
  'never-happens',
] as const;

/** Name of a kind of problem, by which a reader looks it up: `unknown-key`. */
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** Problem of the settings of a fault; its path begins below the key of the fault. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly kind: ProblemKind;
  readonly message: string;
  /** Word that is not in a list, and the list, for a "did you mean". */
  readonly unknown?: { readonly word: string; readonly known: readonly string[] };
  /** Other setting that makes this one wrong; while that one is invalid itself, this problem is not reported. */
  readonly dependsOn?: string;
}

/** Makes the parameters that give a kind to an issue of a check of our own: `.refine(…, { error, ...ofKind('contradiction') })`. */
export function ofKind(kind: ProblemKind): { readonly params: { readonly kind: ProblemKind } } {
  return { params: { kind } };
}
