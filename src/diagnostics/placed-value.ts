import type { Diagnostic } from './diagnostic.ts';
import type { ProblemKind } from './problem.ts';

/** Steps to a part of a value: keys of maps, and indexes of lists from 0. */
export type Path = readonly (string | number)[];

/** Text that a path means: the key of the last pair, or its value. */
export type Side = 'key' | 'value';

/** Value of a source, with the place of each part. */
export interface PlacedValue {
  readonly value: unknown;
  /** Returns the 1-based line on which the part at a path begins; `undefined` if the source is no text. */
  lineOf(path: Path): number | undefined;
  /** Returns the place of the part at a path, in short: `rules/x.yaml:3`; `rules:rules[0]` if the source is no text. */
  placeOf(path: Path): string;
  /** Makes a diagnostic about the part at a path; if there is none, about the nearest part around it. */
  diagnostic(path: Path, side: Side, kind: ProblemKind, message: string): Diagnostic;
}
