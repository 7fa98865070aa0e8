import { FAULT_HEADER } from '../exchange/marks.ts';
import { PART_NUMBER } from '../request/identity.ts';
import { type Candidate, compileMatch, type Match, matches } from '../rules/match.ts';
import { matchSchema } from '../rules/rule-schema.ts';
import type { RequestFingerprint } from './fingerprint.ts';
import type { CountedGroup } from './rule-drafts.ts';

/** A share whose match does not say by itself that it means no others. */
interface AmbiguousGroup {
  readonly share: CountedGroup;
  readonly match: Match;
  /** Its likeness, as a text that can be compared. */
  readonly text: string;
}

/** Finds out which rules would fire on other requests of the run than those they are for. */
export class CollisionCheck {
  /** By operation. */
  readonly #doubts = new Map<string, AmbiguousGroup[]>();
  readonly #met = new Set<CountedGroup>();

  /** @param shares those there will be rules for */
  constructor(shares: readonly CountedGroup[]) {
    for (const share of shares.filter(({ isPlain, drafts: hits }) => !isPlain && hits.length > 0)) {
      const { operation } = share.fingerprint;
      const match = compileMatch(matchSchema.parse(share.match));
      this.#doubts.set(operation, [
        ...(this.#doubts.get(operation) ?? []),
        { share, match, text: JSON.stringify(share.fingerprint) },
      ]);
    }
  }

  /** Whether there is need to {@link see} the requests of the run. */
  get areAsked(): boolean {
    return this.#doubts.size > 0;
  }

  /** Shows requests that are alike, one for each of the access keys that signed them. */
  see(likeness: RequestFingerprint, accessKeys: ReadonlySet<string | undefined>): void {
    const doubts = this.#doubts.get(likeness.operation) ?? [];
    if (doubts.length === 0) return;
    const text = JSON.stringify(likeness);
    for (const accessKey of accessKeys) {
      const candidates = candidatesOf(likeness, accessKey);
      for (const doubt of doubts) {
        const { share, match } = doubt;
        const isMeant = share.accessKeys.has(accessKey) && doubt.text === text;
        if (!isMeant && candidates.some((candidate) => matches(match, candidate))) this.#met.add(share);
      }
    }
  }

  /** Whether the rules of a share would fire on others of those that were seen. */
  areMetBy(share: CountedGroup): boolean {
    return this.#met.has(share);
  }
}

/** Two where the bucket may have been in the path or in the host's name, which a journal does not say. */
function candidatesOf(likeness: RequestFingerprint, accessKey: string | undefined): Candidate[] {
  const { operation, bucket, key, path, part, method, range, asks, chosen } = likeness;
  const query = new Map(Object.entries(chosen));
  if (part !== undefined) query.set(PART_NUMBER, String(part));
  const headers = { ...(range !== undefined && { range }), ...(asks && { [FAULT_HEADER]: '' }) };
  const rest = { size: undefined, client: '', callback: false };
  const facts = { operation, method, part, bucket, key, accessKey, query, headers, ...rest };
  const paths = path === undefined ? [`/${bucket}/${key}`, `/${key}`] : [path];
  return paths.map((each) => ({ facts, path: each, attempt: undefined }));
}
