/** Parts of a request target, not normalised: every character is in one of them. */
interface Target {
  /** Host and port of an absolute-form target (RFC 9112, section 3.2.2); `undefined` for the usual origin-form. */
  readonly authority: string | undefined;
  /** Path, still percent-encoded; `*` for `OPTIONS *`. */
  readonly path: string;
  /** Text after the first `?`, still percent-encoded. */
  readonly query: string;
}

/** Splits a request target by hand: `URL` would remove `..`, `\` and empty segments, which are part of object keys. */
export function splitTarget(target: string): Target {
  const prefix = target.startsWith('/')
    ? undefined
    : /^[a-z][a-z0-9+.-]{0,30}:\/\//i.exec(target)?.[0].length;
  const start = prefix === undefined ? 0 : endOfAuthority(target, prefix);
  const mark = target.indexOf('?', start);
  const path = target.slice(start, mark < 0 ? undefined : mark);
  return {
    authority: prefix === undefined ? undefined : target.slice(prefix, start),
    path: path === '' && prefix !== undefined ? '/' : path,
    query: mark < 0 ? '' : target.slice(mark + 1),
  };
}

function endOfAuthority(target: string, from: number): number {
  for (let at = from; at < target.length; at++) {
    if (target[at] === '/' || target[at] === '?') return at;
  }
  return target.length;
}

/** Percent-decodes a text. Sequences that are not valid stay as they are. Never throws. */
export function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
      try {
        return decodeURIComponent(run);
      } catch {
        return run;
      }
    });
  }
}

const NO_QUERY: ReadonlyMap<string, string> = new Map();

/** Parses a query into a map of decoded names and values. If a name is repeated, the first counts. A bare name has ''. */
export function parseQuery(query: string): ReadonlyMap<string, string> {
  if (query === '') return NO_QUERY;
  const found = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name, value] = readPair(pair);
    if (!found.has(name)) found.set(name, value);
  }
  return found;
}

/** Lists all names of a query with their values, decoded, with repeated names. */
export function allPairs(query: string): [name: string, value: string][] {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map(readPair);
}

function readPair(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=');
  if (equals < 0) return [decodePlus(pair), ''];
  return [decodePlus(pair.slice(0, equals)), decodePlus(pair.slice(equals + 1))];
}

/** Decodes a text of a query, where (and only there) servers read `+` as a space. */
function decodePlus(text: string): string {
  return decode(text.includes('+') ? text.replaceAll('+', ' ') : text);
}
