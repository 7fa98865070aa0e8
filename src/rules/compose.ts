import type { Names } from './compile.ts';
import { RuleSet } from './decide.ts';
import { BadRules, type Diagnostic, type Source } from './diagnose.ts';
import { parseRules } from './load.ts';
import type { Rule } from './rule.ts';

/** A rule of a running proxy, in force or not. */
export interface Page {
  readonly rule: Rule;
  /** It stands in a file, or was added or put in the place of one while the proxy runs. */
  readonly origin: 'file' | 'added' | 'replaced';
  readonly enabled: boolean;
}

/** What makes the rules of a running proxy what they are: its files, and what was changed since. */
export interface Changes {
  readonly files: readonly Source[];
  /** Texts of one rule each, by its name. */
  readonly added: ReadonlyMap<string, Source>;
  readonly replaced: ReadonlyMap<string, Source>;
  /** Rules of files. */
  readonly removed: ReadonlySet<string>;
  readonly disabled: ReadonlySet<string>;
  readonly seed: number | string | undefined;
}

/** How things are where nothing has been changed. */
export function unchanged(files: readonly Source[], seed: number | string | undefined): Changes {
  return { files, added: new Map(), replaced: new Map(), removed: new Set(), disabled: new Set(), seed };
}

/** All rules that come of it, in the order in which they are asked, and the seeds of files and texts; throws {@link BadRules}. */
export function compose(
  { files, added, replaced, removed, disabled, seed }: Changes,
  options: { readonly provider: string | undefined; readonly runSeed: number },
  unread: readonly Diagnostic[],
): { readonly pages: readonly Page[]; readonly seeds: RuleSet['seeds'] } {
  const diagnostics = [...unread];
  const load = (sources: readonly Source[], names: Names) => {
    const loaded = parseRules(sources, { ...options, seed }, names);
    if ('ok' in loaded) return loaded.ok;
    diagnostics.push(...loaded.diagnostics);
    return new RuleSet([], new Map());
  };
  const names: Names = new Map();
  const { rules, seeds } = load(files, names);
  for (const name of removed) names.delete(name);
  const first = load([...added.values()], names);
  const second = load([...replaced.values()], new Map());
  const others = new Map(second.rules.map((rule) => [rule.name, rule]));
  if (diagnostics.length > 0) throw new BadRules(diagnostics);
  const left = rules.filter(({ name }) => !removed.has(name));
  const page = (rule: Rule, origin: Page['origin']) => ({
    rule,
    origin,
    enabled: !disabled.has(rule.name),
  });
  return {
    seeds: new Map([...seeds, ...first.seeds, ...second.seeds]),
    pages: [
      ...first.rules.map((rule) => page(rule, 'added')),
      ...left.map((rule) => {
        const other = others.get(rule.name);
        return other ? page(other, 'replaced') : page(rule, 'file');
      }),
    ],
  };
}

/** A text with this rule alone, for dice of that seed. */
export function sourceOf({ name, provider, spec, file }: Rule, seed: number | string | undefined): Source {
  const rules = [{ ...(spec as object), name }]; // a rule that was compiled is a map
  return { name: file, text: JSON.stringify({ provider: provider.name, seed, rules }) };
}

/** A rule that goes on counting where one of the same text left off. */
export function heirOf(rule: Rule, before: Rule | undefined): Rule {
  const isSame =
    before?.provider === rule.provider && JSON.stringify(before.spec) === JSON.stringify(rule.spec);
  return isSame ? { ...rule, counts: before.counts } : rule;
}
