import type { Rule } from '../rules/rule.ts';

/** A rule as it was read, and what it is known by when it is read again: its name, or its text if it was given none. */
export interface ReadRule {
  readonly id: string;
  readonly rule: Rule;
}

/** Rules with what they are known by: a number would be another's as soon as a rule is put in before. */
export function identified(rules: readonly Rule[]): ReadRule[] {
  const met = new Map<string, number>();
  return rules.map((rule) => {
    if (isNamed(rule)) return { id: rule.name, rule };
    const text = `${rule.provider.name} ${JSON.stringify(rule.spec)}`;
    const nth = (met.get(text) ?? 0) + 1;
    met.set(text, nth);
    return { id: `${text} ${nth}`, rule };
  });
}

function isNamed({ spec }: Rule): boolean {
  return typeof spec === 'object' && spec !== null && 'name' in spec;
}

/** A rule that goes on where one of the same text left off; it is the same one, if nothing else has changed either. */
export function carryOverCounts(rule: Rule, before: Rule | undefined): Rule {
  if (before?.provider !== rule.provider || JSON.stringify(before.spec) !== JSON.stringify(rule.spec))
    return rule;
  const { name, place, trigger } = before;
  const isHere = name === rule.name && place === rule.place;
  const isSame =
    isHere && trigger.seed === rule.trigger.seed && !('bodyFile' in Object(rule.settings.respond));
  return isSame ? before : { ...rule, counts: before.counts };
}
