import type { z } from 'zod';
import { findEntry, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import { didYouMean, suggest } from '../diagnostics/did-you-mean.ts';
import type { Problem } from '../diagnostics/problem.ts';
import { check, getProperty, type PlacedProblem } from '../diagnostics/zod-issues.ts';
import type { CompileContext, Fault } from '../faults/fault.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import { isBehind, type Phase } from '../faults/point.ts';
import { faultSchema } from './rule-schema.ts';

/** Faults compiled from their settings, and the problems of these settings. Paths begin at the kind. */
export interface CompiledFaults {
  /** Faults in the order in which they act. */
  readonly faults: readonly Fault[];
  /** Settings as the rule states them, by kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly findings: readonly PlacedProblem[];
}

/** Compiles the faults of a rule and checks them by schema and catalog. Without a provider it checks the schema only. */
export function compileFaults(
  given: unknown,
  provider: Provider | undefined,
  context: CompileContext,
): CompiledFaults {
  const faults: Fault[] = [];
  const settings: Record<string, unknown> = {};
  // The schema around it reports a fault that is not a map.
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
    const { value, omitted } =
      'value' in checked
        ? { value: checked.value[kind.name], omitted: [] }
        : readValidPart(kind.schema, stated);
    if (value === undefined) continue; // no setting is valid
    const compiled = kind.compile(value, provider, context);
    if (!Array.isArray(compiled)) faults.push({ kind: kind.name, ...compiled });
    else findings.push(...problemsBeside(omitted, compiled).map((each) => place(each, kind.name, provider)));
  }
  return { faults, settings, findings: [...findings, ...neverReached(faults)] };
}

/** Reads the valid settings of a fault and leaves the others out; `omitted` has their names. */
function readValidPart(schema: z.ZodType<unknown>, settings: unknown): { value: unknown; omitted: string[] } {
  const checked = check(schema, settings);
  if ('value' in checked) return { value: checked.value, omitted: [] };
  const omitted = new Set(checked.findings.map(({ path }) => String(path[0])));
  if (typeof settings !== 'object' || settings === null) return { value: undefined, omitted: [] };
  const rest = check(
    schema,
    Object.fromEntries(Object.entries(settings).filter(([name]) => !omitted.has(name))),
  );
  return { value: 'value' in rest ? rest.value : undefined, omitted: [...omitted] };
}

/** Drops problems that only follow from a setting that was left out. */
function problemsBeside(omitted: readonly string[], problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ dependsOn }) => dependsOn === undefined || !omitted.includes(dependsOn));
}

/** Finds faults that cannot happen because an earlier fault ends the exchange. */
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

/** Says why a fault cannot happen beside one that ends the exchange. In one phase, faults act in the order of their kinds. */
function clash(ends: Fault, late: Fault, comesAfter: boolean): string | undefined {
  const end = ends.phase ?? 'headers';
  const { kind, phase } = late;
  if (phase === undefined || late === ends || PHASES.indexOf(phase) < PHASES.indexOf(end)) return undefined;
  const never = `"${kind}" never happens: it acts ${WHEN[phase]}, and "${ends.kind}" ends the exchange ${WHEN[end]}`;
  if (phase !== end) return never;
  if (comesAfter && late.answers) {
    return `"${ends.kind}" and "${kind}" both end the exchange ${WHEN[end]}. a rule can have one of them`;
  }
  // Within a body, each fault acts at its own place.
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

/** Suggests a word for an unknown one, or names the providers that have it as a code. */
function hintFor({ unknown }: Problem, provider: Provider): string {
  if (unknown === undefined) return '';
  const { word, known } = unknown;
  const meant = suggest(word, known);
  if (meant !== undefined) return `. did you mean "${meant}"?`;
  const owners = providerNames().filter((name) => findEntry(loadProvider(name), word) !== undefined);
  if (owners.length > 0) return `. it is a code of ${owners.join(', ')}`;
  return didYouMean(word, known) || `. "brownout catalog --provider ${provider.name}" lists all codes`;
}
