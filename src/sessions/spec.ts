import { z } from 'zod';
import { DEFAULT_PROVIDER, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import { BadRules, inReadingOrder } from '../diagnostics/diagnostic.ts';
import { didYouMean, suggest } from '../diagnostics/did-you-mean.ts';
import { ofKind, type ProblemKind } from '../diagnostics/problem.ts';
import { readSource } from '../diagnostics/read-source.ts';
import type { RuleSource } from '../diagnostics/source.ts';
import { sizeOf } from '../diagnostics/value-size.ts';
import { check, getProperty, type PlacedProblem } from '../diagnostics/zod-issues.ts';
import type { FaultSettings } from '../faults/index.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import { duration } from '../notation/quantity.ts';
import { formatSize } from '../notation/units.ts';
import type { Operation } from '../request/operation.ts';
import { diagnosticsOf } from '../rules/compile.ts';
import { type CompiledFaults, compileFaults } from '../rules/compile-faults.ts';
import { newSeed } from '../rules/dice.ts';
import { anyFault, operationSchema, providerSchema } from '../rules/rule-schema.ts';
import { keySchema, type SessionKey } from './key.ts';

/** Instructions of a session, at most. */
const MOST_INSTRUCTIONS = 1000;

/** Characters of a plan, at most. Parts that aliases repeat count each time, because reports repeat them too. */
const LARGEST = 1024 ** 2;

/** Longest time in ms that a timer of Node can wait: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/** Instruction that forwards one request. */
const FORWARD = 'forward';

/** Instruction for one request: the code of an error, faults as a rule states them, or `forward`. */
export type Instruction = string | FaultSettings;

/** Session as its creator states it. */
export interface SessionSpec {
  readonly key: SessionKey;
  /** Instructions by operation (`PutObject`), or by operation and part number (`UploadPart#3`); each list is taken in order. */
  readonly plan: Readonly<Record<string, readonly Instruction[]>>;
  /** Provider of the codes; left out: that of the proxy. */
  readonly provider?: string | undefined;
  readonly seed?: number | string | undefined;
  /** Time from its last request to its end, as a duration; left out: 15m. */
  readonly expires?: string | undefined;
}

const NO_MAP = 'a session is a map with the keys key, plan, provider, seed and expires';

/** Schema of a session. */
const sessionSchema = z.strictObject(
  {
    key: keySchema.describe('Conditions that its requests have in common; all must hold'),
    plan: z
      .record(z.string(), z.array(z.union([z.string(), anyFault])).min(1))
      .describe('Instructions by operation, or by operation and part number: UploadPart#3'),
    provider: providerSchema.optional().describe('Provider of the codes; left out: that of the proxy'),
    seed: z
      .union([z.number(), z.string().min(1)])
      .optional()
      .describe('Makes the dice repeatable'),
    expires: duration
      .refine((ms) => ms >= 1 && ms <= LONGEST, {
        error: 'a session ends between 1ms and 596h after its last request',
        ...ofKind('out-of-range'),
      })
      .optional()
      .describe('Time from its last request to its end; left out: 15m'),
  },
  { error: ({ code }) => (code === 'invalid_type' ? NO_MAP : undefined) },
);

/** Instruction with its compiled faults; equal instructions share one. */
export interface CompiledInstruction extends Pick<CompiledFaults, 'faults' | 'settings'> {
  readonly stated: Instruction;
}

/** Instructions under one key of a plan. */
export interface InstructionList {
  /** Key in the plan: `UploadPart#3`. */
  readonly name: string;
  readonly operation: Operation;
  readonly part: number | undefined;
  readonly instructions: readonly CompiledInstruction[];
}

/** Session without problems. */
export interface Plan {
  readonly key: SessionKey;
  readonly provider: Provider;
  readonly seed: number | string;
  /** Time in ms from its last request to its end. */
  readonly expires: number;
  readonly lists: readonly InstructionList[];
  /** Characters that its report will have. */
  readonly size: number;
}

/** Reads a session from a text in YAML or JSON, or from an object. Throws {@link BadRules}. */
export function readPlan(source: RuleSource, provider: string | undefined): Plan {
  const { read, diagnostics } = readSource(source);
  if (read === undefined) throw new BadRules(diagnostics);
  const size = sizeOf(read.value, LARGEST);
  if (size > LARGEST) throw new BadRules([read.diagnostic([], 'value', 'too-large', TOO_LARGE)]);
  const checked = check(sessionSchema, read.value);
  const { lists, findings } = readLists(read.value, provider);
  const all = [...('findings' in checked ? checked.findings : []), ...findings];
  const diagnosed = [...diagnostics, ...diagnosticsOf(all, read, source.name)];
  if ('findings' in checked || diagnosed.length > 0) throw new BadRules(inReadingOrder(diagnosed));
  const { key, seed = newSeed(), expires = 15 * 60_000 } = checked.value;
  // `readLists` has reported a session without a provider.
  const sessionProvider = loadProvider(checked.value.provider ?? provider ?? '');
  return { key, provider: sessionProvider, seed, expires, lists, size };
}

const TOO_LARGE = `a session may have ${formatSize(LARGEST)}; a part that aliases repeat counts each time. make several sessions of it`;

/** Reads the raw plan, not the checked one: a typo in one place must not hide an unknown code in the next. */
function readLists(
  session: unknown,
  fallback: string | undefined,
): { lists: InstructionList[]; findings: PlacedProblem[] } {
  const noLists = (...findings: PlacedProblem[]) => ({ lists: [], findings });
  const wanted = getProperty(session, 'provider') ?? fallback;
  const plan = getProperty(session, 'plan');
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan)) return noLists();
  const entries = Object.entries(plan);
  const count = entries.reduce((sum, [, list]) => sum + (Array.isArray(list) ? list.length : 0), 0);
  if (entries.length === 0) return noLists(at(['plan'], 'missing-key', NO_PLAN, 'key'));
  if (count > MOST_INSTRUCTIONS) return noLists(at(['plan'], 'too-large', tooMany(count), 'key'));
  const isKnown = typeof wanted === 'string' && providerNames().includes(wanted);
  const read = instructionReader(isKnown ? loadProvider(wanted) : undefined);
  const names = new Map<string, string>();
  const findings = wanted === undefined ? [at(['plan'], 'missing-key', NO_PROVIDER, 'key')] : [];
  const lists = entries.map(([name, list]): InstructionList => {
    const path = ['plan', name];
    const place = readPlace(name);
    findings.push(...place.problems.map(({ kind, message }) => at(path, kind, message, 'key')));
    if (place.problems.length === 0) findings.push(...takeName(place, name, names));
    const instructions = (Array.isArray(list) ? list : []).map(
      (stated: unknown, index): CompiledInstruction => {
        const made = read(stated);
        findings.push(...made.findings.map((each) => ({ ...each, path: [...path, index, ...each.path] })));
        return made.instruction;
      },
    );
    return { name, operation: place.operation, part: place.part, instructions };
  });
  return { lists, findings };
}

