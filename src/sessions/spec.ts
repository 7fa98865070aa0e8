import { z } from 'zod';
import { loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import type { FaultSettings } from '../faults/index.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import { duration } from '../quantity.ts';
import { newSeed } from '../random.ts';
import type { Operation } from '../request/operation.ts';
import { sayFindings } from '../rules/compile.ts';
import { type CompiledFaults, compileFaults } from '../rules/compile-faults.ts';
import { BadRules, inReadingOrder, type Source } from '../rules/diagnose.ts';
import { check, type Finding, step } from '../rules/issues.ts';
import { compileMatch } from '../rules/match.ts';
import { faultSchema, operationSchema, providerSchema, type Rule } from '../rules/rule.ts';
import { didYouMean, suggest } from '../rules/suggest.ts';
import { Counts, compileTrigger } from '../rules/trigger.ts';
import { parseNumberRange } from '../rules/values.ts';
import { readYaml, type Yaml } from '../rules/yaml.ts';
import { keySchema, type SessionKey } from './key.ts';

/** What the metrics call the rules of sessions: one name for all, as each value of a label is kept for good. */
const LABEL = 'session';

/** Instructions a session may have. */
const MOST_INSTRUCTIONS = 1000;

/** ms that Node's timers can wait: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/** Lets one request pass that would have met what comes next. */
const FORWARD = 'forward';

/** One thing that is to happen once: an error by its code, faults as a rule states them, or `forward`. */
export type Instruction = string | FaultSettings;

/** A session as it is asked for. */
export interface SessionSpec {
  readonly key: SessionKey;
  /** Instructions by operation (`PutObject`), or by operation and part number (`UploadPart#3`); each list is met in order. */
  readonly plan: Readonly<Record<string, readonly Instruction[]>>;
  /** Whose codes these are; that of the proxy if left out. */
  readonly provider?: string | undefined;
  readonly seed?: number | string | undefined;
  /** How long after its last request the session ends, as a duration; 15m if left out. */
  readonly expires?: string | undefined;
}

const NO_MAP = 'a session is a map with the keys key, plan, provider, seed and expires';

/** A session as it is asked for; for diagnostics and the JSON Schema. */
export const sessionSchema = z.strictObject(
  {
    key: keySchema.describe('What its requests have in common: all that is given must hold'),
    plan: z
      .record(z.string(), z.array(z.union([z.string(), faultSchema])).min(1))
      .describe('Instructions by operation, or by operation and part number: UploadPart#3'),
    provider: providerSchema.optional().describe('Whose codes these are; left out: that of the proxy'),
    seed: z
      .union([z.number(), z.string().min(1)])
      .optional()
      .describe('Makes the dice repeatable'),
    expires: duration
      .refine((ms) => ms >= 1 && ms <= LONGEST, {
        error: 'a session ends between 1ms and 596h after its last request',
      })
      .optional()
      .describe('How long after its last request it ends; left out: 15m'),
  },
  { error: ({ code }) => (code === 'invalid_type' ? NO_MAP : undefined) },
);

/** The instructions under one key of a plan. */
export interface Agenda {
  /** As the plan states it: `UploadPart#3`. */
  readonly name: string;
  readonly operation: Operation;
  readonly part: number | undefined;
  readonly rules: readonly Rule[];
}

/** A session that has nothing wrong with it. */
export interface Plan {
  readonly key: SessionKey;
  readonly provider: string;
  readonly seed: number | string;
  /** ms after its last request. */
  readonly expires: number;
  readonly agendas: readonly Agenda[];
}

/** Reads a session from YAML or JSON; each instruction becomes a rule. Throws {@link BadRules}. */
export function readPlan(source: Source, id: string, provider: string | undefined): Plan {
  const { yaml, diagnostics } = readYaml(source);
  if (yaml === undefined) throw new BadRules(diagnostics);
  const checked = check(sessionSchema, yaml.value);
  const { lists, findings } = readLists(yaml, provider);
  const all = [...('findings' in checked ? checked.findings : []), ...findings];
  const said = [...diagnostics, ...sayFindings(all, yaml, source.name)];
  if ('findings' in checked || said.length > 0) throw new BadRules(inReadingOrder(said));
  const { key, seed = newSeed(), expires = 15 * 60_000 } = checked.value;
  return {
    key,
    provider: checked.value.provider ?? provider ?? '', // one of them is there: `readLists` has asked for it
    seed,
    expires,
    agendas: lists.map((list) => ({ ...list, rules: rulesOf(list, id, seed) })),
  };
}

/** The instructions under one key, made faults. */
interface List extends Omit<Agenda, 'rules'> {
  readonly instructions: readonly Made[];
}

interface Made extends Omit<CompiledFaults, 'findings'> {
  readonly stated: unknown;
  readonly provider: Provider;
  readonly line: number;
}

/** Goes by the raw plan, not the checked one: a typo in one place must not hide an unknown code in the next. */
function readLists(yaml: Yaml, otherwise: string | undefined): { lists: List[]; findings: Finding[] } {
  const wanted = step(yaml.value, 'provider') ?? otherwise;
  const plan = step(yaml.value, 'plan');
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan)) return { lists: [], findings: [] };
  if (wanted === undefined) return { lists: [], findings: [at(['plan'], NO_PROVIDER, 'key')] };
  const entries = Object.entries(plan);
  const count = entries.reduce((sum, [, list]) => sum + (Array.isArray(list) ? list.length : 0), 0);
  if (entries.length === 0) return { lists: [], findings: [at(['plan'], NO_PLAN, 'key')] };
  if (count > MOST_INSTRUCTIONS) return { lists: [], findings: [at(['plan'], tooMany(count), 'key')] };
  if (typeof wanted !== 'string' || !providerNames().includes(wanted)) return { lists: [], findings: [] };
  const provider = loadProvider(wanted);
  const names = new Map<string, string>();
  const findings: Finding[] = [];
  const lists = entries.map(([name, list]) => {
    const path = ['plan', name];
    const place = readPlace(name);
    findings.push(...place.problems.map((message) => at(path, message, 'key')));
    if (place.problems.length === 0) findings.push(...takeName(place, name, names));
    const instructions = (Array.isArray(list) ? list : []).map((stated: unknown, index): Made => {
      const made = readInstruction(stated, provider);
      findings.push(...made.findings.map((each) => ({ ...each, path: [...path, index, ...each.path] })));
      return { ...made, stated, provider, line: yaml.lineOf([...path, index]) };
    });
    return { name, operation: place.operation, part: place.part, instructions };
  });
  return { lists, findings };
}

