import { z } from 'zod';

/** Maximum length of a glob, in characters. A longer one would be of no use and slow to match. */
export const LONGEST_GLOB = 1024;

/** Schema of a glob in a rule file. */
export const globText = z.string().min(1).max(LONGEST_GLOB);

/**
 * Returns the narrowest glob that matches a text. Globs have no escape, so a star becomes a question mark. If the text is
 * longer than {@link LONGEST_GLOB}, the glob has only its beginning, followed by `**`.
 */
export function globOf(text: string): string {
  const glob = text.replaceAll('*', '?');
  if (glob.length <= LONGEST_GLOB) return glob;
  // The cut must not split a character of two code units.
  return `${glob.slice(0, LONGEST_GLOB - 2).replace(/[\ud800-\udbff]$/, '')}**`;
}

// Codes of the three wildcards in a compiled pattern. Every other number is a UTF-16 code unit that is matched literally.
const STAR = -1;
const DOUBLE_STAR = -2;
const QUESTION = -3;
const SLASH = 0x2f;

/** Tells whether a text matches a glob. Takes time proportional to text × pattern, also for hostile input. */
export type Glob = (text: string) => boolean;

/**
 * Compiles a glob of a rule: `*` is any run of characters within a segment, `**` is any run across segments, `?` is one
 * character of a segment. All other characters are literal. `segments: false` is for texts that have no segments (header
 * and query values): there `*` means the same as `**`, and `?` is any character.
 */
export function compileGlob(pattern: string, { segments = true } = {}): Glob {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const tokens = tokenize(pattern, segments);
  return (text) => matches(tokens, text, segments);
}

function tokenize(pattern: string, segments: boolean): readonly number[] {
  const tokens: number[] = [];
  for (const part of pattern.match(/\*+|[^*]/gs) ?? []) {
    if (part === '?') tokens.push(QUESTION);
    else if (part.startsWith('*')) tokens.push(part.length > 1 || !segments ? DOUBLE_STAR : STAR);
    else tokens.push(part.charCodeAt(0));
  }
  return tokens;
}

/**
 * Walks text and pattern once. It remembers one place to back up to for `*` and one for `**`. The last star of each kind
 * is enough: the later star can take whatever the earlier one would leave to it.
 */
function matches(tokens: readonly number[], text: string, segments: boolean): boolean {
  let at = 0;
  let index = 0;
  let star = -1; // index of the `*` to back up to, and where in the text it ends so far
  let starEnd = 0;
  let doubleStar = -1; // the same of the `**`, and where in the text the first `*` after it began
  let doubleStarEnd = 0;
  let firstStarStart = -1;
  for (;;) {
    const token = tokens[index];
    if (token === DOUBLE_STAR) {
      doubleStar = index++;
      doubleStarEnd = at;
      star = firstStarStart = -1;
    } else if (token === STAR) {
      star = index++;
      starEnd = at;
      if (firstStarStart < 0) firstStarStart = at;
    } else if (token === undefined ? at === text.length : matchesAt(token, text, at, segments)) {
      if (token === undefined) return true;
      at += token === QUESTION ? lengthOfCharacter(text, at) : 1;
      index++;
    } else if (star >= 0 && starEnd < text.length && text.charCodeAt(starEnd) !== SLASH) {
      at = ++starEnd;
      index = star + 1;
    } else if (doubleStar >= 0) {
      doubleStarEnd = nextStart(text, doubleStarEnd, firstStarStart);
      if (doubleStarEnd > text.length) return false;
      at = doubleStarEnd;
      index = doubleStar + 1;
      star = firstStarStart = -1;
    } else {
      return false;
    }
  }
}

/**
 * Returns the next place in the text to try the part after a `**`. If a `*` found no match up to its slash, it finds none
 * from a later place in that segment either. Without this jump a text of one long segment would take quadratic time.
 */
function nextStart(text: string, doubleStarEnd: number, firstStarStart: number): number {
  if (firstStarStart < 0) return doubleStarEnd + 1;
  const slash = text.indexOf('/', firstStarStart);
  if (slash < 0) return text.length + 1;
  // The text between `**` and `*` may be twice as long at another place: `?` is one or two code units.
  const betweenStars = firstStarStart - doubleStarEnd;
  return Math.max(doubleStarEnd + 1, slash + 1 - 2 * betweenStars);
}

function matchesAt(token: number, text: string, at: number, segments: boolean): boolean {
  if (at >= text.length) return false;
  const code = text.charCodeAt(at);
  return token === QUESTION ? !segments || code !== SLASH : token === code;
}

/** Returns the code units of a character: two outside the basic plane (emoji, rare Chinese), one otherwise. */
function lengthOfCharacter(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
