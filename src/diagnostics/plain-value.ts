import { aboutFile, BadRules } from './diagnostic.ts';
import type { Path, PlacedValue } from './placed-value.ts';
import type { ProblemKind } from './problem.ts';
import type { ValueSource } from './source.ts';

/** Levels of maps and lists, at most: with more, the YAML parser takes seconds before it gives up. */
export const DEEPEST = 500;

export const TOO_DEEP = 'maps and lists are nested too deep for a rule file';
export const NO_SUCH_KEY = 'no key of a rule file can be called "__proto__"';
const PART_OF_ITSELF = 'this has a map or a list that contains itself';

/**
 * Makes a source of a value that a program gives. The source is a copy: later changes of the value change no rule. Throws
 * {@link BadRules} if YAML cannot have the value.
 */
export function valueSource(name: string, given: unknown): ValueSource {
  const path: (string | number)[] = [];
  const above: object[] = [];
  const refusal = (kind: ProblemKind, message: string) =>
    new BadRules([aboutFile(name, kind, message, pathText(path))]);
  const copyAt = (step: string | number, part: unknown): unknown => {
    path.push(step);
    const copied = copy(part);
    path.pop();
    return copied;
  };
  const copy = (part: unknown): unknown => {
    const value = plainValue(part);
    if (typeof value === 'number' && isRequestText(path)) return String(value);
    if (NOT_IN_YAML.has(typeof value))
      throw refusal('wrong-type', `a ${typeof value} is not a text, number, list or map`);
    if (typeof value !== 'object' || value === null) return value;
    if (above.includes(value)) throw refusal('bad-yaml', PART_OF_ITSELF);
    if (above.length >= DEEPEST) throw refusal('too-large', TOO_DEEP);
    if (Object.hasOwn(value, '__proto__')) throw refusal('unknown-key', NO_SUCH_KEY);
    above.push(value);
    const copied = Array.isArray(value)
      ? Array.from(value, (item, at) => copyAt(at, item ?? null))
      : copyMap(value);
    above.pop();
    return copied;
  };
  const copyMap = (map: object): object => {
    const given = Object.entries(map).filter(([, part]) => part !== undefined);
    return Object.fromEntries(given.map(([key, part]) => [key, copyAt(key, part)]));
  };
  return { name, value: copy(given) };
}

/** Returns what JSON has in the place of a value: of a URL and of a date, their text. */
function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return value;
  const { toJSON } = value;
  return typeof toJSON === 'function' ? toJSON.call(value) : value;
}

const NOT_IN_YAML: ReadonlySet<string> = new Set(['function', 'symbol', 'bigint']);

/** Makes the placed value of a source that is no text; the place of a part is its path. */
export function placedByPath({ name, value }: ValueSource): PlacedValue {
  return {
    value,
    lineOf: () => undefined,
    placeOf: (path) => `${name}:${pathText(path)}`,
    diagnostic: (path, _side, kind, message) => aboutFile(name, kind, message, pathText(path)),
  };
}

/** Writes a path: `rules[0].fault.error.headers["x-a"]`; '' for the whole value. */
function pathText(path: Path): string {
  const steps = path.map((step) =>
    typeof step === 'string' && /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
  );
  return steps.join('').replace(/^\./, '');
}

/** Returns true if a number at this path is text: in a request, `007` is not 7, and an id may have twenty digits. */
export function isRequestText(path: Path): boolean {
  const [match, map] = path.filter((step) => typeof step === 'string').slice(-3);
  return match === 'match' && (map === 'query' || map === 'headers');
}
