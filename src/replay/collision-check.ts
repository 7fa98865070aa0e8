import { FAULT_HEADER } from '../exchange/marks.ts';
import { PART_NUMBER } from '../request/identity.ts';
import { type Candidate, compileMatch, type Match, matches } from '../rules/match.ts';
import { matchSchema } from '../rules/rule-schema.ts';
import type { RequestFingerprint } from './fingerprint.ts';
import type { CountedGroup } from './rule-drafts.ts';

/** Group of requests whose match may also match other requests. */
interface AmbiguousGroup {
  readonly group: CountedGroup;
  readonly match: Match;
  /** Fingerprint of the group as JSON, to compare it. */
  readonly text: string;
}

/** Finds the groups whose rules would fire on other requests of the run too. */
export class CollisionCheck {
  /** Groups to check, by operation. */
  readonly #ambiguous = new Map<string, AmbiguousGroup[]>();
  readonly #colliding = new Set<CountedGroup>();

  /** @param groups groups that rules are made for */
  constructor(groups: readonly CountedGroup[]) {
    for (const group of groups.filter(({ isPlain, drafts }) => !isPlain && drafts.length > 0)) {
      const { operation } = group.fingerprint;
      const match = compileMatch(matchSchema.parse(group.match));
      this.#ambiguous.set(operation, [
        ...(this.#ambiguous.get(operation) ?? []),
        { group: group, match, text: JSON.stringify(group.fingerprint) },
      ]);
    }
  }

  /** Tells whether any group must be checked against the requests of the run. */
  get isNeeded(): boolean {
    return this.#ambiguous.size > 0;
  }

  /** Checks requests with one fingerprint, for each of the access keys that signed them. */
  check(fingerprint: RequestFingerprint, accessKeys: ReadonlySet<string | undefined>): void {
    const ambiguousGroups = this.#ambiguous.get(fingerprint.operation) ?? [];
    if (ambiguousGroups.length === 0) return;
    const text = JSON.stringify(fingerprint);
    for (const accessKey of accessKeys) {
      const candidates = candidatesOf(fingerprint, accessKey);
      for (const ambiguous of ambiguousGroups) {
        const { group, match } = ambiguous;
        const isOwn = group.accessKeys.has(accessKey) && ambiguous.text === text;
        if (!isOwn && candidates.some((candidate) => matches(match, candidate))) this.#colliding.add(group);
      }
    }
  }

  /** Tells whether the rules of a group would fire on other requests of the run. */
  collides(group: CountedGroup): boolean {
    return this.#colliding.has(group);
  }
}

/** Returns the requests that a fingerprint may stand for: a journal does not say if the bucket was in the path or in Host. */
function candidatesOf(fingerprint: RequestFingerprint, accessKey: string | undefined): Candidate[] {
  const { operation, bucket, key, path, part, method, range, asksForFault, chosen } = fingerprint;
  const query = new Map(Object.entries(chosen));
  if (part !== undefined) query.set(PART_NUMBER, String(part));
  const headers = { ...(range !== undefined && { range }), ...(asksForFault && { [FAULT_HEADER]: '' }) };
  const rest = { size: undefined, client: '', callback: false };
  const facts = { operation, method, part, bucket, key, accessKey, query, headers, ...rest };
  const paths = path === undefined ? [`/${bucket}/${key}`, `/${key}`] : [path];
  return paths.map((each) => ({ facts, path: each, attempt: undefined }));
}
