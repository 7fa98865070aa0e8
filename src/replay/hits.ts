import { globOf } from '../glob.ts';
import { CHOOSING } from '../request/facts.ts';
import { METHODS } from '../rules/rule.ts';

/** What makes requests alike; which of these met a fault is then a matter of counting. */
export interface Likeness {
  readonly operation: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly part?: number;
  readonly method: string;
  readonly range?: string;
  /** The query parameters by which a client chooses. */
  readonly chosen: Readonly<Record<string, string>>;
}

/** Requests that are alike, in the order in which they came. */
export interface Alike {
  readonly likeness: Likeness;
  readonly requests: readonly Request[];
}

/** One of many requests that are alike. */
export interface Request {
  /** Which of all it was, by the order in which they came. */
  readonly place: number;
  readonly accessKey: string | undefined;
  readonly injected: Injected | undefined;
}

/** A fault as it was injected; one object for all that are the same. */
export interface Injected {
  readonly provider: string;
  /** Its kinds and code: `delay+error SlowDown`. */
  readonly title: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Requests in a row, of those alike, that met one fault; a rule to be. */
export interface Hit {
  /** How many rules before it fire on requests alike: it must stand behind these. */
  readonly level: number;
  readonly match: Readonly<Record<string, unknown>>;
  /** The first of them, counted from 1. */
  readonly nth: number;
  /** Of the requests before it, those that no rule before it fires on. */
  readonly after: number;
  readonly first: number;
  readonly injected: Injected;
}

/** What rules must do to requests that are alike. Where several access keys sent them, those of each are counted apart. */
export function hitsOf({ likeness, requests }: Alike, siblings: readonly Alike[]): Hit[] {
  const match = matchOf(likeness, siblings);
  const senders = new Set(requests.map(({ accessKey }) => accessKey));
  // No rule can ask for a request that nobody signed.
  if (senders.size === 1 || senders.has(undefined)) return rowsOf(requests, match);
  return [...senders].flatMap((sender = '') =>
    rowsOf(
      requests.filter(({ accessKey }) => accessKey === sender),
      { ...match, accessKey: globOf(sender) },
    ),
  );
}

function rowsOf(requests: readonly Request[], match: Hit['match']): Hit[] {
  const hits: Hit[] = [];
  let taken = 0;
  for (let from = 0, to = 0; from < requests.length; from = to) {
    const injected = requests[from]?.injected;
    while (to < requests.length && requests[to]?.injected === injected) to += 1;
    if (injected === undefined) continue;
    hits.push({ level: hits.length, match, nth: from + 1, after: from - taken, first: to - from, injected });
    taken += to - from;
  }
  return hits;
}

/** What a request has it must have again; what it has not is asked for only where another request has it. */
function matchOf(likeness: Likeness, siblings: readonly Alike[]): Hit['match'] {
  const { operation, bucket = '', key = '', part, method, range, chosen } = likeness;
  const anyOther = (has: (other: Likeness) => boolean) => siblings.some((each) => has(each.likeness));
  const query = Object.fromEntries(
    CHOOSING.filter((name) => anyOther((other) => name in other.chosen)).map((name) => [
      name,
      chosen[name] === undefined ? false : globOf(chosen[name]),
    ]),
  );
  if (part === undefined && anyOther((other) => other.part !== undefined)) query.partNumber = false;
  const rangeValue = range === undefined ? false : globOf(range);
  const asksMethod = METHODS.some((each) => each === method) && anyOther((other) => other.method !== method);
  return {
    ...(asksMethod && { method }),
    operation,
    ...(bucket !== '' && { bucket: globOf(bucket) }),
    ...(part !== undefined && { part }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(anyOther((other) => other.range !== undefined) && { headers: { range: rangeValue } }),
    ...(key !== '' && { key: globOf(key) }),
  };
}

/** One rule for all keys that are treated alike. */
export function mergeKeys(hits: readonly Hit[]): Hit[] {
  const merged = new Map<string, { hit: Hit; keys: unknown[] }>();
  for (const hit of hits) {
    const { key, ...match } = hit.match;
    const like = JSON.stringify({ ...hit, match, hasKey: key !== undefined });
    const before = merged.get(like);
    if (before) before.keys.push(key);
    else merged.set(like, { hit, keys: [key] });
  }
  return [...merged.values()].map(({ hit, keys }) =>
    keys.length === 1 ? hit : { ...hit, match: { ...hit.match, key: [...new Set(keys)] } },
  );
}
