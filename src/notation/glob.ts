import { z } from 'zod';

/** Characters of a glob; a longer one says nothing more and would make matching slow. */
export const LONGEST_GLOB = 1024;

/** A glob in a rule file. */
export const globText = z.string().min(1).max(LONGEST_GLOB);

/**
 * The narrowest glob that a text is like; there is no escape, so a star becomes a question mark. Of one that is too long
 * it has the beginning.
 */
export function globOf(text: string): string {
  const glob = text.replaceAll('*', '?');
  if (glob.length <= LONGEST_GLOB) return glob;
  // Not within a character of two code units.
  return `${glob.slice(0, LONGEST_GLOB - 2).replace(/[\ud800-\udbff]$/, '')}**`;
}

// Codes of the three signs in a compiled pattern; every other number is a UTF-16 code unit to be met literally.
const STAR = -1;
const DOUBLE_STAR = -2;
const QUESTION = -3;
const SLASH = 0x2f;

/** Decides whether a text is one that a rule's glob means; takes time proportional to text × pattern, however hostile. */
export type Glob = (text: string) => boolean;

/**
 * Compiles a glob of a rule: `*` is any run of characters within a segment, `**` any run across segments, `?` one
 * character of a segment, all else is literal. `segments: false` is for texts that have no segments (header and query
 * values): there `*` means what `**` means, and `?` any character.
 */
export function compileGlob(pattern: string, { segments = true } = {}): Glob {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const signs = tokenize(pattern, segments);
  return (text) => matches(signs, text, segments);
}

function tokenize(pattern: string, segments: boolean): readonly number[] {
  const signs: number[] = [];
  for (const run of pattern.match(/\*+|[^*]/gs) ?? []) {
    if (run === '?') signs.push(QUESTION);
    else if (run.startsWith('*')) signs.push(run.length > 1 || !segments ? DOUBLE_STAR : STAR);
    else signs.push(run.charCodeAt(0));
  }
  return signs;
}

/**
 * Walks text and pattern once, with one place to back up to per kind of star. The last star of a kind is enough:
 * whatever an earlier one could give up, the later one can take.
 */
function matches(signs: readonly number[], text: string, segments: boolean): boolean {
  let at = 0;
  let sign = 0;
  let star = -1; // index of the `*` to back up to, and where in the text it ends so far
  let starEnd = 0;
  let double = -1; // the same of the `**`, and where in the text the first `*` after it began
  let doubleEnd = 0;
  let firstStarBegin = -1;
  for (;;) {
    const wanted = signs[sign];
    if (wanted === DOUBLE_STAR) {
      double = sign++;
      doubleEnd = at;
      star = firstStarBegin = -1;
    } else if (wanted === STAR) {
      star = sign++;
      starEnd = at;
      if (firstStarBegin < 0) firstStarBegin = at;
    } else if (wanted === undefined ? at === text.length : isMet(wanted, text, at, segments)) {
      if (wanted === undefined) return true;
      at += wanted === QUESTION ? lengthOfCharacter(text, at) : 1;
      sign++;
    } else if (star >= 0 && starEnd < text.length && text.charCodeAt(starEnd) !== SLASH) {
      at = ++starEnd;
      sign = star + 1;
    } else if (double >= 0) {
      doubleEnd = nextStart(text, doubleEnd, firstStarBegin);
      if (doubleEnd > text.length) return false;
      at = doubleEnd;
      sign = double + 1;
      star = firstStarBegin = -1;
    } else {
      return false;
    }
  }
}

/**
 * Where the part after a `**` is tried next. A `*` that found nothing up to its slash finds nothing from later in that
 * segment either: without this jump a text of one long segment would cost its length squared.
 */
function nextStart(text: string, doubleEnd: number, firstStarBegin: number): number {
  if (firstStarBegin < 0) return doubleEnd + 1;
  const slash = text.indexOf('/', firstStarBegin);
  if (slash < 0) return text.length + 1;
  // What stands between `**` and `*` may be twice as long elsewhere: `?` is one or two code units.
  const between = firstStarBegin - doubleEnd;
  return Math.max(doubleEnd + 1, slash + 1 - 2 * between);
}

function isMet(wanted: number, text: string, at: number, segments: boolean): boolean {
  if (at >= text.length) return false;
  const code = text.charCodeAt(at);
  return wanted === QUESTION ? !segments || code !== SLASH : wanted === code;
}

/** Two code units make one character outside the basic plane (emoji, rare Chinese). */
function lengthOfCharacter(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
