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

/** Instructions a session may have. */
const MOST_INSTRUCTIONS = 1000;

/** Characters of a plan, counted as often as aliases repeat them: reports have all of it. */
const LARGEST = 1024 ** 2;

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

/** A session as it is asked for, for diagnostics. */
const sessionSchema = z.strictObject(
  {
    key: keySchema.describe('What its requests have in common: all that is given must hold'),
    plan: z
      .record(z.string(), z.array(z.union([z.string(), anyFault])).min(1))
      .describe('Instructions by operation, or by operation and part number: UploadPart#3'),
    provider: providerSchema.optional().describe('Whose codes these are; left out: that of the proxy'),
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
      .describe('How long after its last request it ends; left out: 15m'),
  },
  { error: ({ code }) => (code === 'invalid_type' ? NO_MAP : undefined) },
);

/** An instruction, made faults; one for all that say the same. */
export interface CompiledInstruction extends Pick<CompiledFaults, 'faults' | 'settings'> {
  readonly stated: Instruction;
}

/** The instructions under one key of a plan. */
export interface InstructionList {
  /** As the plan states it: `UploadPart#3`. */
  readonly name: string;
  readonly operation: Operation;
  readonly part: number | undefined;
  readonly orders: readonly CompiledInstruction[];
}

/** A session that has nothing wrong with it. */
export interface Plan {
  readonly key: SessionKey;
  readonly provider: Provider;
  readonly seed: number | string;
  /** ms after its last request. */
  readonly expires: number;
  readonly agendas: readonly InstructionList[];
  /** In characters, as its report will have them. */
  readonly size: number;
}

/** Reads a session from a text in YAML or JSON, or from an object. Throws {@link BadRules}. */
export function readPlan(source: RuleSource, provider: string | undefined): Plan {
  const { read, diagnostics } = readSource(source);
  if (read === undefined) throw new BadRules(diagnostics);
  const size = sizeOf(read.value, LARGEST);
  if (size > LARGEST) throw new BadRules([read.diagnostic([], 'value', 'too-large', TOO_LARGE)]);
  const checked = check(sessionSchema, read.value);
  const { agendas, findings } = readAgendas(read.value, provider);
  const all = [...('findings' in checked ? checked.findings : []), ...findings];
  const said = [...diagnostics, ...diagnosticsOf(all, read, source.name)];
  if ('findings' in checked || said.length > 0) throw new BadRules(inReadingOrder(said));
  const { key, seed = newSeed(), expires = 15 * 60_000 } = checked.value;
  // One of them is there: `readAgendas` has asked for it.
  const theirs = loadProvider(checked.value.provider ?? provider ?? '');
  return { key, provider: theirs, seed, expires, agendas, size };
}

const TOO_LARGE = `a session may have ${formatSize(LARGEST)}, what aliases repeat counted each time. make several of it`;

/** Goes by the raw plan, not the checked one: a typo in one place must not hide an unknown code in the next. */
function readAgendas(
  session: unknown,
  otherwise: string | undefined,
): { agendas: InstructionList[]; findings: PlacedProblem[] } {
  const nothingBut = (...findings: PlacedProblem[]) => ({ agendas: [], findings });
  const wanted = getProperty(session, 'provider') ?? otherwise;
  const plan = getProperty(session, 'plan');
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan)) return nothingBut();
  const entries = Object.entries(plan);
  const count = entries.reduce((sum, [, list]) => sum + (Array.isArray(list) ? list.length : 0), 0);
  if (entries.length === 0) return nothingBut(at(['plan'], 'missing-key', NO_PLAN, 'key'));
  if (count > MOST_INSTRUCTIONS) return nothingBut(at(['plan'], 'too-large', tooMany(count), 'key'));
  const isKnown = typeof wanted === 'string' && providerNames().includes(wanted);
  const read = orderReader(isKnown ? loadProvider(wanted) : undefined);
  const names = new Map<string, string>();
  const findings = wanted === undefined ? [at(['plan'], 'missing-key', NO_PROVIDER, 'key')] : [];
  const agendas = entries.map(([name, list]): InstructionList => {
    const path = ['plan', name];
    const place = readPlace(name);
    findings.push(...place.problems.map(({ kind, message }) => at(path, kind, message, 'key')));
    if (place.problems.length === 0) findings.push(...takeName(place, name, names));
    const orders = (Array.isArray(list) ? list : []).map((stated: unknown, index): CompiledInstruction => {
      const made = read(stated);
      findings.push(...made.findings.map((each) => ({ ...each, path: [...path, index, ...each.path] })));
      return made.order;
    });
    return { name, operation: place.operation, part: place.part, orders };
  });
  return { agendas, findings };
}

const NO_PROVIDER = `no provider is set, so nobody knows its codes. put "provider": "${DEFAULT_PROVIDER}" (or another) beside the plan`;
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

/** Requests that say which part of an upload they are about. */
const OF_PARTS: readonly Operation[] = ['UploadPart', 'UploadPartCopy'];

/** What a key of a plan means, or why it means nothing. */
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
  // Of an operation that there is not, nothing can be said.
  if (problems.length > 0) return { operation, part, problems };
  if (part === undefined) {
    const message = `"${number}" is no part number; parts count from 1, as in ${name}#3`;
    return { operation, part, problems: [{ kind: 'bad-notation', message }] };
  }
  if (OF_PARTS.includes(operation)) return { operation, part, problems };
  const message = `${operation} is about no part. to let earlier requests pass, put "forward" into its list for each`;
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

/** Reads instructions, each once however often it is said: the same code, or the same map by an alias. */
function orderReader(
  provider: Provider | undefined,
): (stated: unknown) => { order: CompiledInstruction; findings: readonly PlacedProblem[] } {
  const known = new Map<unknown, { order: CompiledInstruction; findings: readonly PlacedProblem[] }>();
  return (stated) => {
    const before = known.get(stated);
    if (before !== undefined) return before;
    const { findings, faults, settings } = readInstruction(stated, provider);
    // What is none has findings, here or by the schema, and the plan is refused.
    const read = { order: { stated: stated as Instruction, faults, settings }, findings };
    known.set(stated, read);
    return read;
  };
}

/** Paths of its findings begin below the instruction. */
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
