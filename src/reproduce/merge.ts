import { agree, defined } from './agree.ts';
import type { ErrorFields, ErrorMatch } from './error-match.ts';
import { withoutSecrets } from './private.ts';

/** One error of a text: what all shapes together tell of it. */
export interface MergedError {
  readonly from: number;
  readonly to: number;
  /** The names of the shapes that saw it. */
  readonly shapes: readonly string[];
  readonly told: ErrorFields;
  /** How often it stands in the text, one after the other. */
  readonly times: number;
  /** No shape is sure that it is an error. */
  readonly isWeak: boolean;
  /** It is a request and its answer, of which the text has all there is. */
  readonly isExchange: boolean;
}

/** A sighting, whose shape it is, and the place of that in the list. */
export interface NamedMatch extends ErrorMatch {
  readonly shape: string;
  readonly rank: number;
}

/** Characters between what belongs to one error. */
const NEAR = 700;
/** Characters between what is next to each other. */
const BESIDE = 300;
/** Characters between an error and what hints at more of it. */
export const AROUND = 2500;

interface Group {
  from: number;
  to: number;
  sightings: NamedMatch[];
}

/** Puts together what describes the same error, and leaves apart what does not; errors come in the order of the text. */
export function merge(text: string, sightings: readonly NamedMatch[]): MergedError[] {
  const inOrder = [...sightings].sort((a, b) => a.from - b.from || a.rank - b.rank);
  const groups: Group[] = [];
  for (const each of inOrder.filter(({ weight }) => weight === 'sure')) {
    const last = groups
      .slice(-3)
      .reverse()
      .find((group) => isSame(group, each));
    if (last !== undefined) add(last, each);
    else groups.push({ from: each.from, to: each.to, sightings: [each] });
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
    if (nearest !== undefined && !isOfOtherEntry(text, nearest, hint)) nearest.sightings.push(hint);
  }
  return all.map(seenBy);
}

/** Whose a hint can be: a frame of a stack is of an error above it, and a word on another line takes none from an error beside it. */
function candidates(text: string, close: readonly Group[], hint: ErrorMatch): readonly Group[] {
  const line = text.slice(text.lastIndexOf('\n', hint.from) + 1, hint.from).slice(0, 80);
  const above = /^\s{1,8}at /.test(line) ? close.filter(({ from }) => from < hint.from) : [];
  const among = above.length > 0 ? above : close;
  const sure = among.filter(
    (group) =>
      isBeside(text, group, hint) ||
      (distance(group, hint) < BESIDE && group.sightings.some(({ weight }) => weight === 'sure')),
  );
  return sure.length > 0 ? sure : among;
}

