import { alternatives } from '../diagnostics/zod-issues.ts';
import type { NumberRange } from '../notation/ranges.ts';
import { exactSize } from '../notation/units.ts';
import type { MatchSpec } from './rule-schema.ts';

/** Values of a list that a sentence names, at most; it counts the rest. */
const MOST_NAMED = 4;

/** Characters of a value in a sentence, at most. */
const LONGEST_VALUE = 80;

/** Says which requests a match is for: `UploadPart of keys like backups/**`, or `every request`. */
export function describeMatch(spec: MatchSpec): string {
  const { operation, bucket, key, path, accessKey, client, attempt } = spec;
  const objects = [named('key', key), named('path', path)].flat();
  const { having, lacking } = parts(spec);
  const phrases = [
    ...(objects.length > 0 ? [`${operation ? 'of' : 'for'} ${objects.join(' and ')}`] : []),
    ...named('bucket', bucket).map((text) => `in ${text}`),
    ...(having.length > 0 ? [`with ${together(having)}`] : []),
    ...(lacking.length > 0 ? [`without ${alternatives(lacking)}`] : []),
    ...named('access key', accessKey).map((text) => `signed by ${text}`),
    ...(client ? [`from ${someOf(client.map(({ text }) => text))}`] : []),
    ...(attempt ? [`on ${numbered('attempt', attempt, 'or later')}`] : []),
  ];
  return [subject(spec, phrases.length > 0), ...phrases].join(' ');
}

function subject({ operation, method }: MatchSpec, isNarrowed: boolean): string {
  if (operation) return `${someOf(operation)}${method ? ` by ${someOf(method)}` : ''}`;
  if (method) return `${someOf(method)} requests`;
  return isNarrowed ? 'requests' : 'every request';
}

/** Lists the parts that a request must have, and those that it must not have. */
function parts({ part, size, callback, query = {}, headers = {} }: MatchSpec) {
  const having: string[] = [];
  const lacking: string[] = [];
  if (part) having.push(numbered('part number', part, 'or more'));
  if (size) {
    const sizes = size.map(({ operator, bytes }) => COMPARED[operator](exactSize(bytes)));
    having.push(`a size of ${someOf(sizes)}`);
  }
  if (callback !== undefined) (callback ? having : lacking).push('a callback');
  const all = [
    ...Object.entries(query).map(([name, wanted]) => ['query parameter', name, '=', wanted] as const),
    ...Object.entries(headers).map(([name, wanted]) => ['header', name, ': ', wanted] as const),
  ];
  for (const [what, name, sign, wanted] of all) {
    const thing = `${what} ${short(name)}`;
    if (typeof wanted === 'boolean') (wanted ? having : lacking).push(thing);
    else if (wanted.some(isGlob)) having.push(`${thing} like ${someOf(wanted)}`);
    else having.push(`${thing}${sign}${someOf(wanted)}`);
  }
  return { having, lacking };
}

const COMPARED: Readonly<Record<'>=' | '>' | '<=' | '<' | '=', (size: string) => string>> = {
  '>=': (size) => `${size} or more`,
  '>': (size) => `more than ${size}`,
  '<=': (size) => `${size} or less`,
  '<': (size) => `less than ${size}`,
  '=': (size) => `exactly ${size}`,
};

/** `bucket photos`, `keys like a/** or b/**`, `any key`; empty if the match has no such condition. */
function named(noun: string, wanted: readonly string[] | undefined): string[] {
  if (wanted === undefined) return [];
  if (wanted.includes('**')) return [`any ${noun}`];
  return [wanted.some(isGlob) ? `${noun}s like ${someOf(wanted)}` : `${noun} ${someOf(wanted)}`];
}

/** `attempt 2`, `attempts 1 to 2`, `attempt 2 or later`. */
function numbered(noun: string, ranges: readonly NumberRange[], andUp: string): string {
  const isOne = ranges.length === 1 && ranges.every(({ from, to }) => from === to || to === Infinity);
  const words = ranges.map(({ from, to }) =>
    from === to ? String(from) : to === Infinity ? `${from} ${andUp}` : `${from} to ${to}`,
  );
  return `${noun}${isOne ? '' : 's'} ${someOf(words)}`;
}

function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

function someOf(words: readonly string[]): string {
  const isLong = words.length > MOST_NAMED;
  const shown = isLong ? words.slice(0, MOST_NAMED - 1) : words;
  return alternatives([...shown.map(short), ...(isLong ? [`${words.length - shown.length} more`] : [])]);
}

function short(word: string): string {
  return word.length > LONGEST_VALUE ? `${word.slice(0, LONGEST_VALUE)}…` : word;
}

function together(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
