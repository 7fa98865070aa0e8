/** A fault as a rule file states it, and what there is to say of it. */
export interface ReproducedFault {
  readonly fault: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
}
