import { agree, defined } from './agree.ts';
import type { ErrorFields, ErrorMatch } from './error-match.ts';
import { withoutSecrets } from './private.ts';

/** Error of a text, merged of the matches of all formats. */
export interface MergedError {
  readonly from: number;
  readonly to: number;
  /** Names of the formats that found it. */
  readonly formats: readonly string[];
  readonly error: ErrorFields;
  /** Number of times that the error appears in a row. */
  readonly times: number;
  /** True if no format is sure that it is an error. */
  readonly isWeak: boolean;
  /** True if it is a whole request with its answer. */
  readonly isExchange: boolean;
}

/** Match with its format and the place of the format in the list. */
export interface NamedMatch extends ErrorMatch {
  readonly format: string;
  readonly rank: number;
}

/** Largest distance of matches of one error, in characters. */
const NEAR = 700;
/** Largest distance of neighbours, in characters. */
const BESIDE = 300;
/** Largest distance of an error and its hints, in characters. */
export const AROUND = 2500;

interface Group {
  from: number;
  to: number;
  matches: NamedMatch[];
}

/** Merges the matches of each error. Errors are in the order of the text. */
export function merge(text: string, matches: readonly NamedMatch[]): MergedError[] {
  const inOrder = [...matches].sort((a, b) => a.from - b.from || a.rank - b.rank);
  const groups: Group[] = [];
  for (const each of inOrder.filter(({ weight }) => weight === 'sure')) {
    const last = groups
      .slice(-3)
      .reverse()
      .find((group) => isSame(group, each));
    if (last !== undefined) add(last, each);
    else groups.push({ from: each.from, to: each.to, matches: [each] });
  }
  const all = withWeak(
    text,
    groups,
    inOrder.filter(({ weight }) => weight === 'weak'),
  );
  for (const hint of hintsIn(inOrder)) {
    const [nearest] = [...candidates(text, nearby(all, hint, AROUND), hint)].sort(
      (a, b) => distance(a, hint) - distance(b, hint),
    );
    if (nearest !== undefined && !isOfOtherEntry(text, nearest, hint)) nearest.matches.push(hint);
  }
  return all.map(toMergedError);
}

/** Returns the errors that a hint can belong to: a stack frame belongs to an error above it, and a word on another line replaces no value of an error. */
function candidates(text: string, close: readonly Group[], hint: ErrorMatch): readonly Group[] {
  const line = text.slice(text.lastIndexOf('\n', hint.from) + 1, hint.from).slice(0, 80);
  const above = /^\s{1,8}at /.test(line) ? close.filter(({ from }) => from < hint.from) : [];
  const among = above.length > 0 ? above : close;
  const sure = among.filter(
    (group) =>
      isBeside(text, group, hint) ||
      (distance(group, hint) < BESIDE && group.matches.some(({ weight }) => weight === 'sure')),
  );
  return sure.length > 0 ? sure : among;
}

