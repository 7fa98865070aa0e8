import {
  Composer,
  type CST,
  type Document,
  type LineCounter,
  Parser,
  type YAMLError,
  YAMLParseError,
} from 'yaml';

/** Errors of one text that the parser may find, at most: only the first is reported. */
const MOST_ERRORS = 100;

/** Document and its errors, in the order of the parser. */
interface Parsed {
  /** Absent if the parser gave up. */
  readonly document: Document.Parsed | undefined;
  readonly errors: readonly YAMLError[];
}

/**
 * Parses one document like `parseDocument` of the library, but gives up early: a megabyte of `[][][]` has half a million
 * errors, which take ten seconds to collect. Throws a RangeError if the text is nested too deep.
 */
export function parseYaml(text: string, lineCounter: LineCounter): Parsed {
  // The parser's own check for repeated keys takes time that grows with the square of their number.
  const unique = { merge: false, uniqueKeys: false };
  // No rule needs the values of `%YAML 1.1` or of tags (`yes` as true, bytes, dates, sets).
  const core = { version: '1.2', schema: 'core', resolveKnownTags: false, stringKeys: true } as const;
  const composer = new Composer({ lineCounter, prettyErrors: false, ...unique, ...core });
  limitErrors(composer);
  try {
    const tokens = untilTooManyErrors(new Parser(lineCounter.addNewLine).parse(text));
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

/** Makes a composer throw when it has found too many errors. */
function limitErrors(composer: Composer): void {
  // A private method that gets every error. Without it, bad texts would only take longer.
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

/** Passes tokens on until too many are errors: the lexer makes a token of each error. */
function* untilTooManyErrors(tokens: Iterable<CST.Token>): Generator<CST.Token> {
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
