import type { Diagnostic } from './diagnostic.ts';
import type { ProblemKind } from './problem.ts';

/** The steps to a part of a value: keys of maps, and places in lists from 0. */
export type Path = readonly (string | number)[];

/** Which text a path means: the key of the last pair, or what the key leads to. */
export type Side = 'key' | 'value';

/** The value of a source, and where each part of it stands. */
export interface PlacedValue {
  readonly value: unknown;
  /** 1-based line on which the part at a path begins; `undefined` where the source is no text. */
  lineOf(path: Path): number | undefined;
  /** Where the part at a path stands, in short: `rules/x.yaml:3`, or `rules:rules[0]` where the source is no text. */
  placeOf(path: Path): string;
  /** Makes a diagnostic about the part at a path; about the nearest part around it that is there. */
  diagnostic(path: Path, side: Side, kind: ProblemKind, message: string): Diagnostic;
}
