import type { Source as RuleText } from '../diagnostics/source.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { ProxyOptions } from './options.ts';

/** Rules as text, which is read like that of a file; throws an Error at an object that cannot be one. */
export function textFrom(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, undefined, 2) ?? 'null';
  } catch (error) {
    // A cycle, or a BigInt; the first line of the message says which.
    const [why = ''] = error instanceof Error ? error.message.split('\n') : [];
    throw new Error(`rules are what JSON can hold: ${why}`);
  }
}

/** Where rules come from: files and folders, or texts. Throws an Error where both are given. */
export function rulesOf({ rules = [] }: ProxyOptions): readonly string[] | readonly RuleText[] {
  const paths = rules.filter((each) => typeof each === 'string');
  if (paths.length === rules.length) return paths;
  if (paths.length > 0) {
    throw new Error(
      'rules are given as files or as texts, not as both: the order between them would be unclear',
    );
  }
  return rules.filter((each) => typeof each !== 'string').map(textOf);
}

/** Rules as text; those given as an object go by the name of `rules`. */
export function textOf(rules: RuleFile | RuleText, index = 0): RuleText {
  if ('text' in rules) return rules;
  const name = index === 0 ? 'rules' : `rules-${index + 1}`;
  return { name, text: textFrom(rules) };
}