/** How lines begin that are entries of a log. */
export const BEGINS_ENTRY = /^[\s[(]{0,3}(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|time=)/;

/** Whether it stands in another entry of a log, on a line that begins with a time: what was done there may be another's doing. */
function isOfOtherEntry(text: string, group: Group, hint: ErrorMatch): boolean {
  if (hint.isSum === true) return hint.to <= group.from;
  const before = text.slice(Math.max(0, hint.from - AROUND), hint.from);
  const line = hint.from - before.length + before.lastIndexOf('\n') + 1;
  const isBefore = hint.to <= group.from && text.slice(hint.to, group.from).includes('\n');
  const isBehind = hint.from >= group.to && text.slice(group.to, hint.from).includes('\n');
  return (isBefore || isBehind) && BEGINS_ENTRY.test(text.slice(line, line + 40));
}

/** Hints, but those that a document or a message gives: what it speaks of need not be what was asked for. */
function hintsIn(inOrder: readonly NamedMatch[]): NamedMatch[] {
  let end = -1;
  return inOrder.filter(({ weight, from, to, fields, code, message }) => {
    const isText = fields !== undefined || (weight === 'weak' && message !== undefined && code === undefined);
    if (isText) end = Math.max(end, to);
    return weight === 'hint' && from >= end;
  });
}

/** What is weak belongs to a sure error if one is near, or else makes errors among its own. */
function withWeak(text: string, sure: readonly Group[], weak: readonly NamedMatch[]): Group[] {
  const own: Group[] = [];
  for (const each of weak) {
    const close = nearby(sure, each, NEAR);
    const group =
      close.find((other) => agree(other.sightings, each)) ??
      own
        .slice(-3)
        .reverse()
        .find((other) => isSame(other, each));
    if (group !== undefined && own.includes(group)) add(group, each);
    else if (group !== undefined) {
      if (group.sightings.length < MOST_OF_ONE) group.sightings.push(each);
    } else {
      // A message may name other codes than its own.
      const around = [...close, ...own.slice(-3).filter((other) => distance(other, each) === 0)];
      if (around.some((other) => isBeside(text, other, each))) continue;
      own.push({ from: each.from, to: each.to, sightings: [each] });
    }
  }
  return [...sure, ...own].sort((a, b) => a.from - b.from);
}

/** Whether they share a line. */
function isBeside(text: string, group: Group, { from, to }: Pick<ErrorMatch, 'from' | 'to'>): boolean {
  const between = from > group.to ? text.slice(group.to, from) : text.slice(to, Math.max(to, group.from));
  return distance(group, { from, to }) < BESIDE && !between.includes('\n');
}

/** Sightings of one error that are compared with what follows: a text may have thousands that are cut short. */
const MOST_OF_ONE = 50;

function add(group: Group, each: NamedMatch): void {
  group.from = Math.min(group.from, each.from);
  group.to = Math.max(group.to, each.to);
  if (group.sightings.length < MOST_OF_ONE) group.sightings.push(each);
}

/** Groups that lie within so many characters; they are in order, and few of them overlap. */
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
    each.requestId !== undefined && group.sightings.some(({ requestId }) => requestId === each.requestId);
  if (!sameId && distance(group, each) > NEAR) return false;
  if (!agree(group.sightings, each)) return false;
  // A shape sees an error once, unless one of the two is cut short, or both say the same id.
  return (
    sameId || !group.sightings.some((other) => other.shape === each.shape && !isCut(other) && !isCut(each))
  );
}

function isCut({ body }: ErrorMatch): boolean {
  return body?.whole === false;
}

const WEIGHTS = { sure: 0, weak: 1, hint: 2 };

function seenBy(group: Group): MergedError {
  const middle = (group.from + group.to) / 2;
  const order = [...group.sightings].sort(
    (a, b) =>
      WEIGHTS[a.weight] - WEIGHTS[b.weight] ||
      (a.weight === 'hint'
        ? Math.abs(a.from - middle) - Math.abs(b.from - middle)
        : a.rank - b.rank || a.from - b.from),
  );
  // Of several documents the last whole one is the most complete.
  const bodies = order.filter(({ body }) => body !== undefined);
  const best =
    bodies.find(({ body }) => body?.exact) ?? bodies.findLast(({ body }) => body?.whole) ?? bodies.at(-1);
  const told = best === undefined ? {} : { ...pickTold(best) };
  const all = order.reduce<ErrorFields>((sum, each) => ({ ...pickTold(each), ...defined(sum) }), told);
  const sure = order.filter(({ weight }) => weight === 'sure');
  const by = sure.length > 0 ? sure : order.filter(({ weight }) => weight === 'weak');
  const shapes = [...new Set(by.map(({ shape }) => shape))];
  return {
    from: group.from,
    to: group.to,
    shapes,
    told: withoutSecrets({ ...all, retries: mostRetries(order) }),
    times: 1,
    isWeak: sure.length === 0,
    isExchange: sure.some(({ headers }) => headers !== undefined),
  };
}

function mostRetries(sightings: readonly NamedMatch[]): number | undefined {
  const counts = sightings.flatMap(({ retries }) => (retries === undefined ? [] : [retries]));
  return counts.length === 0 ? undefined : Math.max(...counts);
}

function pickTold({
  from: _from,
  to: _to,
  weight: _weight,
  shape: _shape,
  rank: _rank,
  isSum: _isSum,
  ...told
}: NamedMatch): ErrorFields {
  return told;
}
