/** Every kind of problem that a rule file or a session can have; docs/diagnostics.md has a section on each. */
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

/** The name by which a problem is looked up: `unknown-key`. */
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** Something wrong with a fault's settings, placed by its path below the fault's own key. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly kind: ProblemKind;
  readonly message: string;
  /** Where a word is not one of a list: the word and the list, for a "did you mean". */
  readonly unknown?: { readonly word: string; readonly known: readonly string[] };
  /** Another setting that makes this one wrong; while that is unreadable itself, nothing is said of this. */
  readonly dependsOn?: string;
}

/** The kind of an issue that a schema raises by a check of its own: `.refine(…, { error, ...ofKind('contradiction') })`. */
export function ofKind(kind: ProblemKind): { readonly params: { readonly kind: ProblemKind } } {
  return { params: { kind } };
}