/** Beginning of a line that is a log entry. */
export const BEGINS_ENTRY = /^[\s[(]{0,3}(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|time=)/;

/** Tells whether a match is in another log entry (a line that begins with a time), and so may belong to another request. */
function isOfOtherEntry(text: string, group: Group, hint: ErrorMatch): boolean {
  if (hint.isSum === true) return hint.to <= group.from;
  const before = text.slice(Math.max(0, hint.from - AROUND), hint.from);
  const line = hint.from - before.length + before.lastIndexOf('\n') + 1;
  const isBefore = hint.to <= group.from && text.slice(hint.to, group.from).includes('\n');
  const isBehind = hint.from >= group.to && text.slice(group.to, hint.from).includes('\n');
  return (isBefore || isBehind) && BEGINS_ENTRY.test(text.slice(line, line + 40));
}

/** Returns the hints outside of documents and messages, which may name another request. */
function hintsIn(inOrder: readonly NamedMatch[]): NamedMatch[] {
  let end = -1;
  return inOrder.filter(({ weight, from, to, fields, code, message }) => {
    const isText = fields !== undefined || (weight === 'weak' && message !== undefined && code === undefined);
    if (isText) end = Math.max(end, to);
    return weight === 'hint' && from >= end;
  });
}

/** Adds weak matches to a sure error that is near, or merges them with each other. */
function withWeak(text: string, sure: readonly Group[], weak: readonly NamedMatch[]): Group[] {
  const own: Group[] = [];
  for (const each of weak) {
    const close = nearby(sure, each, NEAR);
    const group =
      close.find((other) => agree(other.matches, each)) ??
      own
        .slice(-3)
        .reverse()
        .find((other) => isSame(other, each));
    if (group !== undefined && own.includes(group)) add(group, each);
    else if (group !== undefined) {
      if (group.matches.length < MOST_OF_ONE) group.matches.push(each);
    } else {
      // A message may name other codes.
      const around = [...close, ...own.slice(-3).filter((other) => distance(other, each) === 0)];
      if (around.some((other) => isBeside(text, other, each))) continue;
      own.push({ from: each.from, to: each.to, matches: [each] });
    }
  }
  return [...sure, ...own].sort((a, b) => a.from - b.from);
}

/** Tells whether two matches share a line. */
function isBeside(text: string, group: Group, { from, to }: Pick<ErrorMatch, 'from' | 'to'>): boolean {
  const between = from > group.to ? text.slice(group.to, from) : text.slice(to, Math.max(to, group.from));
  return distance(group, { from, to }) < BESIDE && !between.includes('\n');
}

/** Number of matches of one error that later ones are compared with: a text may have thousands that are cut. */
const MOST_OF_ONE = 50;

function add(group: Group, each: NamedMatch): void {
  group.from = Math.min(group.from, each.from);
  group.to = Math.max(group.to, each.to);
  if (group.matches.length < MOST_OF_ONE) group.matches.push(each);
}

/** Returns the groups within a distance in characters. Groups are in order, and few of them overlap. */
function nearby(groups: readonly Group[], { from, to }: ErrorMatch, within: number): Group[] {
  let low = 0;
  let high = groups.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((groups[middle]?.to ?? 0) < from - within) low = middle + 1;
    else high = middle;
  }
  const found: Group[] = [];
  for (let i = low; i < groups.length && (groups[i]?.from ?? 0) <= to + within && found.length < 8; i++) {
    const group = groups[i];
    if (group !== undefined) found.push(group);
  }
  return found;
}

function distance(group: Group, { from, to }: Pick<ErrorMatch, 'from' | 'to'>): number {
  return Math.max(0, from - group.to, group.from - to);
}

function isSame(group: Group, each: NamedMatch): boolean {
  const sameId =
    each.requestId !== undefined && group.matches.some(({ requestId }) => requestId === each.requestId);
  if (!sameId && distance(group, each) > NEAR) return false;
  if (!agree(group.matches, each)) return false;
  // A format finds an error once, unless one of the two matches is cut or both have the same id.
  return (
    sameId || !group.matches.some((other) => other.format === each.format && !isCut(other) && !isCut(each))
  );
}

function isCut({ body }: ErrorMatch): boolean {
  return body?.whole === false;
}

const WEIGHTS = { sure: 0, weak: 1, hint: 2 };

function toMergedError(group: Group): MergedError {
  const middle = (group.from + group.to) / 2;
  const order = [...group.matches].sort(
    (a, b) =>
      WEIGHTS[a.weight] - WEIGHTS[b.weight] ||
      (a.weight === 'hint'
        ? Math.abs(a.from - middle) - Math.abs(b.from - middle)
        : a.rank - b.rank || a.from - b.from),
  );
  // If there are several documents, the last whole one is the most complete.
  const bodies = order.filter(({ body }) => body !== undefined);
  const best =
    bodies.find(({ body }) => body?.exact) ?? bodies.findLast(({ body }) => body?.whole) ?? bodies.at(-1);
  const error = best === undefined ? {} : { ...pickTold(best) };
  const all = order.reduce<ErrorFields>((sum, each) => ({ ...pickTold(each), ...defined(sum) }), error);
  const sure = order.filter(({ weight }) => weight === 'sure');
  const by = sure.length > 0 ? sure : order.filter(({ weight }) => weight === 'weak');
  const formats = [...new Set(by.map(({ format }) => format))];
  return {
    from: group.from,
    to: group.to,
    formats: formats,
    error: withoutSecrets({ ...all, retries: mostRetries(order) }),
    times: 1,
    isWeak: sure.length === 0,
    isExchange: sure.some(({ headers }) => headers !== undefined),
  };
}

function mostRetries(matches: readonly NamedMatch[]): number | undefined {
  const counts = matches.flatMap(({ retries }) => (retries === undefined ? [] : [retries]));
  return counts.length === 0 ? undefined : Math.max(...counts);
}

function pickTold({
  from: _from,
  to: _to,
  weight: _weight,
  format: _shape,
  rank: _rank,
  isSum: _isSum,
  ...told
}: NamedMatch): ErrorFields {
  return told;
}