const NO_PROVIDER =
  'no provider is set, so nobody knows its codes. put "provider": "aws-s3" (or another) beside the plan';
const NO_PLAN = 'the plan is empty. it needs an operation, for example { PutObject: [SlowDown] }';

function tooMany(count: number): string {
  return `a session may have ${MOST_INSTRUCTIONS} instructions, and these are ${count}`;
}

function at(path: (string | number)[], message: string, side: Finding['side']): Finding {
  return { path, message, side };
}

/** Requests that say which part of an upload they are about. */
const OF_PARTS: readonly Operation[] = ['UploadPart', 'UploadPartCopy'];

/** What a key of a plan means, or why it means nothing. */
interface Place extends Pick<Agenda, 'operation' | 'part'> {
  readonly problems: readonly string[];
}

/** Reads `UploadPart` or `UploadPart#3`. */
function readPlace(text: string): Place {
  const [name = '', ...rest] = text.split('#');
  const checked = check(operationSchema, name);
  const problems = 'findings' in checked ? checked.findings.map(({ message }) => message) : [];
  const operation = 'value' in checked ? checked.value : name;
  if (rest.length === 0) return { operation, part: undefined, problems };
  const number = rest.join('#');
  const part = /^[1-9]\d{0,4}$/.test(number) ? Number(number) : undefined;
  const problem =
    part === undefined
      ? `"${number}" is no part number; parts count from 1, as in ${name}#3`
      : OF_PARTS.includes(operation)
        ? undefined
        : `${operation} is about no part. to let earlier requests pass, put "forward" into its list for each`;
  // Of an operation that there is not, nothing can be said.
  if (problems.length > 0 || problem === undefined) return { operation, part, problems };
  return { operation, part, problems: [problem] };
}

function takeName({ operation, part }: Place, name: string, names: Map<string, string>): Finding[] {
  const meaning = `${operation}#${part}`;
  const other = names.get(meaning);
  if (other === undefined) names.set(meaning, name);
  if (other === undefined) return [];
  return [at(['plan', name], `"${name}" means the same as "${other}". make one list of them`, 'key')];
}

/** Paths of its findings begin below the instruction. */
function readInstruction(stated: unknown, provider: Provider): CompiledFaults {
  const none = { faults: [], settings: {}, findings: [] };
  if (typeof stated !== 'string') return compileFaults(stated, provider, { folder: undefined });
  if (stated === FORWARD) return none;
  const kind = FAULT_KINDS.find(({ name }) => name === stated);
  if (kind !== undefined) {
    const message = `"${stated}" is a kind of fault and no code. it takes settings, as in { ${stated}: … }`;
    return { ...none, findings: [at([], message, 'value')] };
  }
  if (suggest(stated, [FORWARD]) !== undefined) {
    const message = `unknown instruction "${stated}"${didYouMean(stated, [FORWARD])}`;
    return { ...none, findings: [at([], message, 'value')] };
  }
  const made = compileFaults({ error: stated }, provider, { folder: undefined });
  return { ...made, findings: made.findings.map((each) => ({ ...each, path: [] })) };
}

/** A rule for each instruction, which fires once: together they are met in order. */
function rulesOf({ name, operation, part, instructions }: List, id: string, seed: number | string): Rule[] {
  const match = compileMatch({
    operation: [operation],
    ...(part !== undefined && { part: [parseNumberRange(part)] }),
  });
  const now = performance.now();
  return instructions.map(({ stated, faults, settings, provider, line }, index) => {
    const place = `${name}, ${index + 1} of ${instructions.length}`;
    const rolls = faults.some((fault) => fault.rolls);
    return {
      name: `session ${id}: ${place}`,
      label: LABEL,
      file: `session ${id}`,
      line,
      provider,
      match,
      // Without the id, which is another one in each run.
      trigger: compileTrigger({ limit: 1 }, seed, place, rolls),
      faults,
      spec: stated,
      settings,
      seed,
      counts: new Counts(now),
    };
  });
}
