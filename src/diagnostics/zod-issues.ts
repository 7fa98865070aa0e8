import { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import type { Side } from './placed-value.ts';
import { PROBLEM_KINDS, type Problem, type ProblemKind } from './problem.ts';

/** A problem, and whether the key at its path is at fault or what the key leads to. */
export interface PlacedProblem extends Problem {
  readonly side: Side;
}

// Marks the messages that zod made up itself: those a schema states are sentences already.
const MARK = '\0';
const IN = '\u0001';

/** Checks a value by a schema: the value as read, or what is wrong with it in plain sentences. */
export function check<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
): { value: Value } | { findings: PlacedProblem[] } {
  const result = schema.safeParse(value, { error: mark });
  return result.success
    ? { value: result.data }
    : { findings: result.error.issues.flatMap((issue) => say(issue, value, [])) };
}

/** Only here does zod say which schema met the issue; the known keys, and those one level below, travel on in the message. */
function mark({ inst }: z.core.$ZodRawIssue): string {
  if (!(inst instanceof z.ZodObject)) return MARK;
  const below = Object.entries(inst.shape).flatMap(([key, schema]) => {
    const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
    return inner instanceof z.ZodObject ? Object.keys(inner.shape).map((each) => `${key}${IN}${each}`) : [];
  });
  return MARK + [...Object.keys(inst.shape), ...below].join(MARK);
}

/** Where an unknown key belongs, or what was meant by it. */
function hintFor(key: string, marked: string): string {
  const keys = marked.startsWith(MARK) ? marked.slice(1).split(MARK) : [];
  const home = keys.find((each) => each.endsWith(`${IN}${key}`));
  if (home !== undefined) return `. it belongs in "${home.slice(0, -key.length - IN.length)}"`;
  return didYouMean(
    key,
    keys.filter((each) => !each.includes(IN)),
  );
}

type Issue = z.core.$ZodIssue;

function say(issue: Issue, root: unknown, above: readonly PropertyKey[]): PlacedProblem[] {
  const path = [...above, ...issue.path];
  const value = path.reduce(getProperty, root);
  if (issue.code === 'invalid_union') {
    const branch = closest(issue.errors, value);
    if (branch !== undefined) return branch.flatMap((inner) => say(inner, root, path));
    const [own] = statedBy(issue);
    if (own !== undefined) return [finding(path, 'wrong-type', own, value)];
    const types = typesOf(issue);
    const wayOut = types.includes('text') ? quoting(value) : '';
    const message = `${labelOf(path)} must be ${alternatives(types)}${wayOut}`;
    return [finding(path, value === undefined ? 'missing-key' : 'wrong-type', message, value)];
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: placed([...path, key]),
      kind: 'unknown-key',
      message: `unknown key "${key}"${hintFor(key, issue.message)}`,
      side: 'key',
    }));
  }
  const message = issue.message.startsWith(MARK) ? sentence(issue, path, value) : issue.message;
  return [finding(path, kindOf(issue, value), message, value)];
}

/** The kind of an issue; a check of our own states it (`ofKind`). */
function kindOf(issue: Issue, value: unknown): ProblemKind {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined && issue.path.length > 0 ? 'missing-key' : 'wrong-type';
    case 'too_small':
    case 'too_big':
      return 'out-of-range';
    case 'invalid_value':
      return typeof value === 'string' ? 'unknown-value' : 'wrong-type';
    case 'custom':
      return PROBLEM_KINDS.find((kind) => kind === issue.params?.kind) ?? 'bad-notation';
    default:
      return 'bad-notation';
  }
}

function finding(
  path: readonly PropertyKey[],
  kind: ProblemKind,
  message: string,
  value: unknown,
): PlacedProblem {
  // What is not there has no place: its map has.
  return { path: placed(value === undefined ? path.slice(0, -1) : path), kind, message, side: 'value' };
}

function sentence(issue: Issue, path: readonly PropertyKey[], value: unknown): string {
  const label = labelOf(path);
  switch (issue.code) {
    case 'invalid_type':
      if (path.length === 0) return 'a rule file is a map with the keys provider, seed and rules';
      if (value === undefined) return `"${label}" is missing`;
      return `${label} must be ${nameOf(issue.expected)}${issue.expected === 'string' ? quoting(value) : ''}`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return `${label} must not be empty`;
      return `${label} must be at least ${issue.minimum}`;
    case 'too_big':
      return `${label} must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
    case 'invalid_value':
      if (typeof value !== 'string') return `${label} must be ${alternatives(issue.values.map(String))}`;
      return `unknown ${keyOf(path) ?? 'value'} "${value}"${didYouMean(value, issue.values.map(String))}`;
    default:
      return `${label} is not valid`;
  }
}

/** The way out for what YAML takes for something else than text. */
function quoting(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? '. put it in quotes' : '';
}

/** The branch of a union that fits the kind of value given; of several the one that finds least wrong. */
function closest(branches: readonly Issue[][], value: unknown): Issue[] | undefined {
  const fitting = branches.filter((issues) => !issues.some((issue) => isWrongKind(issue, value)));
  return fitting.toSorted((a, b) => a.length - b.length)[0];
}

function isWrongKind(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return closest(issue.errors, value) === undefined;
  if (issue.code === 'invalid_value') return !issue.values.some((each) => typeof each === typeof value);
  return issue.code === 'invalid_type' && issue.expected !== 'int';
}

/** The sentences that a union and its branches have for a value of the wrong kind themselves. */
function statedBy(issue: Issue): string[] {
  if (!issue.message.startsWith(MARK)) return [issue.message];
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(statedBy) : [];
}

/** What the branches of a union would take. */
function typesOf(issue: Issue): string[] {
  if (issue.code === 'invalid_union') {
    const own = issue.errors.flatMap((issues) => issues.filter(({ path }) => path.length === 0));
    return [...new Set(own.flatMap(typesOf))];
  }
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code !== 'invalid_type') return [];
  return issue.expected === 'boolean' ? ['true', 'false'] : [nameOf(issue.expected)];
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function nameOf(kind: string): string {
  return NAMES[kind] ?? kind;
}

/** Words as a sentence lists what would do: `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function labelOf(path: readonly PropertyKey[]): string {
  const key = keyOf(path);
  return path.at(-1) === key ? String(key) : `each of ${key}`;
}

/** The key the path leads to; for an item of a list that of the list. */
function keyOf(path: readonly PropertyKey[]): string | undefined {
  return path.findLast((part) => typeof part === 'string');
}

/** What a value holds under a key, if it is a map or a list that has it; for values nobody has checked yet. */
export function getProperty(value: unknown, key: PropertyKey): unknown {
  // `Reflect.get` reads any object by any key without a claim about its type.
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;
}

/** YAML has no symbols for keys. */
function placed(path: readonly PropertyKey[]): (string | number)[] {
  return path.filter((part) => typeof part !== 'symbol');
}
