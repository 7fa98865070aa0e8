import type { IncomingMessage } from 'node:http';
import { XMLParser } from 'fast-xml-parser';

/** Bytes of an upstream's error body that are looked at; real ones have a few hundred. */
const MAX_BODY = 64 * 1024;

/** What the codes of all providers look like; anything else is kept out of the journal and off the terminal. */
const CODE = /^[\w.:/-]{1,100}$/;

// Entities stay unexpanded: the body comes from outside.
const parser = new XMLParser({ processEntities: false, parseTagValue: false, ignoreAttributes: true });

/** Notes the error code of an upstream's own answer from a copy of its body as it flows by; the client waits for nothing. */
export function captureErrorCode(
  upstream: IncomingMessage,
  exchange: { upstreamCode: string | undefined },
): void {
  if ((upstream.statusCode ?? 0) < 400) return;
  copyBody(upstream, MAX_BODY, (body) => {
    const code = body && errorCodeIn(body.toString('utf8'));
    if (code !== undefined) exchange.upstreamCode = code;
  });
}

/** Copies a body as it flows by, which makes it flow; what is larger than so many bytes is not kept at all. */
export function copyBody(
  upstream: IncomingMessage,
  most: number,
  onEnd: (body: Buffer | undefined) => void,
): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  upstream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= most) chunks.push(chunk);
    else chunks = [];
  });
  upstream.once('end', () => onEnd(bytes <= most ? Buffer.concat(chunks) : undefined));
}

/** The code in an error document, XML or JSON; `undefined` where there is none to be found. */
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
