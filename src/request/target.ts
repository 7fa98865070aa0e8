/** A request target taken apart but not normalised: every character of it is in one of the parts. */
interface Target {
  /** Host and port of an absolute-form target (RFC 9112 section 3.2.2); `undefined` for the usual origin-form. */
  readonly authority: string | undefined;
  /** Still percent-encoded; `*` for `OPTIONS *`. */
  readonly path: string;
  /** Text after the first `?`, still percent-encoded. */
  readonly query: string;
}

/** Takes a request target apart by hand: `URL` would fold `..`, `\` and empty segments, which are part of object keys. */
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

/** Percent-decodes what is well encoded and leaves the rest as it is; never throws. */
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

/** Reads a query into a map: names and values decoded, of a repeated name the first, '' for a bare name. */
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

/** Every name of a query with its value, decoded, repeated ones too. */
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

/** In a query, and only there, servers read `+` as a space. */
function decodePlus(text: string): string {
  return decode(text.includes('+') ? text.replaceAll('+', ' ') : text);
}
