import { formatDuration } from '../notation/units.ts';
import type { Network } from './error-match.ts';
import type { Finding } from './finding.ts';

const HAPPENED = {
  reset: 'a connection that was reset',
  close: 'a connection that was closed',
  refused: 'a connection that was refused',
  timeout: 'a time-out',
};
const WHILE = {
  connect: 'before there was a connection',
  'request-body': 'during the upload',
  answer: 'before the answer',
  download: 'during the download',
};

/** Describes the failure of a connection: `a time-out after 1m before the answer`. */
export function connectionInWords({ fault, phase, timeoutMs }: Network): string {
  const time = timeoutMs === undefined ? '' : ` after ${formatDuration(timeoutMs)}`;
  return `${HAPPENED[fault]}${time} ${WHILE[phase]}`;
}

/** Titles a finding: `SlowDown 503`, or the failure of the connection. */
export function titleOf({ code, status, network, embedded, refusedKeys }: Finding): string {
  if (refusedKeys !== undefined) return `${code} for some keys, inside a 200`;
  if (network !== undefined) return connectionInWords(network);
  return [code ?? 'an error without a code', embedded ? 'inside a 200' : status]
    .filter((each) => each !== undefined)
    .join(' ');
}

/** Describes a request: `UploadPart, bucket photos, key a.jpg, part 3`; `undefined` if nothing is known. */
export function requestOf({ method, operations, bucket, key, part, uploadId }: Finding): string | undefined {
  const parts = { bucket, key, part, 'upload id': uploadId };
  const known = Object.entries(parts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  return (
    [operations.join(' or ') || method, ...known]
      .filter((each) => each !== undefined && each !== '')
      .join(', ') || undefined
  );
}
