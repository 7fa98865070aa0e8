import type { RuleObject } from '../rules/rule-schema.ts';

/** A fault as a rule file states it, and what there is to say of it. */
export interface ReproducedFault {
  readonly fault: RuleObject['fault'];
  readonly notes: readonly string[];
}
