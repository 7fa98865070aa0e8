import { basename } from 'node:path';
import { DEFAULT_PROVIDER, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import { aboutFile, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlacedValue } from '../diagnostics/placed-value.ts';
import type { RuleSource } from '../diagnostics/source.ts';
import { check, getProperty, type PlacedProblem } from '../diagnostics/zod-issues.ts';
import type { CompileContext, Fault } from '../faults/fault.ts';
import { compileFaults } from './compile-faults.ts';
import { compileMatch } from './match.ts';
import type { Rule } from './rule.ts';
import { ruleFileFrame } from './rule-schema.ts';
import { Counts, compileTrigger } from './trigger.ts';

/** Names of rules that are taken, each with its place: `rules/x.yaml:3`. */
export type Names = Map<string, string>;

/** Rule file without problems. */
interface CompiledFile {
  readonly seed: number | string | undefined;
  /** Makes its rules with dice of this seed; their counts begin at `now`. */
  rules(seed: number | string, now: number): Rule[];
}

/** Parts of a rule that need more than the schema. */
interface RuleParts {
  readonly name: string;
  readonly provider: Provider;
  readonly faults: readonly Fault[];
  readonly line: number | undefined;
  readonly place: string;
  readonly spec: unknown;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Problems of one file that are shown, at most: nobody reads more. */
const MOST_FINDINGS = 500;

/** Checks a rule file by schema and catalog, and finds all its problems at once. */
export function compileFile(
  { name: file, folder }: RuleSource,
  given: PlacedValue,
  names: Names,
  provider: string | undefined,
): CompiledFile | Diagnostic[] {
  const checked = check(ruleFileFrame, given.value);
  const read = readParts(file, given, names, provider, { folder });
  const findings = [...('findings' in checked ? checked.findings : []), ...read.findings];
  if ('findings' in checked || findings.length > 0) return diagnosticsOf(findings, given, file);
  const { seed, rules } = checked.value;
  return {
    seed,
    rules: (dice, now) =>
      read.parts.map((part, index) => ({
        ...part,
        file,
        match: compileMatch(rules[index]?.match ?? {}),
        trigger: compileTrigger(
          rules[index]?.trigger ?? {},
          dice,
          part.name,
          part.faults.some(({ rolls }) => rolls),
        ),
        seed: dice,
        counts: new Counts(now),
      })),
  };
}

/** Makes diagnostics of the first {@link MOST_FINDINGS} findings. */
export function diagnosticsOf(
  findings: readonly PlacedProblem[],
  given: PlacedValue,
  file: string,
): Diagnostic[] {
  const shown = findings
    .slice(0, MOST_FINDINGS)
    .map(({ path, side, kind, message }) => given.diagnostic(path, side, kind, message));
  if (findings.length === shown.length) return shown;
  const message = `only ${MOST_FINDINGS} of the problems of this file are shown`;
  return [...shown, aboutFile(file, 'too-large', message)];
}

/** Reads the raw rules, not the checked ones: a typo in one rule must not hide an unknown code in the next. */
function readParts(
  file: string,
  { value, lineOf, placeOf }: PlacedValue,
  names: Names,
  provider: string | undefined,
  context: CompileContext,
): { parts: RuleParts[]; findings: PlacedProblem[] } {
  const parts: RuleParts[] = [];
  const findings: PlacedProblem[] = [];
  const known = providerNames();
  const fileProvider = getProperty(value, 'provider') ?? provider;
  const rules = getProperty(value, 'rules');
  let saidNoProvider = false;
  for (const [index, rule] of (Array.isArray(rules) ? rules : []).entries()) {
    const path = ['rules', index];
    const place = placeOf(path);
    const name = nameOf(rule, `${basename(file).replace(/\.ya?ml$/i, '')}#${index + 1}`);
    findings.push(...takeName(name, getProperty(rule, 'name') !== undefined, place, path, names));
    const wanted = getProperty(rule, 'provider') ?? fileProvider;
    if (wanted === undefined && !saidNoProvider)
      findings.push({ path, kind: 'missing-key', message: NO_PROVIDER, side: 'value' });
    saidNoProvider ||= wanted === undefined;
    if (findings.length > MOST_FINDINGS) continue;
    const ruleProvider =
      typeof wanted === 'string' && known.includes(wanted) ? loadProvider(wanted) : undefined;
    const compiled = compileFaults(getProperty(rule, 'fault'), ruleProvider, context);
    for (const finding of compiled.findings) {
      findings.push({ ...finding, path: [...path, 'fault', ...finding.path] });
    }
    if (ruleProvider === undefined) continue;
    const { faults, settings } = compiled;
    parts.push({ name, provider: ruleProvider, faults, line: lineOf(path), place, spec: rule, settings });
  }
  return { parts, findings };
}

const NO_PROVIDER = `no provider is set, so its codes are unknown. put "provider: ${DEFAULT_PROVIDER}" (or another) at the top of the file`;

function nameOf(rule: unknown, fallback: string): string {
  const name = getProperty(rule, 'name');
  return typeof name === 'string' ? name : fallback;
}

function takeName(
  name: string,
  given: boolean,
  place: string,
  path: (string | number)[],
  names: Names,
): PlacedProblem[] {
  const taken = names.get(name);
  if (taken === undefined) names.set(name, place);
  if (taken === undefined) return [];
  return given
    ? [
        {
          path: [...path, 'name'],
          kind: 'duplicate-name',
          message: `rule name "${name}" is taken by ${taken}. names must differ in all files`,
          side: 'value',
        },
      ]
    : [
        {
          path,
          kind: 'duplicate-name',
          message: `without a name this rule is "${name}", which ${taken} is too. give it a name`,
          side: 'value',
        },
      ];
}
