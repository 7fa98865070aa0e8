import { createHash } from 'node:crypto';
import type { Facts } from '../request/facts.ts';
import type { Signed } from './secrets.ts';

/** A real error of the upstream, as it came. */
export interface Seen extends Signed {
  readonly facts: Facts;
  /** When the head of the answer had arrived. */
  readonly time: Date;
  readonly provider: string;
  readonly status: number;
  readonly reason: string;
  /** Headers of the answer, names and values in turn, as they came. */
  readonly headers: readonly string[];
  /** Trailers came behind the body. */
  readonly hasTrailers: boolean;
  /** `undefined` for one that is too large to be kept. */
  readonly body: Buffer | undefined;
  /** The error code in the body. */
  readonly code: string | undefined;
  /** What a rule injected into the exchange meanwhile. */
  readonly injected: string | undefined;
}

/** Bytes of a body by which kinds of errors are told apart. */
const TELLING = 64 * 1024;

/** Elements whose text says what went wrong; what the others have is that of the one request. */
const SAYING = new Set(['Code', 'Message', 'code', 'message']);

/** What errors have in common that are the same but for ids, times, and names of the bucket and the object. */
export function kindOf({ facts, status, code, body }: Seen): string {
  const { operation, bucket = '', key = '' } = facts;
  let text = (body ?? Buffer.alloc(0)).toString('utf8', 0, TELLING);
  for (const name of [key, bucket]) if (name.length > 2) text = text.replaceAll(name, '#');
  const layout = text
    .replace(/<([\w:.-]{1,64})([^<>]*>)([^<]*)/g, (all, name: string) =>
      SAYING.has(name) ? all : `<${name}>`,
    )
    .replace(/[\w+/=.:-]+/g, (word) => (/\d/.test(word) ? '#' : word));
  return createHash('sha256')
    .update(JSON.stringify([operation, status, code, layout]))
    .digest('base64');
}
