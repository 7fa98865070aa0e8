import type { Rule } from '../rules/rule.ts';

/** Rule as it was read, with an id that stays when it is read again: its name, or its text if it has none. */
export interface ReadRule {
  readonly id: string;
  readonly rule: Rule;
}

/** Gives ids to rules. They are no numbers: a rule that is added before would shift them. */
export function withIds(rules: readonly Rule[]): ReadRule[] {
  const counts = new Map<string, number>();
  return rules.map((rule) => {
    if (isNamed(rule)) return { id: rule.name, rule };
    const text = `${rule.provider.name} ${JSON.stringify(rule.spec)}`;
    const nth = (counts.get(text) ?? 0) + 1;
    counts.set(text, nth);
    return { id: `${text} ${nth}`, rule };
  });
}

function isNamed({ spec }: Rule): boolean {
  return typeof spec === 'object' && spec !== null && 'name' in spec;
}

/** Gives a rule the counts of an earlier one with the same text. If nothing else has changed, it returns the earlier one. */
export function carryOverCounts(rule: Rule, before: Rule | undefined): Rule {
  if (before?.provider !== rule.provider || JSON.stringify(before.spec) !== JSON.stringify(rule.spec))
    return rule;
  const { name, place, trigger } = before;
  const isHere = name === rule.name && place === rule.place;
  const isSame =
    isHere && trigger.seed === rule.trigger.seed && !('bodyFile' in Object(rule.settings.respond));
  return isSame ? before : { ...rule, counts: before.counts };
}
