import { basename } from 'node:path';
import type { z } from 'zod';
import { findEntry, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import type { Fault, Problem, Surroundings } from '../faults/fault.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import { isBehind, type Phase } from '../faults/point.ts';
import type { Diagnostic, Source } from './diagnose.ts';
import { check, type Finding, step } from './issues.ts';
import { compileMatch } from './match.ts';
import { type Rule, ruleFileSchema } from './rule.ts';
import { didYouMean, suggest } from './suggest.ts';
import { Counts, compileTrigger } from './trigger.ts';
import type { Yaml } from './yaml.ts';

/** Names of rules that are taken, and where: `rules/x.yaml:3`. */
export type Names = Map<string, string>;

/** A rule file that has nothing wrong with it. */
interface CompiledFile {
  readonly seed: number | string | undefined;
  /** Its rules, for dice of that seed; their counting begins now. */
  rules(seed: number | string, now: number): Rule[];
}

/** What makes a rule of its settings: all that the schema alone cannot tell. */
interface Parts {
  readonly name: string;
  readonly provider: Provider;
  readonly faults: readonly Fault[];
  readonly line: number;
  readonly spec: unknown;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** More than that in one file is the work of a program, and nobody reads it. */
const MOST_FINDINGS = 500;

/** Checks a rule file by schema and catalog; everything wrong with it is found in one go. */
export function compileFile(
  { name: file, folder }: Source,
  yaml: Yaml,
  names: Names,
  provider: string | undefined,
): CompiledFile | Diagnostic[] {
  const checked = check(ruleFileSchema, yaml.value);
  const read = readParts(file, yaml, names, provider, { folder });
  const findings = [...('findings' in checked ? checked.findings : []), ...read.findings];
  if ('findings' in checked || findings.length > 0) {
    const shown = findings
      .slice(0, MOST_FINDINGS)
      .map(({ path, side, message }) => yaml.diagnostic(path, side, message));
    if (findings.length === shown.length) return shown;
    const message = `only ${MOST_FINDINGS} of the problems of this file are shown`;
    return [...shown, { file, place: undefined, message, excerpt: [] }];
  }
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
        counts: new Counts(now),
      })),
  };
}

/** Goes by the raw rules, not the checked ones: a typo in one of them must not hide an unknown code in the next. */
function readParts(
  file: string,
  yaml: Yaml,
  names: Names,
  provider: string | undefined,
  surroundings: Surroundings,
): { parts: Parts[]; findings: Finding[] } {
  const parts: Parts[] = [];
  const findings: Finding[] = [];
  const known = providerNames();
  const fileProvider = step(yaml.value, 'provider') ?? provider;
  const rules = step(yaml.value, 'rules');
  let saidNoProvider = false;
  for (const [index, rule] of (Array.isArray(rules) ? rules : []).entries()) {
    const path = ['rules', index];
    const line = yaml.lineOf(path);
    const name = nameOf(rule, `${basename(file).replace(/\.ya?ml$/i, '')}#${index + 1}`);
    findings.push(...takeName(name, step(rule, 'name') !== undefined, `${file}:${line}`, path, names));
    const wanted = step(rule, 'provider') ?? fileProvider;
    if (wanted === undefined && !saidNoProvider) findings.push({ path, message: NO_PROVIDER, side: 'value' });
    saidNoProvider ||= wanted === undefined;
    if (typeof wanted !== 'string' || !known.includes(wanted)) continue;
    if (findings.length > MOST_FINDINGS) continue;
    const compiled = compileFaults(step(rule, 'fault'), loadProvider(wanted), surroundings);
    for (const finding of compiled.findings) {
      findings.push({ ...finding, path: [...path, 'fault', ...finding.path] });
    }
    parts.push({
      name,
      provider: loadProvider(wanted),
      faults: compiled.faults,
      line,
      spec: rule,
      settings: compiled.settings,
    });
  }
  return { parts, findings };
}

const NO_PROVIDER =
  'no provider is set, so nobody knows its codes. put "provider: aws-s3" (or another) at the top of the file';

function nameOf(rule: unknown, otherwise: string): string {
  const name = step(rule, 'name');
  return typeof name === 'string' ? name : otherwise;
}

function takeName(
  name: string,
  given: boolean,
  place: string,
  path: (string | number)[],
  names: Names,
): Finding[] {
  const taken = names.get(name);
  if (taken === undefined) names.set(name, place);
  if (taken === undefined) return [];
  return given
    ? [
        {
          path: [...path, 'name'],
          message: `rule name "${name}" is taken by ${taken}. names must differ in all files`,
          side: 'value',
        },
      ]
    : [
        {
          path,
          message: `without a name this rule is "${name}", which ${taken} is too. give it a name`,
          side: 'value',
        },
      ];
}