const NO_PROVIDER = `no provider is set, so its codes are unknown. put "provider": "${DEFAULT_PROVIDER}" (or another) beside the plan`;
const NO_PLAN = 'the plan is empty. it needs an operation, for example { PutObject: [SlowDown] }';

function tooMany(count: number): string {
  return `a session may have ${MOST_INSTRUCTIONS} instructions, and these are ${count}`;
}

function at(
  path: (string | number)[],
  kind: ProblemKind,
  message: string,
  side: PlacedProblem['side'],
): PlacedProblem {
  return { path, kind, message, side };
}

/** Operations whose requests have a part number. */
const OF_PARTS: readonly Operation[] = ['UploadPart', 'UploadPartCopy'];

/** Operation and part that a key of a plan means, or its problems. */
interface PlanTarget extends Pick<InstructionList, 'operation' | 'part'> {
  readonly problems: readonly Pick<PlacedProblem, 'kind' | 'message'>[];
}

/** Reads `UploadPart` or `UploadPart#3`. */
function readPlace(text: string): PlanTarget {
  const [name = '', ...rest] = text.split('#');
  const checked = check(operationSchema, name);
  const problems = 'findings' in checked ? checked.findings : [];
  const operation = 'value' in checked ? checked.value : name;
  if (rest.length === 0) return { operation, part: undefined, problems };
  const number = rest.join('#');
  const part = /^[1-9]\d{0,4}$/.test(number) ? Number(number) : undefined;
  // An unknown operation is the only problem to report.
  if (problems.length > 0) return { operation, part, problems };
  if (part === undefined) {
    const message = `"${number}" is no part number; parts count from 1, as in ${name}#3`;
    return { operation, part, problems: [{ kind: 'bad-notation', message }] };
  }
  if (OF_PARTS.includes(operation)) return { operation, part, problems };
  const message = `${operation} has no parts. to forward earlier requests, put "forward" into its list for each of them`;
  return { operation, part, problems: [{ kind: 'contradiction', message }] };
}

function takeName(
  { operation, part }: PlanTarget,
  name: string,
  names: Map<string, string>,
): PlacedProblem[] {
  const meaning = `${operation}#${part}`;
  const other = names.get(meaning);
  if (other === undefined) names.set(meaning, name);
  if (other === undefined) return [];
  const message = `"${name}" means the same as "${other}". make one list of them`;
  return [at(['plan', name], 'duplicate-key', message, 'key')];
}

/** Makes a reader that compiles equal instructions once: the same code, or the same map by an alias. */
function instructionReader(
  provider: Provider | undefined,
): (stated: unknown) => { instruction: CompiledInstruction; findings: readonly PlacedProblem[] } {
  const known = new Map<unknown, { instruction: CompiledInstruction; findings: readonly PlacedProblem[] }>();
  return (stated) => {
    const before = known.get(stated);
    if (before !== undefined) return before;
    const { findings, faults, settings } = readInstruction(stated, provider);
    // A value that is no instruction has findings, here or from the schema, and the plan is refused.
    const read = { instruction: { stated: stated as Instruction, faults, settings }, findings };
    known.set(stated, read);
    return read;
  };
}

/** Reads one instruction; the paths of its findings begin below it. */
function readInstruction(stated: unknown, provider: Provider | undefined): CompiledFaults {
  const none = { faults: [], settings: {}, findings: [] };
  if (typeof stated !== 'string') return compileFaults(stated, provider, { folder: undefined });
  if (stated === FORWARD) return none;
  const kind = FAULT_KINDS.find(({ name }) => name === stated);
  if (kind !== undefined) {
    const message = `"${stated}" is a kind of fault and no code. it takes settings, as in { ${stated}: … }`;
    return { ...none, findings: [at([], 'unknown-code', message, 'value')] };
  }
  if (suggest(stated, [FORWARD]) !== undefined) {
    const message = `unknown instruction "${stated}"${didYouMean(stated, [FORWARD])}`;
    return { ...none, findings: [at([], 'unknown-code', message, 'value')] };
  }
  const made = compileFaults({ error: stated }, provider, { folder: undefined });
  return { ...made, findings: made.findings.map((each) => ({ ...each, path: [] })) };
}
