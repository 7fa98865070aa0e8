import type { Provider } from '../catalog/catalog.ts';
import type { Fault } from '../faults/fault.ts';
import type { Match } from './match.ts';
import type { Counts, Trigger } from './trigger.ts';

/** One rule, ready to decide on requests. */
export interface Rule {
  readonly name: string;
  /** Name of the file it stands in, as given. */
  readonly file: string;
  /** Line in that file, 1-based; `undefined` where it was given as an object. */
  readonly line: number | undefined;
  /** Both in short: `rules/x.yaml:3`, or `rules:rules[0]` where it was given as an object. */
  readonly place: string;
  readonly provider: Provider;
  /** The seed that its file states, or was given. */
  readonly seed: number | string;
  readonly match: Match;
  readonly trigger: Trigger;
  /** In the order in which they act; none: what it fires on is forwarded. */
  readonly faults: readonly Fault[];
  /** The rule as its file states it: what YAML or JSON made of it. */
  readonly spec: unknown;
  /** Its faults as stated there: settings by kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly counts: Counts;
}
