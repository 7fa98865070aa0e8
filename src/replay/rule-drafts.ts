import { FAULT_HEADER } from '../exchange/marks.ts';
import { globOf } from '../notation/glob.ts';
import { CHOOSING } from '../request/facts.ts';
import { PART_NUMBER } from '../request/identity.ts';
import { isRuleMethod, type RuleObject } from '../rules/rule-schema.ts';
import type { RequestFingerprint } from './fingerprint.ts';

/** Requests that are alike, in the order in which they came. */
export interface RequestGroup {
  readonly fingerprint: RequestFingerprint;
  readonly requests: readonly Request[];
}

/** One of many requests that are alike. */
export interface Request {
  /** Which of all it was, by the order in which they came. */
  readonly place: number;
  readonly accessKey: string | undefined;
  readonly injected: FaultGroup | undefined;
}

/** A fault as it was injected; one object for all that are the same. */
export interface FaultGroup {
  readonly provider: string;
  /** Its kinds and code: `delay+error SlowDown`. */
  readonly title: string;
  readonly settings: RuleObject['fault'];
}

/** Requests in a row, of those alike, that met one fault; a rule to be. */
export interface RuleDraft {
  /** How many rules before it fire on requests alike: it must stand behind these. */
  readonly level: number;
  readonly match: NonNullable<RuleObject['match']>;
  /** The first of them, counted from 1. */
  readonly nth: number;
  /** Of the requests before it, those that no rule before it fires on. */
  readonly after: number;
  readonly first: number;
  readonly injected: FaultGroup;
}

/** Requests that are alike and counted together, and what rules must do to them. */
export interface CountedGroup {
  readonly fingerprint: RequestFingerprint;
  /** Those that signed them; several only where they cannot be told apart. */
  readonly accessKeys: ReadonlySet<string | undefined>;
  readonly match: RuleDraft['match'];
  readonly drafts: readonly RuleDraft[];
  /** The match names one object, each value as it is: it means no other requests. */
  readonly isPlain: boolean;
}

/** Where several access keys sent what is alike, the requests of each are a share. */
export function countedGroupsOf(
  { fingerprint, requests }: RequestGroup,
  siblings: readonly RequestFingerprint[],
): CountedGroup[] {
  const match = matchOf(fingerprint, siblings);
  const senders = new Set(requests.map(({ accessKey }) => accessKey));
  const shareOf = (wanted: RuleDraft['match'], accessKeys: CountedGroup['accessKeys']): CountedGroup => ({
    fingerprint: fingerprint,
    accessKeys,
    match: wanted,
    drafts: rowsOf(
      requests.filter(({ accessKey }) => accessKeys.has(accessKey)),
      wanted,
    ),
    isPlain: isPlain(wanted, fingerprint, siblings),
  });
  // No rule can ask for a request that nobody signed.
  if (senders.size === 1 || senders.has(undefined)) return [shareOf(match, senders)];
  return [...senders].map((sender = '') =>
    shareOf({ ...match, accessKey: globOf(sender) }, new Set([sender])),
  );
}

function rowsOf(requests: readonly Request[], match: RuleDraft['match']): RuleDraft[] {
  const drafts: RuleDraft[] = [];
  let taken = 0;
  for (let from = 0, to = 0; from < requests.length; from = to) {
    const injected = requests[from]?.injected;
    while (to < requests.length && requests[to]?.injected === injected) to += 1;
    if (injected === undefined) continue;
    drafts.push({
      level: drafts.length,
      match,
      nth: from + 1,
      after: from - taken,
      first: to - from,
      injected,
    });
    taken += to - from;
  }
  return drafts;
}

function isPlain(
  match: RuleDraft['match'],
  { key, method }: RequestFingerprint,
  siblings: readonly RequestFingerprint[],
): boolean {
  const isOneMethod = match.method !== undefined || siblings.every((each) => each.method === method);
  return (
    key !== undefined && match.bucket !== undefined && isOneMethod && !/[*?]/.test(JSON.stringify(match))
  );
}

/** What a request has it must have again; what it has not is asked for only where another request has it. */
function matchOf(
  fingerprint: RequestFingerprint,
  siblings: readonly RequestFingerprint[],
): RuleDraft['match'] {
  const { operation, bucket = '', key = '', path = '', part, method, range, asks } = fingerprint;
  const anyOther = (has: (other: RequestFingerprint) => boolean) => siblings.some(has);
  const query = queryOf(fingerprint, siblings);
  const headers = {
    ...(anyOther((other) => other.range !== undefined) && {
      range: range === undefined ? false : globOf(range),
    }),
    ...(anyOther((other) => other.asks !== asks) && { [FAULT_HEADER]: asks }),
  };
  const asksMethod = isRuleMethod(method) && anyOther((other) => other.method !== method);
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

function queryOf(
  { part, chosen }: RequestFingerprint,
  siblings: readonly RequestFingerprint[],
): Record<string, string | false> {
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
export function mergeKeys(drafts: readonly RuleDraft[]): RuleDraft[] {
  const merged = new Map<string, { hit: RuleDraft; keys: string[] }>();
  for (const hit of drafts) {
    const { key, ...match } = hit.match;
    const like = JSON.stringify({ ...hit, match, hasKey: key !== undefined });
    const before = merged.get(like);
    const keys = [key ?? []].flat();
    if (before) before.keys.push(...keys);
    else merged.set(like, { hit, keys });
  }
  return [...merged.values()].map(({ hit, keys }) =>
    keys.length <= 1 ? hit : { ...hit, match: { ...hit.match, key: [...new Set(keys)] } },
  );
}
