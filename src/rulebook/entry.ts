import { counted } from '../notation/text.ts';
import { describeRule } from '../rules/describe-rule.ts';
import type { Rule } from '../rules/rule.ts';
import type { ReadRule } from './carry-over.ts';

/** Rule of a running proxy, enabled or disabled. */
export interface RuleEntry extends ReadRule {
  /** `file`: it stands in a file; `added` or `replaced`: it came while the proxy runs. */
  readonly origin: 'file' | 'added' | 'replaced';
  readonly enabled: boolean;
}

/** Changes of a rule since the start. */
export interface RuleOverride {
  readonly replacement?: Rule;
  readonly isRemoved?: boolean;
  readonly isDisabled?: boolean;
}

/** Lists all rules of a running proxy in the order in which they are asked: added ones, then those of files. */
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

/** Rule with its place, and with the numbers of requests that it matched and fired on since it was loaded. */
export interface RuleInForce {
  readonly name: string;
  readonly file: string;
  /** Line, 1-based; left out if the rule was given as an object. */
  readonly line?: number;
  /** Sentence that says the whole rule: which requests, when, and which faults. */
  readonly sentence: string;
  readonly origin: RuleEntry['origin'];
  readonly enabled: boolean;
  readonly matched: number;
  readonly fired: number;
}

/** Makes the report of a rule: a copy, which later requests do not change. */
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
 * Summarises a run: a line for each rule that matched, the number of rules that did not, and the losses of its journal file.
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
