import { FAULT_HEADER } from '../exchange/marks.ts';
import { globOf } from '../notation/glob.ts';
import { SELECTING_PARAMETERS } from '../request/facts.ts';
import { PART_NUMBER } from '../request/identity.ts';
import { isRuleMethod, type RuleObject } from '../rules/rule-schema.ts';
import type { RequestFingerprint } from './fingerprint.ts';

/** Requests with the same fingerprint, in the order of arrival. */
export interface RequestGroup {
  readonly fingerprint: RequestFingerprint;
  readonly requests: readonly Request[];
}

/** Request of a group. */
export interface Request {
  /** Place in the order of arrival of all requests. */
  readonly place: number;
  readonly accessKey: string | undefined;
  readonly injected: FaultGroup | undefined;
}

/** Fault as it was injected; equal faults share one object. */
export interface FaultGroup {
  readonly provider: string;
  /** Kinds and code: `delay+error SlowDown`. */
  readonly title: string;
  readonly settings: RuleObject['fault'];
}

/** Draft of a rule: requests of one group that met the same fault one after the other. */
export interface RuleDraft {
  /** Number of earlier drafts of the same group. The rule must stand after theirs. */
  readonly level: number;
  readonly match: NonNullable<RuleObject['match']>;
  /** Number of the first request in its group, from 1. */
  readonly nth: number;
  /** Number of earlier requests on which no earlier rule fires. */
  readonly after: number;
  readonly first: number;
  readonly injected: FaultGroup;
}

/** Requests that rules count together, with the drafts of their rules. */
export interface CountedGroup {
  readonly fingerprint: RequestFingerprint;
  /** Access keys that signed the requests; several only if rules cannot tell them apart. */
  readonly accessKeys: ReadonlySet<string | undefined>;
  readonly match: RuleDraft['match'];
  readonly drafts: readonly RuleDraft[];
  /** True if the match names one object without wildcards, so that it matches no other requests. */
  readonly isPlain: boolean;
}

/** Splits a group by access key if several sent its requests, and drafts the rules of each part. */
export function countedGroupsOf(
  { fingerprint, requests }: RequestGroup,
  siblings: readonly RequestFingerprint[],
): CountedGroup[] {
  const match = matchOf(fingerprint, siblings);
  const senders = new Set(requests.map(({ accessKey }) => accessKey));
  const countedGroup = (
    ruleMatch: RuleDraft['match'],
    accessKeys: CountedGroup['accessKeys'],
  ): CountedGroup => ({
    fingerprint,
    accessKeys,
    match: ruleMatch,
    drafts: draftsOf(
      requests.filter(({ accessKey }) => accessKeys.has(accessKey)),
      ruleMatch,
    ),
    isPlain: isPlain(ruleMatch, fingerprint, siblings),
  });
  // No rule can match only requests without an access key.
  if (senders.size === 1 || senders.has(undefined)) return [countedGroup(match, senders)];
  return [...senders].map((sender = '') =>
    countedGroup({ ...match, accessKey: globOf(sender) }, new Set([sender])),
  );
}

function draftsOf(requests: readonly Request[], match: RuleDraft['match']): RuleDraft[] {
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

/** Makes the match of a fingerprint. The absence of a header or parameter is a condition only if a sibling has it. */
function matchOf(
  fingerprint: RequestFingerprint,
  siblings: readonly RequestFingerprint[],
): RuleDraft['match'] {
  const { operation, bucket = '', key = '', path = '', part, method, range, asksForFault } = fingerprint;
  const anyOther = (has: (other: RequestFingerprint) => boolean) => siblings.some(has);
  const query = queryOf(fingerprint, siblings);
  const headers = {
    ...(anyOther((other) => other.range !== undefined) && {
      range: range === undefined ? false : globOf(range),
    }),
    ...(anyOther((other) => other.asksForFault !== asksForFault) && { [FAULT_HEADER]: asksForFault }),
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
  for (const name of SELECTING_PARAMETERS) {
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

/** Merges drafts that differ only in their key into one. */
export function mergeKeys(drafts: readonly RuleDraft[]): RuleDraft[] {
  const merged = new Map<string, { draft: RuleDraft; keys: string[] }>();
  for (const draft of drafts) {
    const { key, ...match } = draft.match;
    const withoutKey = JSON.stringify({ ...draft, match, hasKey: key !== undefined });
    const earlier = merged.get(withoutKey);
    const keys = [key ?? []].flat();
    if (earlier) earlier.keys.push(...keys);
    else merged.set(withoutKey, { draft, keys });
  }
  return [...merged.values()].map(({ draft, keys }) =>
    keys.length <= 1 ? draft : { ...draft, match: { ...draft.match, key: [...new Set(keys)] } },
  );
}
