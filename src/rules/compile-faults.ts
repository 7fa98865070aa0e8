import type { z } from 'zod';
import { findEntry, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import { didYouMean, suggest } from '../diagnostics/did-you-mean.ts';
import type { Problem } from '../diagnostics/problem.ts';
import { check, getProperty, type PlacedProblem } from '../diagnostics/zod-issues.ts';
import type { CompileContext, Fault } from '../faults/fault.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import { isBehind, type Phase } from '../faults/point.ts';
import { faultSchema } from './rule-schema.ts';

/** Faults made of their settings, or what is wrong with these: paths begin at the kind. */
export interface CompiledFaults {
  /** In the order in which they act. */
  readonly faults: readonly Fault[];
  /** As stated, by kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly findings: readonly PlacedProblem[];
}

/** Makes the faults of a rule, checked by schema and catalog; by the schema only, where their provider is not known. */
export function compileFaults(
  given: unknown,
  provider: Provider | undefined,
  surroundings: CompileContext,
): CompiledFaults {
  const faults: Fault[] = [];
  const settings: Record<string, unknown> = {};
  // That it is a map, the schema around it has to see to.
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { faults, settings, findings: [] };
  const checked = check(faultSchema, given);
  const findings = 'findings' in checked ? [...checked.findings] : [];
  if (Object.keys(given).length === 0) {
    const message = 'fault is empty. it needs a kind, for example { error: SlowDown }';
    findings.push({ path: [], kind: 'missing-key', message, side: 'value' });
  }
  for (const kind of FAULT_KINDS) {
    const stated = getProperty(given, kind.name);
    if (stated === undefined || provider === undefined) continue;
    settings[kind.name] = stated;
    const { value, left } =
      'value' in checked ? { value: checked.value[kind.name], left: [] } : readable(kind.schema, stated);
    if (value === undefined) continue; // nothing of it can be read
    const compiled = kind.compile(value, provider, surroundings);
    if (!Array.isArray(compiled)) faults.push({ kind: kind.name, ...compiled });
    else findings.push(...problemsBeside(left, compiled).map((each) => place(each, kind.name, provider)));
  }
  return { faults, settings, findings: [...findings, ...neverReached(faults)] };
}

/** Settings as their schema reads them, of a fault that it complains of: those that are left without what is wrong. */
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
function neverReached(faults: readonly Fault[]): PlacedProblem[] {
  return faults.flatMap((ends, index) =>
    faults.flatMap((late, lateIndex): PlacedProblem[] => {
      const message = ends.answers ? clash(ends, late, lateIndex > index) : undefined;
      return message === undefined
        ? []
        : [{ path: [late.kind], kind: 'never-happens', message, side: 'value' }];
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

function place(problem: Problem, kind: string, provider: Provider): PlacedProblem {
  return {
    path: [kind, ...problem.path],
    kind: problem.kind,
    message: problem.message + hintFor(problem, provider),
    side: 'value',
  };
}

/** What was meant instead of an unknown word; a code may be right but another provider's. */
function hintFor({ unknown }: Problem, provider: Provider): string {
  if (unknown === undefined) return '';
  const { word, known } = unknown;
  const meant = suggest(word, known);
  if (meant !== undefined) return `. did you mean "${meant}"?`;
  const owners = providerNames().filter((name) => findEntry(loadProvider(name), word) !== undefined);
  if (owners.length > 0) return `. it is a code of ${owners.join(', ')}`;
  return didYouMean(word, known) || `. "brownout catalog --provider ${provider.name}" lists what there is`;
}
