import { valueSource } from '../diagnostics/plain-value.ts';
import type { RuleSource, Source as RuleText } from '../diagnostics/source.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { ProxyOptions } from './options.ts';

/** Returns the files and folders among the rules of the options. */
export function rulePathsOf({ rules = [] }: ProxyOptions): readonly string[] {
  return rules.filter((each) => typeof each === 'string');
}

/**
 * Returns the rules of the options: files and folders, or texts and objects. Throws an Error if both are given, and
 * {@link BadRules} at an object that no text could say.
 */
export function rulesOf(options: ProxyOptions): readonly string[] | readonly RuleSource[] {
  const { rules = [] } = options;
  const paths = rulePathsOf(options);
  if (paths.length === rules.length) return paths;
  if (paths.length > 0) {
    throw new Error(
      'rules are given as files or as texts, not as both: the order between them would be unclear',
    );
  }
  return rules.filter((each) => typeof each !== 'string').map(namedSource);
}

/** Makes a named source of rules. Rules that are given as an object get the name `rules`. */
function namedSource(rules: RuleFile | RuleText, index: number): RuleSource {
  return 'text' in rules ? rules : valueSource(index === 0 ? 'rules' : `rules-${index + 1}`, rules);
}
