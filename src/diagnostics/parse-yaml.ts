import {
  Composer,
  type CST,
  type Document,
  type LineCounter,
  Parser,
  type YAMLError,
  YAMLParseError,
} from 'yaml';

/** Errors of one text that the parser may find: of what it guesses after the first, none is read. */
const MOST_ERRORS = 100;

/** What there is of a document, and what is wrong with it, in the order of the parser. */
interface Parsed {
  /** Absent where there was too much wrong to go on. */
  readonly document: Document.Parsed | undefined;
  readonly errors: readonly YAMLError[];
}

/**
 * Parses one document as the library's `parseDocument` does, but gives up early: half a million errors, which a megabyte
 * of `[][][]` has, take ten seconds to collect. Throws a RangeError at what is nested too deep.
 */
export function parseYaml(text: string, lineCounter: LineCounter): Parsed {
  // The parser's own check for repeated keys takes time that grows with the square of their number.
  const unique = { merge: false, uniqueKeys: false };
  // What `%YAML 1.1` or a tag would make of a value (`yes` is true, bytes, dates, sets) no rule can mean.
  const core = { version: '1.2', schema: 'core', resolveKnownTags: false, stringKeys: true } as const;
  const composer = new Composer({ lineCounter, prettyErrors: false, ...unique, ...core });
  stopEarly(composer);
  try {
    const tokens = upToTrouble(new Parser(lineCounter.addNewLine).parse(text));
    const [document, second] = firstTwo(composer.compose(tokens, true, text.length));
    const errors = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
    if (second) errors.push(new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', ''));
    return { document, errors };
  } catch (error) {
    if (!(error instanceof TooManyErrors)) throw error;
    const { errors, warnings } = composer.streamInfo();
    return { document: undefined, errors: [...errors, ...warnings] };
  }
}

class TooManyErrors extends Error {}

/** Has a composer throw when it has found too many errors. */
function stopEarly(composer: Composer): void {
  // Private, but the one place that every error comes by; were it gone, bad texts would only take longer.
  const report: unknown = Reflect.get(composer, 'onError');
  if (typeof report !== 'function') return;
  let count = 0;
  const onError = (...error: unknown[]) => {
    count += 1;
    if (count > MOST_ERRORS) throw new TooManyErrors();
    report(...error);
  };
  Object.assign(composer, { onError });
}

/** What the lexer stumbles over comes as a token each. */
function* upToTrouble(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  let count = 0;
  for (const token of tokens) {
    yield token;
    if (token.type === 'error') count += 1;
    if (count > MOST_ERRORS) return;
  }
}

function firstTwo<Item>(items: Iterable<Item>): Item[] {
  const found: Item[] = [];
  for (const item of items) {
    found.push(item);
    if (found.length === 2) break;
  }
  return found;
}
