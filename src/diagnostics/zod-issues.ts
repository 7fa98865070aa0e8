import { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import type { Side } from './placed-value.ts';
import { PROBLEM_KINDS, type Problem, type ProblemKind } from './problem.ts';

/** Problem that is either in the key at its path or in the value of this key. */
export interface PlacedProblem extends Problem {
  readonly side: Side;
}

// Marks the messages that zod made itself. Messages that a schema states are sentences already.
const MARK = '\0';
const IN = '\u0001';

/** Checks a value by a schema. Returns the value as read, or its problems in plain sentences. */
export function check<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
): { value: Value } | { findings: PlacedProblem[] } {
  const result = schema.safeParse(value, { error: mark });
  return result.success
    ? { value: result.data }
    : { findings: result.error.issues.flatMap((issue) => problemsOf(issue, value, [])) };
}

/** Puts the known keys, and those one level below, into the message: only here does zod name the schema of an issue. */
function mark({ inst }: z.core.$ZodRawIssue): string {
  if (!(inst instanceof z.ZodObject)) return MARK;
  const below = Object.entries(inst.shape).flatMap(([key, schema]) => {
    const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
    return inner instanceof z.ZodObject ? Object.keys(inner.shape).map((each) => `${key}${IN}${each}`) : [];
  });
  return MARK + [...Object.keys(inst.shape), ...below].join(MARK);
}

/** Says where an unknown key belongs, or suggests another key. */
function hintFor(key: string, marked: string): string {
  const keys = marked.startsWith(MARK) ? marked.slice(1).split(MARK) : [];
  const parent = keys.find((each) => each.endsWith(`${IN}${key}`));
  if (parent !== undefined) return `. it belongs in "${parent.slice(0, -key.length - IN.length)}"`;
  return didYouMean(
    key,
    keys.filter((each) => !each.includes(IN)),
  );
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, root: unknown, above: readonly PropertyKey[]): PlacedProblem[] {
  const path = [...above, ...issue.path];
  const value = path.reduce(getProperty, root);
  if (issue.code === 'invalid_union') {
    const branch = closest(issue.errors, value);
    if (branch !== undefined) return branch.flatMap((inner) => problemsOf(inner, root, path));
    const [own] = ownMessages(issue);
    if (own !== undefined) return [finding(path, 'wrong-type', own, value)];
    const types = typesOf(issue);
    const hint = types.includes('text') ? quoting(value) : '';
    const message = `${labelOf(path)} must be ${alternatives(types)}${hint}`;
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

/** Returns the kind of an issue; a check of our own states it (`ofKind`). */
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
  // A missing value has no place, so the path is that of its map.
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

/** Advises quotes if YAML reads a text as a number or a boolean. */
function quoting(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? '. put it in quotes' : '';
}

/** Returns the branch of a union that fits the type of the value; of several, the one with the fewest issues. */
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

/** Lists the sentences that a union and its branches state for a value of the wrong type. */
function ownMessages(issue: Issue): string[] {
  if (!issue.message.startsWith(MARK)) return [issue.message];
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(ownMessages) : [];
}

/** Lists the types that the branches of a union accept. */
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

/** Lists words as alternatives: `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function labelOf(path: readonly PropertyKey[]): string {
  const key = keyOf(path);
  return path.at(-1) === key ? String(key) : `each of ${key}`;
}

/** Returns the last key of a path; for an item of a list, the key of the list. */
function keyOf(path: readonly PropertyKey[]): string | undefined {
  return path.findLast((part) => typeof part === 'string');
}

/** Returns the property of an unchecked value; `undefined` if it is no map or list that has it. */
export function getProperty(value: unknown, key: PropertyKey): unknown {
  // `Reflect.get` reads any object by any key without a claim about its type.
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;
}

/** Narrows the type of a path: keys in YAML are never symbols. */
function placed(path: readonly PropertyKey[]): (string | number)[] {
  return path.filter((part) => typeof part !== 'symbol');
}
