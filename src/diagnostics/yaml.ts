import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { formatSize } from '../notation/units.ts';
import { type Diagnostic, Places } from './diagnostic.ts';
import { parseYaml } from './parse-yaml.ts';
import type { Path, PlacedValue, Side } from './placed-value.ts';
import { DEEPEST, isRequestText, NO_SUCH_KEY, TOO_DEEP } from './plain-value.ts';
import { LARGEST_FILE, type Source } from './source.ts';
import { sizeOf } from './value-size.ts';

/** References of one file to its anchors, at most; nested ones multiply. More are an attack on memory. */
const MOST_ALIASES = 100;

/** Reads YAML (or JSON, which is YAML); the value is absent if the text cannot be parsed. */
export function readYaml(source: Source): { read: PlacedValue | undefined; diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const places = new Places(source, lines);
  if (DEEP.test(source.text) || depthOf(source.text) > DEEPEST) {
    return { read: undefined, diagnostics: [places.diagnostic(0, 1, 'too-large', TOO_DEEP)] };
  }
  try {
    const { document, errors: found } = parseYaml(source.text, lines);
    // After the first error the parser guesses, so that further errors mislead.
    const firstError = found.find(({ code }) => code !== 'TAG_RESOLVE_FAILED');
    const diagnostics = (firstError ? [firstError] : found).map((error) =>
      errorDiagnostic(error, source, document, places),
    );
    if (firstError !== undefined || document === undefined) return { read: undefined, diagnostics };
    diagnostics.push(...otherVersion(source, document, places), ...normaliseNodes(document, places));
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    const most = Math.max(LARGEST_FILE, source.text.length);
    if (sizeOf(value, most) > most)
      return { read: undefined, diagnostics: [places.diagnostic(0, 1, 'too-large', TOO_MUCH)] };
    const lineOf = (path: Path) => places.lineOf(locate(source, document, path, 'value')[0]);
    const placeOf = (path: Path) => `${source.name}:${lineOf(path)}`;
    const diagnostic: PlacedValue['diagnostic'] = (path, side, kind, message) =>
      places.diagnostic(...locate(source, document, path, side), kind, message);
    return { read: { value, lineOf, placeOf, diagnostic }, diagnostics };
  } catch (error) {
    // The parser calls itself for every level of nesting.
    if (error instanceof RangeError)
      return { read: undefined, diagnostics: [places.diagnostic(0, 1, 'too-large', TOO_DEEP)] };
    return { read: undefined, diagnostics: [aliasDiagnostic(error, source, places)] };
  }
}

// Rules share the values that aliases repeat, but their JSON repeats them.
const TOO_MUCH = `references to anchors repeat so much that the text has more than ${formatSize(LARGEST_FILE)}. write less, or refer to it less often`;

/** Matches 500 nested block maps or lists in one line. */
const DEEP = /(?:[-?:] ){500}/;

/** Returns the largest number of brackets that are open at once. Brackets in texts count too: no text has hundreds. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.matchAll(/[[{\]}]/g)) {
    depth = bracket === '[' || bracket === '{' ? depth + 1 : Math.max(0, depth - 1);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function otherVersion({ text }: Source, { directives }: Document, places: Places): Diagnostic[] {
  const version = directives?.yaml.explicit === true ? directives.yaml.version : '1.2';
  const at = /^%YAML.*$/m.exec(text);
  if (version === '1.2' || at === null) return [];
  const message = `rule files are YAML 1.2, and not ${version}. remove the line`;
  return [places.diagnostic(at.index, at.index + at[0].trimEnd().length, 'bad-yaml', message)];
}

/** Removes the keys that no map of a rule file can have, and reports them. Keeps numbers that are texts of requests as written. */
function normaliseNodes(document: Document, places: Places): Diagnostic[] {
  const found: Diagnostic[] = [];
  // One visit for both: of a large file each takes half a second.
  visit(document, {
    Map: (_, map) => {
      found.push(...removeRefusedKeys(map, places));
    },
    Scalar: (key, scalar, above) => {
      if (key === 'key' || typeof scalar.value !== 'number' || scalar.source === undefined) return;
      if (isRequestText(above.filter(isPair).map(keyOf))) scalar.value = scalar.source;
    },
  });
  return found;
}

function removeRefusedKeys(map: YAMLMap, places: Places): Diagnostic[] {
  const found: Diagnostic[] = [];
  const lines = new Map<string, number>();
  map.items = map.items.filter((pair) => {
    const key = keyOf(pair);
    const range = rangeOf(pair.key) ?? rangeOf(pair.value) ?? [0, 1];
    const first = lines.get(key);
    if (first !== undefined) {
      const message = `${key} is given twice, first in line ${first}. remove one of them`;
      found.push(places.diagnostic(...range, 'duplicate-key', message));
    } else if (key === '__proto__') {
      found.push(places.diagnostic(...range, 'unknown-key', NO_SUCH_KEY));
    } else {
      lines.set(key, places.lineOf(range[0]));
      return true;
    }
    return false;
  });
  return found;
}

