import { Document, isMap } from 'yaml';
import type { RuleFile } from './rule-schema.ts';

/** First line of a rule file; editors find its schema by it. */
export const SCHEMA_LINE = 'yaml-language-server: $schema=../schema/rules.schema.json';

/** Characters of a line of comment, at most. */
const LONGEST_LINE = 2048;

/** Lines of comment of a rule file; an empty line is a gap. */
export interface RuleFileComments {
  /** At the top of the file. */
  readonly head: readonly string[];
  /** Above each rule, in the order of the rules. */
  readonly rules?: readonly (readonly string[])[];
}

/** Maps of a rule that are short, and are written in one line. */
const IN_ONE_LINE = [['trigger'], ['match', 'query'], ['match', 'headers']];

/** Writes a rule file as YAML. Loaded again, it has the same rules and the same texts, byte for byte. */
export function writeRuleFile(file: RuleFile, { head, rules = [] }: RuleFileComments): string {
  // Rules may share one object; references from one rule to another would be hard to read.
  const document = new Document(file, { aliasDuplicateObjects: false });
  document.commentBefore = commentOf(head);
  for (const index of file.rules.keys()) {
    const lines = rules[index] ?? [];
    const rule = document.getIn(['rules', index]);
    if (isMap(rule) && lines.length > 0) rule.commentBefore = commentOf(lines);
    for (const path of IN_ONE_LINE) {
      const map = document.getIn(['rules', index, ...path]);
      if (isMap(map)) map.flow = true;
    }
  }
  return document.toString({ lineWidth: 0 });
}

/** Makes a comment of lines. No text in them can end the comment, hide a part of it or reverse its direction. */
function commentOf(lines: readonly string[]): string {
  return lines
    .map((line) => {
      const plain = line.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/gu, ' ');
      return ` ${plain.length > LONGEST_LINE ? `${plain.slice(0, LONGEST_LINE)}…` : plain}`.trimEnd();
    })
    .join('\n');
}
