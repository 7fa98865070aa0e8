import type { LineCounter } from 'yaml';
import { didYouMean } from './did-you-mean.ts';
import type { ProblemKind } from './problem.ts';
import type { Source } from './source.ts';

/** Columns of a line that are shown, at most: of a longer line, the part around the place. */
const WIDEST_LINE = 120;

/** Characters of a message, at most: it quotes a value that may be as long as the file. */
const LONGEST_MESSAGE = 500;

/** Part of a text. Lines and columns (in characters) count from 1; `endColumn` is that of the first character after it. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Problem of rules or of a session: its kind, a sentence, and its place if it has one. */
export interface Diagnostic {
  readonly file: string;
  /** Place in the text; absent if the whole file or an object is meant. */
  readonly place: TextPlace | undefined;
  /** Path in an object, such as `rules[0].fault.error`; absent in a text. */
  readonly path?: string;
  readonly kind: ProblemKind;
  readonly message: string;
  /** Line of the text, and a line of carets under the place. */
  readonly excerpt: readonly string[];
}

/** Maker of diagnostics from offsets into one source. */
export class Places {
  readonly #source: Source;
  readonly #lines: LineCounter;

  constructor(source: Source, lines: LineCounter) {
    this.#source = source;
    this.#lines = lines;
  }

  /** Returns the 1-based line of an offset. */
  lineOf(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }

  /** Makes a diagnostic with carets under the text from offset `from` to `to` (exclusive). */
  diagnostic(from: number, to: number, kind: ProblemKind, message: string): Diagnostic {
    const { name, text } = this.#source;
    const line = this.lineOf(from);
    const start = this.#lines.lineStarts[line - 1] ?? 0;
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const stop = Math.min(end, Math.max(to, from + 1));
    return {
      file: name,
      place: { line, column: charactersIn(text, start, from) + 1, ...this.#endAt(Math.max(to, from + 1)) },
      kind,
      message: clipped(message),
      excerpt: underline(
        // Only as much as can be shown: a file may be one line of a megabyte.
        [...text.slice(Math.max(start, from - 2 * WIDEST_LINE), from)],
        [...text.slice(from, Math.min(stop, from + 2 * WIDEST_LINE))],
        [...text.slice(stop, Math.min(end, stop + 2 * WIDEST_LINE)).replace(/\r$/, '')],
      ),
    };
  }

  #endAt(offset: number): { endLine: number; endColumn: number } {
    const { text } = this.#source;
    const to = Math.min(offset, text.length);
    const endLine = this.lineOf(to);
    return { endLine, endColumn: charactersIn(text, this.#lines.lineStarts[endLine - 1] ?? 0, to) + 1 };
  }
}

const BYTE_ORDER_MARK = '\uFEFF';

function charactersIn(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    // The second half of a surrogate pair and a byte order mark do not count as characters.
    if ((code & 0xfc00) !== 0xdc00 && code !== 0xfeff) count++;
  }
  return count;
}

/** Returns the line and the carets below it; of a very long line, the part around the place. */
function underline(before: string[], marked: string[], after: string[]): string[] {
  const long = widthOf([...before, ...marked, ...after]) > WIDEST_LINE;
  const head = long && before.length > WIDEST_LINE / 2 ? ['…', ...before.slice(-WIDEST_LINE / 4)] : before;
  const place = long ? marked.slice(0, WIDEST_LINE / 2) : marked;
  const rest = place.length < marked.length ? marked.slice(place.length) : after;
  const room = WIDEST_LINE - head.length - place.length;
  const tail = long && rest.length > room ? [...rest.slice(0, Math.max(0, room - 1)), '…'] : rest;
  const indent = head.map((sign) => (sign === '\t' ? '\t' : ' '.repeat(columnsOf(sign)))).join('');
  const line = [...head, ...place, ...tail].map(visible).join('').trimEnd();
  return [line, indent + '^'.repeat(Math.max(1, widthOf(place)))];
}

function widthOf(signs: readonly string[]): number {
  return signs.reduce((sum, sign) => sum + columnsOf(sign), 0);
}

/** East Asian Wide and Fullwidth characters of Unicode (UAX #11), and emoji: two columns on a terminal. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

function columnsOf(sign: string): number {
  if (sign < '\u0300') return 1;
  return WIDE.test(sign) ? 2 : NO_WIDTH.test(sign) ? 0 : 1;
}

/** Replaces control characters: a rule file may have escape sequences, which a terminal must not obey. */
function visible(sign: string): string {
  if (sign === BYTE_ORDER_MARK) return '';
  return sign !== '\t' && /\p{Cc}/u.test(sign) ? '\uFFFD' : sign;
}

/**
 * Sorts the diagnostics of one file from top to bottom, those without a place last. Each stands once: an alias makes the
 * same problem again at the same place.
 */
export function inReadingOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const rank = ({ place }: Diagnostic) =>
    place === undefined ? Number.POSITIVE_INFINITY : place.line * 1e6 + place.column;
  const distinct = new Map(
    diagnostics.map((each) => [`${rank(each)} ${each.path ?? ''} ${each.message}`, each]),
  );
  return [...distinct.values()].sort((a, b) => rank(a) - rank(b));
}

/** Writes a diagnostic as text: `rules/x.yaml:4:7: unknown key "metod". did you mean "method"? [unknown-key]`, the line, the carets. */
export function formatDiagnostic({ file, place, path, kind, message, excerpt }: Diagnostic): string {
  const inside = place === undefined ? path : `${place.line}:${place.column}`;
  const where = inside === undefined ? file : `${file}:${inside}`;
  const sentence = [...message].map(visible).join('');
  return [`${where}: ${sentence} [${kind}]`, ...excerpt].join('\n');
}

/** Makes the JSON of a diagnostic; line and column are left out if the whole file is meant. */
export function diagnosticJson({ place, ...rest }: Diagnostic): Record<string, unknown> {
  const { file, path, kind, message, excerpt } = rest;
  return { file, ...place, path, kind, message, excerpt };
}

/** Makes a diagnostic without a place in a text: for a whole file, or for a path in an object. */
export function aboutFile(file: string, kind: ProblemKind, message: string, path = ''): Diagnostic {
  const inside = path === '' ? {} : { path: clipped(path) };
  return { file, place: undefined, ...inside, kind, message: clipped(message), excerpt: [] };
}

function clipped(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;
}

/**
 * Error for refused rules. Its message has every diagnostic, as `brownout check` prints it.
 *
 * @example
 * ```ts
 * try {
 *   proxy.addRules('rules: [{ match: { metod: PUT }, fault: { delay: 1s } }]');
 * } catch (error) {
 *   if (!(error instanceof BadRules)) throw error;
 *   for (const { place, message } of error.diagnostics) console.error(place?.line, message);
 * }
 * ```
 */
export class BadRules extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'));
    this.name = 'BadRules';
    this.diagnostics = diagnostics;
  }
}

/** Error for the name of a rule that does not exist. */
export class UnknownRule extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`there is no rule "${name}"${didYouMean(name, known)}`);
    this.name = 'UnknownRule';
  }
}
