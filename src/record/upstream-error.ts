import { createHash } from 'node:crypto';
import { isErrorHeader } from '../catalog/recognition.ts';
import { errorCodeIn } from '../http/error-code.ts';
import { pairsOf } from '../http/headers.ts';
import type { Facts } from '../request/facts.ts';
import type { Signed } from './secrets.ts';

/** Real error of the upstream, as it came. */
export interface UpstreamError extends Signed {
  readonly facts: Facts;
  /** Time at which the head of the answer had arrived. */
  readonly time: Date;
  readonly provider: string;
  readonly status: number;
  readonly reason: string;
  /** Headers of the answer, names and values in turn, as they came. */
  readonly headers: readonly string[];
  /** True if trailers came after the body. */
  readonly hasTrailers: boolean;
  /** Body; `undefined` if it was too large to be kept. */
  readonly body: Buffer | undefined;
  /** Fault that a rule injected into the exchange. */
  readonly injected: string | undefined;
}

/** Bytes of a body that are read to recognise an error and its kind. */
const BYTES_READ = 64 * 1024;

/** Elements whose text belongs to the kind of an error; the text of other elements belongs to one request. */
const KIND_ELEMENTS = new Set(['Code', 'Message', 'code', 'message']);

/** Returns the kind of an error: a text that ignores ids, times, and the names of bucket and object. */
export function kindOf({ facts, status, headers, body }: UpstreamError): string {
  const { operation, bucket = '', key = '' } = facts;
  let text = (body ?? Buffer.alloc(0)).toString('utf8', 0, BYTES_READ);
  for (const name of [key, bucket]) if (name.length > 2) text = text.replaceAll(name, '#');
  // The layout is found by patterns: to parse the document of each error would take longer than everything else.
  const code = /<Code>[^<]{0,100}|"code"\s{0,9}:\s{0,9}"[^"]{0,100}/.exec(text)?.[0];
  const layout = text
    .replace(/<([\w:.-]{1,64})([^<>]*>)([^<]*)/g, (all, name: string) =>
      KIND_ELEMENTS.has(name) ? all : `<${name}>`,
    )
    .replace(/[\w+/=.:-]+/g, (word) => (/\d/.test(word) ? '#' : word));
  // If there is no body, the head says what went wrong.
  const head = body?.length === 0 ? pairsOf(headers).map(kindHeader).sort() : [];
  return createHash('sha256')
    .update(JSON.stringify([operation, status, code, head, layout]))
    .digest('base64');
}

/** Returns the headers that belong to the kind of an error without a body. */
function kindHeader([name, value]: readonly [string, string]): string {
  const lower = name.toLowerCase();
  const isOfKind = /^content-type$|-error-(?:code|message|desc)$/.test(lower) || isErrorHeader(lower);
  return isOfKind ? `${lower}: ${value}` : lower;
}

/** Returns the error code in the body. */
export function codeOf({ body }: UpstreamError): string | undefined {
  return body && errorCodeIn(body.toString('utf8', 0, BYTES_READ));
}

/** Tells whether an answer is an error. In a success only an XML document is one: JSON may be the answer of a callback's server. */
export function isError(error: UpstreamError): boolean {
  const { status, body } = error;
  if (status >= 300) return true;
  return body?.toString('utf8', 0, BYTES_READ).trimStart()[0] === '<' && codeOf(error) !== undefined;
}
