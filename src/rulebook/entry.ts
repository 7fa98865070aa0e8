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