/** Makes a diagnostic of the ReferenceError that `toJS` throws: for an alias without its anchor, or for too many aliases. */
function aliasDiagnostic(error: unknown, { text }: Source, places: Places): Diagnostic {
  const name = error instanceof Error ? /alias .*: (\S+)$/.exec(error.message)?.[1] : undefined;
  if (name === undefined) {
    const sentence = `more than ${MOST_ALIASES} references to anchors. write the values out`;
    return places.diagnostic(0, 1, 'too-large', sentence);
  }
  const at = text.indexOf(`*${name}`);
  const message = `"*${name}" refers to an anchor that no line above defines. quote it if the star belongs to the value`;
  return places.diagnostic(at, at + name.length + 1, 'bad-yaml', message);
}

const SENTENCES: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_INDENT: 'the indentation is not right here. entries of one map or list begin in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line. quote the value if the colon belongs to it',
  BLOCK_IN_FLOW: 'a map or list in braces cannot hold an indented one',
  BAD_DQ_ESCAPE: 'unknown escape in "double quotes". use single quotes to take backslashes as they are',
  BAD_SCALAR_START: 'a plain value cannot begin with this character. quote it',
  MULTIPLE_DOCS: 'a rule file is one document. remove this "---", or make two files of it',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line. is a ":" missing?',
  TAB_AS_INDENT: 'a tab in the indentation. YAML wants spaces',
  TAG_RESOLVE_FAILED:
    'rule files can only have the tags of plain values. quote the value if it begins with an exclamation mark',
  NON_STRING_KEY: 'a key must be plain text',
  BAD_DIRECTIVE: 'rule files need no directive. remove the line',
};

function errorDiagnostic(
  error: YAMLError,
  { text }: Source,
  document: Document | undefined,
  places: Places,
): Diagnostic {
  // The parser reports a missing sign at the end of the text. The caret stands under the last sign there.
  const from = Math.min(error.pos[0], Math.max(0, text.trimEnd().length - 1));
  const closing = /must (?:be .* )?end with an? (.)/.exec(error.message)?.[1];
  const bad = (at: number, to: number, message: string) => places.diagnostic(at, to, 'bad-yaml', message);
  if (closing !== undefined) return bad(from, from + 1, `the closing "${closing}" is missing`);
  if (error.code === 'MISSING_CHAR' && error.message.includes('quote')) {
    const quote = (document && openQuote(document)) ?? from;
    return bad(quote, quote + 1, 'the quote that opens here is never closed');
  }
  if (error.message.includes('call stack')) return places.diagnostic(from, from + 1, 'too-large', TOO_DEEP);
  const to = error.code === 'MULTIPLE_DOCS' ? from + 3 : error.pos[1];
  return bad(from, to, SENTENCES[error.code] ?? `this is not YAML: ${error.message}`);
}

/** Finds the offset of the last quoted text: an open one runs to the end, so no other can follow it. */
function openQuote(document: Document): number | undefined {
  let last: number | undefined;
  visit(document, {
    Scalar: (_, { type, range }) => {
      if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') last = range?.[0];
    },
  });
  return last;
}

function locate(
  { text }: Source,
  document: Document,
  path: readonly PropertyKey[],
  side: Side,
): readonly [number, number] {
  let node: unknown = document.contents;
  let place = rangeOf(node) ?? [0, 1];
  for (const [depth, step] of path.entries()) {
    const inner = resolve(document, node);
    const pair = isMap(inner) ? inner.items.find((item) => keyOf(item) === String(step)) : undefined;
    node = isSeq(inner) ? inner.items[Number(step)] : pair?.value;
    const last = depth === path.length - 1;
    // Carets under a whole map would not help, so they stand under its key.
    const byKey =
      pair !== undefined && ((last && side === 'key') || !isScalar(node) || rangeOf(node) === undefined);
    place = rangeOf(byKey ? pair.key : node) ?? dashOf(text, inner, node) ?? place;
    if (node === undefined) break;
  }
  return place;
}

/** Finds the dash of a list item that has nothing after it. */
function dashOf(text: string, list: unknown, item: unknown): [number, number] | undefined {
  if (!isSeq(list) || !isScalar(item) || !item.range) return undefined;
  const at = text.lastIndexOf('-', item.range[0]);
  return at < 0 ? undefined : [at, at + 1];
}

function resolve(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

/** Returns the offsets of a node without its trailing comment and line break; `undefined` for one without text (`key:`). */
function rangeOf(node: unknown): [number, number] | undefined {
  if (!isNode(node) || !node.range) return undefined;
  if (isMap(node) && !node.flow) return rangeOf(node.items[0]?.key);
  const [from, to] = node.range;
  return to > from ? [from, to] : undefined;
}
