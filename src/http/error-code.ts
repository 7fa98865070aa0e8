import type { Readable } from 'node:stream';
import { XMLParser } from 'fast-xml-parser';

/** Largest error body of an upstream that is read, in bytes; real ones have a few hundred. */
const MAX_BODY = 64 * 1024;

/** Pattern of the codes of all providers. Other text stays out of the journal and off the terminal. */
const CODE = /^[\w.:/-]{1,100}$/;

// Entities stay unexpanded: the body comes from outside.
const parser = new XMLParser({ processEntities: false, parseTagValue: false, ignoreAttributes: true });

/** Sets the exchange's upstream code from a copy of the upstream's error body, without delaying the body for the client. */
export function captureErrorCode(
  answer: { readonly status: number; readonly body: Readable },
  exchange: { upstreamCode: string | undefined },
): void {
  if (answer.status < 400) return;
  copyBody(answer.body, MAX_BODY, (body) => {
    const code = body && errorCodeIn(body.toString('utf8'));
    if (code !== undefined) exchange.upstreamCode = code;
  });
}

/** Copies a body while it flows, and makes it flow. Calls back without a copy if the body has more than `most` bytes. */
export function copyBody(from: Readable, limit: number, onEnd: (body: Buffer | undefined) => void): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  from.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limit) chunks.push(chunk);
    else chunks = [];
  });
  from.once('end', () => onEnd(bytes <= limit ? Buffer.concat(chunks) : undefined));
}

/** Finds the code in an error document, XML or JSON; `undefined` if it has none. */
export function errorCodeIn(body: string): string | undefined {
  const code = body.trimStart().startsWith('{') ? codeInJson(body) : codeInXml(body);
  return typeof code === 'string' && CODE.test(code.trim()) ? code.trim() : undefined;
}

function codeInJson(body: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && 'code' in parsed ? parsed.code : undefined;
  } catch {
    return undefined;
  }
}

function codeInXml(body: string): unknown {
  try {
    return parser.parse(body)?.Error?.Code;
  } catch {
    return undefined;
  }
}
