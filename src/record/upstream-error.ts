import { createHash } from 'node:crypto';
import { isErrorHeader } from '../catalog/recognition.ts';
import { errorCodeIn } from '../http/error-code.ts';
import { pairsOf } from '../http/headers.ts';
import type { Facts } from '../request/facts.ts';
import type { Signed } from './secrets.ts';

/** A real error of the upstream, as it came. */
export interface UpstreamError extends Signed {
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
  /** What a rule injected into the exchange meanwhile. */
  readonly injected: string | undefined;
}

/** Bytes of a body by which errors are told, and told apart. */
const TELLING = 64 * 1024;

/** Elements whose text says what went wrong; what the others have is that of the one request. */
const SAYING = new Set(['Code', 'Message', 'code', 'message']);

/** What errors have in common that are the same but for ids, times, and names of the bucket and the object. */
export function kindOf({ facts, status, headers, body }: UpstreamError): string {
  const { operation, bucket = '', key = '' } = facts;
  let text = (body ?? Buffer.alloc(0)).toString('utf8', 0, TELLING);
  for (const name of [key, bucket]) if (name.length > 2) text = text.replaceAll(name, '#');
  // By its looks, as this is done for each error: to read the document would take longer than all else.
  const code = /<Code>[^<]{0,100}|"code"\s{0,9}:\s{0,9}"[^"]{0,100}/.exec(text)?.[0];
  const layout = text
    .replace(/<([\w:.-]{1,64})([^<>]*>)([^<]*)/g, (all, name: string) =>
      SAYING.has(name) ? all : `<${name}>`,
    )
    .replace(/[\w+/=.:-]+/g, (word) => (/\d/.test(word) ? '#' : word));
  // Where there is no body the head says what went wrong.
  const head = body?.length === 0 ? pairsOf(headers).map(tellingOf).sort() : [];
  return createHash('sha256')
    .update(JSON.stringify([operation, status, code, head, layout]))
    .digest('base64');
}

/** What a header of an answer without a body says of the kind of error. */
function tellingOf([name, value]: readonly [string, string]): string {
  const lower = name.toLowerCase();
  const isTelling = /^content-type$|-error-(?:code|message|desc)$/.test(lower) || isErrorHeader(lower);
  return isTelling ? `${lower}: ${value}` : lower;
}

/** The error code in the body. */
export function codeOf({ body }: UpstreamError): string | undefined {
  return body && errorCodeIn(body.toString('utf8', 0, TELLING));
}

/** Inside of a success only a document in XML is an error: JSON there may be what a callback's server has said. */
export function isError(seen: UpstreamError): boolean {
  const { status, body } = seen;
  if (status >= 300) return true;
  return body?.toString('utf8', 0, TELLING).trimStart()[0] === '<' && codeOf(seen) !== undefined;
}
