/** Something wrong with a fault's settings, placed by its path below the fault's own key. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Where a word is not one of a list: the word and the list, for a "did you mean". */
  readonly unknown?: { readonly word: string; readonly known: readonly string[] };
  /** Another setting that makes this one wrong; while that is unreadable itself, nothing is said of this. */
  readonly dependsOn?: string;
}