function compileFaults(
  given: unknown,
  provider: Provider,
  surroundings: Surroundings,
): { faults: Fault[]; settings: Record<string, unknown>; findings: Finding[] } {
  const faults: Fault[] = [];
  const settings: Record<string, unknown> = {};
  const findings: Finding[] = [];
  if (typeof given === 'object' && given !== null && Object.keys(given).length === 0) {
    findings.push({
      path: [],
      message: 'fault is empty. it needs a kind, for example { error: SlowDown }',
      side: 'value',
    });
  }
  for (const kind of FAULT_KINDS) {
    const stated = step(given, kind.name);
    if (stated === undefined) continue;
    settings[kind.name] = stated;
    const { value, left } = readable(kind.schema, stated);
    if (value === undefined) continue; // found by the file's schema already
    const compiled = kind.compile(value, provider, surroundings);
    if (!Array.isArray(compiled)) faults.push(compiled);
    else findings.push(...problemsBeside(left, compiled).map((each) => place(each, kind.name, provider)));
  }
  return { faults, settings, findings: [...findings, ...neverReached(faults)] };
}

/** Settings as their schema reads them: all, or those that are left without the ones it has complained of. */
function readable(schema: z.ZodType<unknown>, settings: unknown): { value: unknown; left: string[] } {
  const checked = check(schema, settings);
  if ('value' in checked) return { value: checked.value, left: [] };
  const left = new Set(checked.findings.map(({ path }) => String(path[0])));
  if (typeof settings !== 'object' || settings === null) return { value: undefined, left: [] };
  const rest = check(
    schema,
    Object.fromEntries(Object.entries(settings).filter(([name]) => !left.has(name))),
  );
  return { value: 'value' in rest ? rest.value : undefined, left: [...left] };
}

/** What follows from a setting that was left out is no finding. */
function problemsBeside(left: readonly string[], problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ dependsOn }) => dependsOn === undefined || !left.includes(dependsOn));
}

/** Faults that cannot happen, because one before them on the time axis answers for good. */
function neverReached(faults: readonly Fault[]): Finding[] {
  return faults.flatMap((ends, index) =>
    faults.flatMap((late, lateIndex): Finding[] => {
      const message = ends.answers ? clash(ends, late, lateIndex > index) : undefined;
      return message === undefined ? [] : [{ path: [late.kind], message, side: 'value' }];
    }),
  );
}

/** Why a fault cannot happen beside one that ends the exchange; in one phase they act in the order of the kinds. */
function clash(ends: Fault, late: Fault, comesAfter: boolean): string | undefined {
  const end = ends.phase ?? 'headers';
  const { kind, phase } = late;
  if (phase === undefined || late === ends || PHASES.indexOf(phase) < PHASES.indexOf(end)) return undefined;
  const never = `"${kind}" never happens: it acts ${WHEN[phase]}, and "${ends.kind}" ends the exchange ${WHEN[end]}`;
  if (phase !== end) return never;
  if (comesAfter && late.answers) {
    return `"${ends.kind}" and "${kind}" both end the exchange ${WHEN[end]}. a rule can have one of them`;
  }
  // Within a body, each has a place of its own.
  if (phase === 'body' || phase === 'response') {
    const isLate = late.place !== undefined && ends.place !== undefined && isBehind(late.place, ends.place);
    return isLate
      ? `"${kind}" never happens: "${ends.kind}" ends the exchange at an earlier place`
      : undefined;
  }
  return comesAfter ? never : undefined;
}

const PHASES: readonly Phase[] = ['headers', 'body', 'commit', 'response'];

const WHEN: Readonly<Record<Phase, string>> = {
  headers: 'before anything is forwarded',
  body: 'during the upload',
  commit: 'when the upstream has answered',
  response: 'during the download',
};

function place(problem: Problem, kind: string, provider: Provider): Finding {
  return {
    path: [kind, ...problem.path],
    message: problem.message + wayOut(problem, provider),
    side: 'value',
  };
}

/** What was meant instead of an unknown word; a code may be right but another provider's. */
function wayOut({ unknown }: Problem, provider: Provider): string {
  if (unknown === undefined) return '';
  const { word, known } = unknown;
  const meant = suggest(word, known);
  if (meant !== undefined) return `. did you mean "${meant}"?`;
  const owners = providerNames().filter((name) => findEntry(loadProvider(name), word) !== undefined);
  if (owners.length > 0) return `. it is a code of ${owners.join(', ')}`;
  return didYouMean(word, known) || `. "brownout catalog --provider ${provider.name}" lists what there is`;
}
