const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Notation of durations; the end of each message about an invalid one. */
export const DURATION_HELP = 'durations are written 200ms, 2s, 1m or 1h';
/** Notation of sizes; the end of each message about an invalid one. */
export const SIZE_HELP = 'sizes are written 100B, 64KiB, 5MiB, 1GiB, or 64KB, 5MB, 1GB for powers of 1000';
const CONDITION_HELP = 'size conditions are written ">= 5MiB", "> 64KiB", "<= 1GiB", "< 100B" or "= 0B"';

function parseQuantity(text: string, units: Readonly<Record<string, number>>, noun: string, help: string) {
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-zµ]*)$/.exec(text.trim());
  const [, digits = '', unit = ''] = match ?? [];
  if (match === null) throw new Error(`"${text}" is not a ${noun}; ${help}`);
  if (unit === '' && Number(digits) !== 0) throw new Error(`"${text}" has no unit; ${help}`);
  const factor = unit === '' ? 1 : Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) throw new Error(`unknown unit "${unit}"; ${help}`);
  const value = Number(digits) * factor;
  if (!Number.isSafeInteger(Math.round(value))) throw new RangeError(`"${text}" is too large; ${help}`);
  return value;
}

/** Parses a duration of a rule file or a flag (`200ms`, `1.5s`, `1m`, `1h`) into ms. Throws an Error that says what is wrong. */
export function parseDuration(text: string): number {
  return parseQuantity(text, DURATION_UNITS, 'duration', DURATION_HELP);
}

/** Parses a size (`64KiB`, `5MB`, `100B`, or a plain number of bytes) into whole bytes. Throws an Error that says what is wrong. */
export function parseSize(size: string | number): number {
  if (typeof size === 'string') return Math.round(parseQuantity(size, SIZE_UNITS, 'size', SIZE_HELP));
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`${size} is not a whole number of bytes; ${SIZE_HELP}`);
  }
  return size;
}

/** Condition on a number of bytes, as in `match.size`. */
export interface SizeCondition {
  readonly operator: '>=' | '>' | '<=' | '<' | '=';
  readonly bytes: number;
  test(bytes: number): boolean;
}

const COMPARISONS: Readonly<Record<SizeCondition['operator'], (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '<': (a, b) => a < b,
  '=': (a, b) => a === b,
};

/** Parses a size condition (`>= 5MiB`, `< 100B`; a bare size means equal). Throws an Error that says what is wrong. */
export function parseSizeCondition(condition: string | number): SizeCondition {
  const match = /^\s*(>=|>|<=|<|=)\s*/.exec(String(condition));
  const operator = readOperator(match?.[1]);
  const rest = match === null ? condition : String(condition).slice(match[0].length);
  if (typeof rest === 'string' && !/^\s*\d/.test(rest)) {
    throw new Error(`"${condition}" is not a size condition; ${CONDITION_HELP}`);
  }
  const bytes = parseSize(rest);
  const compare = COMPARISONS[operator];
  return { operator, bytes, test: (size) => compare(size, bytes) };
}

function readOperator(text: string | undefined): SizeCondition['operator'] {
  return text === '>=' || text === '>' || text === '<=' || text === '<' ? text : '=';
}

/** Writes ms as rule files do, in the largest unit that keeps it short: `200ms`, `1.5s`, `2m`. */
export function formatDuration(ms: number): string {
  const unit = ms >= 3_600_000 && ms % 60_000 === 0 ? 'h' : ms >= 60_000 && ms % 1000 === 0 ? 'm' : 's';
  if (ms < 1000) return `${trim(ms)}ms`;
  return `${trim(ms / (DURATION_UNITS[unit] ?? 1))}${unit}`;
}

/** Writes bytes as rule files do, in binary units: `100B`, `64KiB`, `5MiB`. */
export function formatSize(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => bytes >= (SIZE_UNITS[name] ?? 1)) ?? 'B';
  return `${trim(bytes / (SIZE_UNITS[unit] ?? 1))}${unit}`;
}

/** Writes bytes in the largest binary unit that loses none of them: `5MiB`, but `5242881 bytes`. */
export function exactSize(bytes: number): string {
  const text = formatSize(bytes);
  return parseSize(text) === bytes ? text : `${bytes} bytes`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(2)));
}
