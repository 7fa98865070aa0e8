import { globOf } from '../notation/glob.ts';
import { FAULT_HEADER } from '../proxy/header-faults.ts';
import { CHOOSING } from '../request/facts.ts';
import { METHODS } from '../rules/rule.ts';
import { type Likeness, PART_NUMBER } from './likeness.ts';

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

/** Requests that are alike and counted together, and what rules must do to them. */
export interface Share {
  readonly likeness: Likeness;
  /** Those that signed them; several only where they cannot be told apart. */
  readonly accessKeys: ReadonlySet<string | undefined>;
  readonly match: Hit['match'];
  readonly hits: readonly Hit[];
  /** The match names one object, each value as it is: it means no other requests. */
  readonly isPlain: boolean;
}

/** Where several access keys sent what is alike, the requests of each are a share. */
export function sharesOf({ likeness, requests }: Alike, siblings: readonly Likeness[]): Share[] {
  const match = matchOf(likeness, siblings);
  const senders = new Set(requests.map(({ accessKey }) => accessKey));
  const shareOf = (wanted: Hit['match'], accessKeys: Share['accessKeys']): Share => ({
    likeness,
    accessKeys,
    match: wanted,
    hits: rowsOf(
      requests.filter(({ accessKey }) => accessKeys.has(accessKey)),
      wanted,
    ),
    isPlain: isPlain(wanted, likeness, siblings),
  });
  // No rule can ask for a request that nobody signed.
  if (senders.size === 1 || senders.has(undefined)) return [shareOf(match, senders)];
  return [...senders].map((sender = '') =>
    shareOf({ ...match, accessKey: globOf(sender) }, new Set([sender])),
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

function isPlain(match: Hit['match'], { key, method }: Likeness, siblings: readonly Likeness[]): boolean {
  const isOneMethod = match.method !== undefined || siblings.every((each) => each.method === method);
  return (
    key !== undefined && match.bucket !== undefined && isOneMethod && !/[*?]/.test(JSON.stringify(match))
  );
}

/** What a request has it must have again; what it has not is asked for only where another request has it. */
function matchOf(likeness: Likeness, siblings: readonly Likeness[]): Hit['match'] {
  const { operation, bucket = '', key = '', path = '', part, method, range, asks } = likeness;
  const anyOther = (has: (other: Likeness) => boolean) => siblings.some(has);
  const query = queryOf(likeness, siblings);
  const headers = {
    ...(anyOther((other) => other.range !== undefined) && {
      range: range === undefined ? false : globOf(range),
    }),
    ...(anyOther((other) => other.asks !== asks) && { [FAULT_HEADER]: asks }),
  };
  const asksMethod = METHODS.some((each) => each === method) && anyOther((other) => other.method !== method);
  const asksPath = path !== '' && (bucket === '' || anyOther((other) => other.path !== path));
  return {
    ...(asksMethod && { method }),
    operation,
    ...(bucket !== '' && { bucket: globOf(bucket) }),
    ...(asksPath && { path: globOf(path) }),
    ...(part !== undefined && { part }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(key !== '' && { key: globOf(key) }),
  };
}

function queryOf({ part, chosen }: Likeness, siblings: readonly Likeness[]): Record<string, string | false> {
  const query: Record<string, string | false> = {};
  for (const name of CHOOSING) {
    const value = chosen[name];
    if (value !== undefined) query[name] = globOf(value);
    if (value === undefined && siblings.some((other) => name in other.chosen)) query[name] = false;
  }
  const number = chosen[PART_NUMBER];
  const others = siblings.some((other) => other.part !== undefined || PART_NUMBER in other.chosen);
  if (number !== undefined) query[PART_NUMBER] = globOf(number);
  else if (part === undefined && others) query[PART_NUMBER] = false;
  return query;
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
