import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { LARGEST_FILE } from '../diagnostics/source.ts';
import { formatSize } from '../notation/units.ts';
import { AdminRefusal } from './answer.ts';

/** Media types of rules and plans. Web pages can send `text/plain` and forms without a preflight, so these are refused. */
const READABLE = /^(?:application|text)\/(?:[\w.-]+\+|x-)?(?:json|yaml)\s*(?:;|$)/i;

/** Refuses a body in another format than JSON and YAML. */
export function refuseOtherFormats(headers: IncomingHttpHeaders): void {
  const { 'content-type': type, 'content-encoding': encoding } = headers;
  if (type !== undefined && !READABLE.test(type)) {
    throw new AdminRefusal(
      415,
      `a body of type ${type} is not read. send YAML or JSON: Content-Type: application/yaml, or application/json`,
    );
  }
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new AdminRefusal(415, `a body that is ${encoding} is not read. send it as it is`);
  }
}

/**
 * Reads a body to its end as UTF-8. Throws an {@link AdminRefusal} if it is longer than a rule file may be; if its
 * Content-Length says so, before a client that waits for `100 Continue` gets it.
 */
export async function readBody(request: IncomingMessage, askForBody: () => void): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_FILE) throw tooLong();
  askForBody();
  const bytes = await bytesOf(request);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AdminRefusal(400, 'the body is not UTF-8 text');
  }
}

function bytesOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // Not by `for await`: when that loop is left early it closes the connection, before an answer is sent.
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_FILE) chunks.push(chunk);
      else reject(tooLong());
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('close', () => reject(new AdminRefusal(400, 'the body broke off')));
  });
}

function tooLong(): AdminRefusal {
  return new AdminRefusal(413, `a body may have ${formatSize(LARGEST_FILE)} at most`);
}
