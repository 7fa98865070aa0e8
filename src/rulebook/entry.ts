import { counted } from '../notation/text.ts';
import { describeRule } from '../rules/describe-rule.ts';
import type { Rule } from '../rules/rule.ts';
import type { ReadRule } from './carry-over.ts';

/** A rule of a running proxy, in force or not. */
export interface RuleEntry extends ReadRule {
  /** It stands in a file, or was added or put in the place of one while the proxy runs. */
  readonly origin: 'file' | 'added' | 'replaced';
  readonly enabled: boolean;
}

/** What was changed of a rule since the start. */
export interface RuleOverride {
  readonly replacement?: Rule;
  readonly isRemoved?: boolean;
  readonly isDisabled?: boolean;
}

/** All rules that a running proxy has, in the order in which they are asked: those that were added, then those of files. */
export function ruleEntriesOf(
  added: readonly ReadRule[],
  files: readonly ReadRule[],
  edits: ReadonlyMap<string, RuleOverride>,
): readonly RuleEntry[] {
  const enabled = ({ id }: ReadRule) => !edits.get(id)?.isDisabled;
  return [
    ...added.map((read): RuleEntry => ({ ...read, origin: 'added', enabled: enabled(read) })),
    ...files
      .filter(({ id }) => !edits.get(id)?.isRemoved)
      .map((read): RuleEntry => {
        const replacement = edits.get(read.id)?.replacement;
        return replacement
          ? { id: read.id, rule: replacement, origin: 'replaced', enabled: enabled(read) }
          : { ...read, origin: 'file', enabled: enabled(read) };
      }),
  ];
}

/** A rule, where it stands, and how many requests it matched and fired on since it was loaded. */
export interface RuleInForce {
  readonly name: string;
  readonly file: string;
  /** Counted from 1; left out where the rule was given as an object. */
  readonly line?: number;
  /** The whole rule in one sentence: which requests, when, and what happens to them. */
  readonly sentence: string;
  readonly origin: RuleEntry['origin'];
  readonly enabled: boolean;
  readonly matched: number;
  readonly fired: number;
}

/** What can be told of a rule: a copy, which later requests do not change. */
export function ruleInForce({ rule, origin, enabled }: RuleEntry): RuleInForce {
  const { name, file, line, counts } = rule;
  return {
    name,
    file,
    ...(line !== undefined && { line }),
    sentence: `${enabled ? '' : 'disabled: '}${describeRule(rule)}`,
    origin,
    enabled,
    matched: counts.matched,
    fired: counts.fired,
  };
}

/**
 * Summarises a run: a line for each rule that matched, the number of rules that did not, and what its journal file lacks.
 *
 * @example
 * ```ts
 * console.log(summarise(proxy.exchanges, proxy.rules, proxy.journalLoss));
 * // 12 exchanges
 * //   slow down: matched 8, fired 2
 * ```
 */
export function summarise(
  exchanges: number,
  rules: readonly Pick<RuleInForce, 'name' | 'matched' | 'fired'>[],
  loss?: string,
): string {
  const asked = rules.filter(({ matched }) => matched > 0);
  const lines = asked.map(({ name, matched, fired }) => `  ${name}: matched ${matched}, fired ${fired}`);
  const idle = rules.length - asked.length;
  if (idle > 0) lines.push(`  ${counted(idle, 'rule')} never matched`);
  if (loss !== undefined) lines.push(loss);
  return [counted(exchanges, 'exchange'), ...lines].join('\n');
}
