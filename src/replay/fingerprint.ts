import { FAULT_HEADER } from '../exchange/marks.ts';
import { type ReplayIdentity, replayIdentity } from '../request/identity.ts';
import type { RecordedExchange } from './recorded.ts';

/** What makes requests alike; which of these met a fault is then a matter of counting. */
export interface RequestFingerprint extends ReplayIdentity {
  /** It asked for a fault by a header, which it got or was refused. */
  readonly asks: boolean;
  /** The journal does not have all of it: others may be like it that are not. */
  readonly isCut: boolean;
}

/** Characters that a journal keeps of a text; a longer one ends in an ellipsis there. */
const LONGEST = 2048;

/** What others must have in common with a request to be like it. */
export function fingerprintOf(entry: RecordedExchange): RequestFingerprint {
  const { target, bucket, key, range, accessKey } = entry;
  const texts = [target, bucket, key, range, accessKey];
  return {
    ...replayIdentity(entry),
    asks: entry.outcome === 'refused' || entry.rule === `${FAULT_HEADER} header`,
    isCut: texts.some((text = '') => text.length > LONGEST && text.endsWith('…')),
  };
}

/** Where requests point, as far as a rule for them says that: only others within it may be taken for them. */
export function targetOf({ operation, bucket, key }: RequestFingerprint): string {
  return JSON.stringify(key === undefined ? [operation, bucket] : [operation, bucket, key]);
}

/** All places that a request is within. */
export function targetsOf(likeness: RequestFingerprint): string[] {
  const { key: _, ...rest } = likeness;
  return likeness.key === undefined ? [targetOf(likeness)] : [targetOf(likeness), targetOf(rest)];
}
