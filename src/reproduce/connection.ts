import type { Network } from './error-match.ts';
import type { Finding } from './finding.ts';
import type { ReproducedFault } from './reproduced-fault.ts';

const UPLOADS = new Set(['PutObject', 'UploadPart', 'PostObject', 'AppendObject']);

/** Makes the fault that breaks or stalls a connection at the place of the report, or as near as a proxy can. */
export function connectionFault(finding: Finding, { fault, phase }: Network): ReproducedFault {
  const uploads =
    finding.method === 'PUT' ||
    (finding.method === 'POST' && finding.operations.length === 0) ||
    finding.operations.some((name) => UPLOADS.has(name));
  if (phase === 'connect')
    return fault === 'timeout' ? stall('headers', NEVER_CONNECTED) : reset('headers', undefined, REFUSED);
  if (fault === 'timeout') {
    if (phase === 'request-body') return stall('body:50%', HALF);
    return stall(uploads ? 'body:end' : 'headers', UNKNOWN_OUTCOME);
  }
  const how = fault === 'close' ? 'fin' : undefined;
  if (phase === 'request-body') return reset('body:50%', how, HALF);
  if (phase === 'download') return reset('response:50%', how, HALF);
  return reset(uploads ? 'body:end' : 'headers', how, UNKNOWN_OUTCOME);
}

const HALF = 'how far it got is not in the text; the rule says half';
const UNKNOWN_OUTCOME =
  'whether the upstream had done its work is not in the text; with this rule it has not, with "commit" it would have';
const REFUSED =
  'a proxy that listens cannot refuse a connection; to see that, stop it. A reset is next to it';
const NEVER_CONNECTED =
  'a proxy that listens cannot keep a connection from being made; the client waits for the answer instead';

function reset(at: string, how: 'fin' | undefined, note: string): ReproducedFault {
  return { fault: { reset: how === undefined ? at : { at, with: how } }, notes: [note] };
}

function stall(at: string, note: string): ReproducedFault {
  return { fault: { stall: at }, notes: [note] };
}
