import type { Diagnostic } from './diagnostic.ts';
import type { PlacedValue } from './placed-value.ts';
import { placedByPath } from './plain-value.ts';
import type { RuleSource } from './source.ts';
import { readYaml } from './yaml.ts';

/** Reads a source; the value is absent if the text cannot be parsed. */
export function readSource(source: RuleSource): { read: PlacedValue | undefined; diagnostics: Diagnostic[] } {
  return 'text' in source ? readYaml(source) : { read: placedByPath(source), diagnostics: [] };
}
