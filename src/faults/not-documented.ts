import { entriesOf, type Provider } from '../catalog/catalog.ts';
import type { Problem } from '../diagnostics/problem.ts';

/** Makes the problem for a code or a variant that is not in the provider's catalog. */
export function notDocumented(provider: Provider, code: string, variant?: string): Problem {
  const rows = entriesOf(provider, code);
  if (variant !== undefined && rows.length > 0) {
    const known = rows.flatMap((entry) => entry.variant ?? []);
    const message = `code "${code}" of ${provider.name} has no variant "${variant}"`;
    return { path: ['variant'], kind: 'unknown-variant', message, unknown: { word: variant, known } };
  }
  const known = provider.entries.map((entry) => entry.code);
  const message = `${provider.name} documents no code "${code}"`;
  return { path: ['code'], kind: 'unknown-code', message, unknown: { word: code, known } };
}
