import type { Provider } from '../catalog/catalog.ts';
import type { Fault } from '../faults/fault.ts';
import type { Match } from './match.ts';
import type { Counts, Trigger } from './trigger.ts';

/** Rule that is ready to decide on requests. */
export interface Rule {
  readonly name: string;
  /** Name of its file, as given. */
  readonly file: string;
  /** Line in that file, 1-based; `undefined` if the rule was given as an object. */
  readonly line: number | undefined;
  /** File and line in short: `rules/x.yaml:3`; `rules:rules[0]` if the rule was given as an object. */
  readonly place: string;
  readonly provider: Provider;
  /** Seed that its file states or was given. */
  readonly seed: number | string;
  readonly match: Match;
  readonly trigger: Trigger;
  /** Faults in the order in which they act; none: the request is forwarded. */
  readonly faults: readonly Fault[];
  /** Rule as its file states it: the value that YAML or JSON has. */
  readonly spec: unknown;
  /** Settings of its faults as its file states them, by kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly counts: Counts;
}
