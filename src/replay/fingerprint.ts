import { FAULT_HEADER } from '../exchange/marks.ts';
import { CHOOSING } from '../request/facts.ts';
import { decode, parseQuery, splitTarget } from '../request/target.ts';
import type { RecordedExchange } from './recorded.ts';

/** What makes requests alike; which of these met a fault is then a matter of counting. */
export interface RequestFingerprint {
  readonly operation: string;
  readonly bucket?: string;
  readonly key?: string;
  /** Percent-decoded; only where there is no key, which says more. */
  readonly path?: string;
  /** One that rules can ask for. */
  readonly part?: number;
  readonly method: string;
  readonly range?: string;
  /** It asked for a fault by a header, which it got or was refused. */
  readonly asks: boolean;
  /** The query parameters by which a client chooses, a part number that is none among them. */
  readonly chosen: Readonly<Record<string, string>>;
  /** The journal does not have all of it: others may be like it that are not. */
  readonly isCut: boolean;
}

/** The parameter of a part's number. */
export const PART_NUMBER = 'partNumber';

/** The highest part a rule can ask for. */
const HIGHEST_PART = 999_999_999;

/** Characters that a journal keeps of a text; a longer one ends in an ellipsis there. */
const LONGEST = 2048;

/** What others must have in common with a request to be like it. */
export function fingerprintOf(entry: RecordedExchange): RequestFingerprint {
  const { operation, bucket, key, part = 0, method, range, target, accessKey } = entry;
  const { path, query } = splitTarget(target);
  const parameters = parseQuery(query);
  const isPart = part >= 1 && part <= HIGHEST_PART;
  const names = isPart ? CHOOSING : [...CHOOSING, PART_NUMBER];
  const texts = [target, bucket, key, range, accessKey];
  return {
    operation,
    ...(bucket !== undefined && { bucket }),
    ...(key === undefined ? { path: decode(path) } : { key }),
    ...(isPart && { part }),
    method,
    ...(range !== undefined && { range }),
    asks: entry.outcome === 'refused' || entry.rule === `${FAULT_HEADER} header`,
    chosen: Object.fromEntries(names.flatMap((name) => pairOf(name, parameters.get(name)))),
    isCut: texts.some((text = '') => text.length > LONGEST && text.endsWith('…')),
  };
}

function pairOf(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
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
