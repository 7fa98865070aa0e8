import { requestSigns } from '../../src/catalog/request-signs.ts';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { type Facts, factsOf } from '../../src/request/facts.ts';
import type { RuleSet } from '../../src/rules/decide.ts';
import { parseRules } from '../../src/rules/load.ts';

/** Loads the rules of a YAML text, for aws-s3; throws the text that a user would read if it does not load. */
export function rulesOf(text: string, seed: number | string = 1): RuleSet {
  const loaded = parseRules([{ name: 'test.yaml', text }], { provider: 'aws-s3', seed });
  if ('ok' in loaded) return loaded.ok;
  throw new Error(loaded.diagnostics.map(formatDiagnostic).join('\n'));
}

/** Makes a set of one rule, `slow`, with this match and trigger (in YAML). */
export function oneRule({ match = '{}', trigger = '{}' }): RuleSet {
  return rulesOf(`rules: [{ name: slow, match: ${match}, trigger: ${trigger}, fault: { error: SlowDown } }]`);
}

/** Makes the facts of a path-style request to the bucket `photos`. */
export function request(
  line: string,
  { headers = {}, client = '127.0.0.1' }: { headers?: Record<string, string>; client?: string } = {},
): Facts {
  const [method, target] = line.split(' ');
  return factsOf(
    { method, target, headers: { host: 'localhost:9000', ...headers }, client },
    {},
    requestSigns(),
  );
}

/** Returns the time when the rules began to count, in ms of `performance.now()`. */
export function since({ rules }: RuleSet): number {
  return rules[0]!.counts.since;
}
