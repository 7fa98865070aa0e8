import { type Entry, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';

/** Row of a catalog with its provider. */
export interface Row {
  readonly provider: Provider;
  readonly entry: Entry;
}

interface Index {
  /** By the code or an alias of it, in lower case and without underscores. */
  readonly codes: ReadonlyMap<string, readonly Row[]>;
  /** By the message as {@link messageKey} has it. */
  readonly messages: ReadonlyMap<string, readonly Row[]>;
}

let index: Index | undefined;

function all(): Index {
  if (index !== undefined) return index;
  const codes = new Map<string, Row[]>();
  const messages = new Map<string, Row[]>();
  const add = (map: Map<string, Row[]>, key: string, row: Row) =>
    map.set(key, [...(map.get(key) ?? []), row]);
  for (const provider of providerNames().map(loadProvider)) {
    for (const entry of provider.entries.filter(({ code }) => code !== 'N/A')) {
      for (const name of [entry.code, ...entry.aliases]) add(codes, codeKey(name), { provider, entry });
      if (entry.message !== '') add(messages, messageKey(entry.message), { provider, entry });
    }
  }
  index = { codes, messages };
  return index;
}

/** Messages of all documented errors that are long enough to be recognised in other text. */
export function longMessages(): string[] {
  return [...all().messages.values()].flatMap(([row]) =>
    row && row.entry.message.length >= 24 ? [row.entry.message] : [],
  );
}

/** The rows of a code in any spelling of SDKs: `SLOW_DOWN`, `NoSuchKeyError`, `NoSuchKeyException`; none if nobody documents it. */
export function rowsOfCode(code: string): readonly Row[] {
  const { codes } = all();
  const plain = codeKey(code);
  return codes.get(plain) ?? codes.get(plain.replace(/(?:error|exception)$/, '')) ?? [];
}

/** Returns the rows with this message. Line ends may differ. */
export function rowsOfMessage(message: string): readonly Row[] {
  return all().messages.get(messageKey(message)) ?? [];
}

/** Normalises a code, to compare it. */
export function codeKey(code: string): string {
  return code.replace(/_/g, '').toLowerCase();
}

/** Normalises a message, to compare it: white space counts once, a final full stop is dropped. */
export function messageKey(message: string): string {
  return message
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[.。]$/, '');
}

/** The code before a colon and the message behind it, in a line such as `… msg="upload: SlowDown: Please …`. */
export function codeAndMessage(
  line: string,
): { readonly code: string; readonly message: string } | undefined {
  const found = [...line.slice(-2000).matchAll(/(?<![\w.])([A-Z][A-Za-z0-9_.]{2,80}):(?=\s|$)/g)];
  const best = found.find(([, name = '']) => rowsOfCode(name).length > 0) ?? found.at(-1);
  if (best?.[1] === undefined) return undefined;
  return {
    code: best[1],
    message: line
      .slice(-2000)
      .slice(best.index + best[0].length)
      .trim(),
  };
}
