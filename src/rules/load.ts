import { type Diagnostic, inReadingOrder } from '../diagnostics/diagnostic.ts';
import { readSource } from '../diagnostics/read-source.ts';
import type { RuleSource } from '../diagnostics/source.ts';
import { compileFile, type Names } from './compile.ts';
import { RuleSet } from './decide.ts';
import { newSeed } from './dice.ts';
import { readSources } from './files.ts';
import type { Rule } from './rule.ts';

/** Options for all rule files of a run. */
interface LoadOptions {
  /** Overrides the seed of every file. */
  readonly seed?: number | string | undefined;
  /** Seed of the files that state none; left out: one is drawn. The same seed on a reload keeps the dice. */
  readonly runSeed?: number | string | undefined;
  /** Provider of the rules that name none, in files that name none; an unknown one throws. */
  readonly provider?: string | undefined;
}

/** Rules ready to decide, or all their problems, in reading order. */
export type Loaded = { readonly ok: RuleSet } | { readonly diagnostics: readonly Diagnostic[] };

/** Loads rule files, and folders of them (`*.yaml` and `*.yml`, sorted by name, without subfolders), in the order given. */
export async function loadRules(paths: readonly string[], options: LoadOptions = {}): Promise<Loaded> {
  const { sources, diagnostics } = await readSources(paths);
  const loaded = parseRules(sources, options);
  const all = [...diagnostics, ...('ok' in loaded ? [] : loaded.diagnostics)];
  return all.length === 0 ? loaded : { diagnostics: all };
}

/** Loads rules from texts in YAML or JSON, and from objects. `names` has the taken names; it gets those of the rules. */
export function parseRules(
  sources: readonly RuleSource[],
  options: LoadOptions = {},
  names: Names = new Map(),
): Loaded {
  const runSeed = options.runSeed ?? newSeed();
  const now = performance.now();
  const rules: Rule[] = [];
  const seeds = new Map<string, number | string>();
  const diagnostics: Diagnostic[] = [];
  for (const source of sources) {
    const { read, diagnostics: unread } = readSource(source);
    const file = read === undefined ? [] : compileFile(source, read, names, options.provider);
    if (Array.isArray(file) || unread.length > 0) {
      diagnostics.push(...inReadingOrder([...unread, ...(Array.isArray(file) ? file : [])]));
      continue;
    }
    const seed = options.seed ?? file.seed ?? runSeed;
    seeds.set(source.name, seed);
    rules.push(...file.rules(seed, now));
  }
  return diagnostics.length > 0 ? { diagnostics } : { ok: new RuleSet(rules, seeds) };
}
