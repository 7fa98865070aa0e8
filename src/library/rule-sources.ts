import type { Source as RuleText } from '../diagnostics/source.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { ProxyOptions } from './options.ts';

/** Makes the text of a rule file from rules as text or as an object. Throws an Error if JSON cannot hold the object. */
export function ruleFileText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, undefined, 2) ?? 'null';
  } catch (error) {
    // A cycle or a BigInt. The first line of the message says which.
    const [why = ''] = error instanceof Error ? error.message.split('\n') : [];
    throw new Error(`rules are what JSON can hold: ${why}`);
  }
}

/** Returns the rules of the options: files and folders, or texts. Throws an Error if both are given. */
export function rulesOf({ rules = [] }: ProxyOptions): readonly string[] | readonly RuleText[] {
  const paths = rules.filter((each) => typeof each === 'string');
  if (paths.length === rules.length) return paths;
  if (paths.length > 0) {
    throw new Error(
      'rules are given as files or as texts, not as both: the order between them would be unclear',
    );
  }
  return rules.filter((each) => typeof each !== 'string').map(namedText);
}

/** Makes a named text of rules. Rules that are given as an object get the name `rules`. */
export function namedText(rules: RuleFile | RuleText, index = 0): RuleText {
  if ('text' in rules) return rules;
  const name = index === 0 ? 'rules' : `rules-${index + 1}`;
  return { name, text: ruleFileText(rules) };
}
