import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { type Diagnostic, Places, type Source } from './diagnose.ts';

/** How often one file may refer to its anchors, nested references multiplied: more is an attack on memory. */
const MOST_ALIASES = 100;

/** Which text a path means: the key of the last pair, or what the key leads to. */
export type Side = 'key' | 'value';

/** The YAML of a source: its plain value, and where each part of it stands. */
export interface Yaml {
  readonly value: unknown;
  /** 1-based line on which the part at a path begins. */
  lineOf(path: readonly PropertyKey[]): number;
  /** A diagnostic about the part at a path; about the nearest part around it that is there. */
  diagnostic(path: readonly PropertyKey[], side: Side, message: string): Diagnostic;
}

/** Reads YAML (or JSON, which is YAML); what is wrong with it comes as diagnostics. */
export function readYaml(source: Source): { yaml: Yaml } | { diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false, merge: false });
  const places = new Places(source, lines);
  const found = [...document.errors, ...document.warnings].map((error) => sayError(error, source, places));
  if (found.length > 0) return { diagnostics: found };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    const lineOf: Yaml['lineOf'] = (path) => places.lineOf(locate(document, path, 'value')[0]);
    const diagnostic: Yaml['diagnostic'] = (path, side, message) =>
      places.diagnostic(...locate(document, path, side), message);
    return { yaml: { value, lineOf, diagnostic } };
  } catch (error) {
    return { diagnostics: [sayAliases(error, source, places)] };
  }
}

/** The one thing `toJS` throws is a ReferenceError: for an alias of nothing, or for aliases that multiply. */
function sayAliases(error: unknown, { text }: Source, places: Places): Diagnostic {
  const name = error instanceof Error ? /alias .*: (\S+)$/.exec(error.message)?.[1] : undefined;
  if (name === undefined) {
    return places.diagnostic(0, 1, `more than ${MOST_ALIASES} references to anchors. write the values out`);
  }
  const at = text.indexOf(`*${name}`);
  const message = `"*${name}" refers to an anchor that no line above defines. quote it if the star belongs to the value`;
  return places.diagnostic(at, at + name.length + 1, message);
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
  TAG_RESOLVE_FAILED: 'unknown tag. quote the value if it begins with an exclamation mark',
  NON_STRING_KEY: 'a key must be text',
};

function sayError(error: YAMLError, { text }: Source, places: Places): Diagnostic {
  const [from, to] = error.pos;
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^:\s]+)/.exec(text.slice(from, from + 200))?.[0] ?? '';
    const name = key.replace(/^["']|["']$/g, '');
    return places.diagnostic(
      from,
      from + key.length,
      `"${name}" is given twice. remove one, or make a list of the values`,
    );
  }
  const end = error.code === 'MULTIPLE_DOCS' ? from + 3 : to;
  if (error.code === 'MISSING_CHAR') {
    const wanted = /quote/.test(error.message)
      ? 'the closing quote is missing'
      : `something is missing here: ${error.message}`;
    return places.diagnostic(from, end, wanted);
  }
  return places.diagnostic(from, end, SENTENCES[error.code] ?? `this is not YAML: ${error.message}`);
}

function locate(document: Document, path: readonly PropertyKey[], side: Side): readonly [number, number] {
  let node: unknown = document.contents;
  let place = rangeOf(node) ?? [0, 1];
  for (const [depth, step] of path.entries()) {
    const inner = resolve(document, node);
    const pair = isMap(inner) ? inner.items.find((item) => keyOf(item) === String(step)) : undefined;
    node = isSeq(inner) ? inner.items[Number(step)] : pair?.value;
    const last = depth === path.length - 1;
    // Carets under a whole map would say nothing: its key stands for it.
    const byKey =
      pair !== undefined && ((last && side === 'key') || !isScalar(node) || rangeOf(node) === undefined);
    place = rangeOf(byKey ? pair.key : node) ?? place;
    if (node === undefined) break;
  }
  return place;
}

function resolve(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

/** Offsets of a node, its trailing comment and line break left out; `undefined` for one without text (`key:`). */
function rangeOf(node: unknown): [number, number] | undefined {
  if (!isNode(node) || !node.range) return undefined;
  if (isMap(node) && !node.flow) return rangeOf(node.items[0]?.key);
  const [from, to] = node.range;
  return to > from ? [from, to] : undefined;
}
