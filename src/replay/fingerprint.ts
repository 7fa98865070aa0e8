import { FAULT_HEADER } from '../exchange/marks.ts';
import { type ReplayIdentity, replayIdentity } from '../request/identity.ts';
import type { RecordedExchange } from './recorded.ts';

/** Fingerprint of a request. Rules tell requests with the same fingerprint apart only by counting them. */
export interface RequestFingerprint extends ReplayIdentity {
  /** True if the request asked for a fault by its header, whether it was injected or refused. */
  readonly asksForFault: boolean;
  /** True if the journal has only the beginning of a text, so that different requests may have this fingerprint. */
  readonly isCut: boolean;
}

/** Longest text in a journal, in characters. A longer one is cut and ends in an ellipsis. */
const LONGEST = 2048;

/** Returns the fingerprint of a recorded request. */
export function fingerprintOf(entry: RecordedExchange): RequestFingerprint {
  const { target, bucket, key, range, accessKey } = entry;
  const texts = [target, bucket, key, range, accessKey];
  return {
    ...replayIdentity(entry),
    asksForFault: entry.outcome === 'refused' || entry.rule === `${FAULT_HEADER} header`,
    isCut: texts.some((text = '') => text.length > LONGEST && text.endsWith('…')),
  };
}

/** Returns the operation, bucket and key that a rule for such requests names. It can fire only on requests with the same. */
export function targetOf({ operation, bucket, key }: RequestFingerprint): string {
  return JSON.stringify(key === undefined ? [operation, bucket] : [operation, bucket, key]);
}

/** Returns all targets that a request belongs to: its key, and its bucket without a key. */
export function targetsOf(fingerprint: RequestFingerprint): string[] {
  const { key: _, ...rest } = fingerprint;
  return fingerprint.key === undefined ? [targetOf(fingerprint)] : [targetOf(fingerprint), targetOf(rest)];
}
