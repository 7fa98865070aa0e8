import { STATUS_CODES } from 'node:http';
import type { Entry } from '../catalog/catalog.ts';
import { connectionFault } from './connection.ts';
import { idHeaders } from './dialect.ts';
import { errorAnswer } from './documented.ts';
import { requestTo } from './error-match.ts';
import type { Finding } from './finding.ts';
import { DATE_NOTE, literalAnswer } from './literal.ts';
import type { ReproducedFault } from './reproduced-fault.ts';

/**
 * The fault that brings a finding about: the provider's own error where that gives the same bytes, else the bytes as they
 * are. `undefined` where it cannot be known what to answer.
 */
export function answerTo(finding: Finding): ReproducedFault | undefined {
  if (finding.network !== undefined) return connectionFault(finding, finding.network);
  const { entry, status, refusedKeys } = finding;
  if (refusedKeys !== undefined && entry !== undefined) return partialAnswer(finding, entry, refusedKeys);
  if (status === undefined) return undefined;
  if (finding.unparsableBody === true) return garbage(finding, status);
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  if (entry !== undefined && !isRedirect && status !== 205) {
    const error = errorAnswer(finding, entry);
    if (error !== undefined) return withDateNote(finding, error);
  }
  return isRedirect ? atHome(literalAnswer(finding, status)) : literalAnswer(finding, status);
}

function withDateNote({ headers = [] }: Finding, answer: ReproducedFault): ReproducedFault {
  if (!headers.some(([name]) => name.toLowerCase() === 'date')) return answer;
  return { ...answer, notes: [...answer.notes, DATE_NOTE] };
}

/** A signed request that follows a redirect must not leave for the cloud: it stays with the proxy, by a reference without a host (RFC 9110, 10.2.2). */
function atHome({ fault, notes }: ReproducedFault): ReproducedFault {
  const { respond } = fault;
  if (respond === undefined) return { fault, notes };
  const headers = Object.entries(respond.headers ?? {});
  const stays: string[] = [];
  const own = headers.map(([name, value]) => {
    if (name.toLowerCase() !== 'location' || typeof value !== 'string' || !/^https?:\/\//i.test(value))
      return [name, value] as const;
    const { bucket, key } = requestTo(value);
    const target = /^https?:\/\/[^/?#]*(\/[^#]*)/i.exec(value)?.[1] ?? '/';
    const isInPath = bucket === undefined || key === undefined || target.startsWith(`/${bucket}/`);
    stays.push(
      `LOCATION: the report sends the client to ${value}; the rule keeps it at the proxy, in path style, as a client that follows signs for and sends to the real host`,
    );
    return [name, `${isInPath ? '' : `/${bucket}`}${target}`] as const;
  });
  if (/<Endpoint>[^<]/.test(respond.body ?? ''))
    stays.push(
      'ENDPOINT: the body names the real host, and SDKs that go by it leave the proxy with a signed request: change it before you run one',
    );
  if (stays.length === 0) return { fault, notes };
  return {
    fault: {
      ...fault,
      respond: { ...respond, ...(headers.length > 0 ? { headers: Object.fromEntries(own) } : {}) },
    },
    notes: [...stays, ...notes],
  };
}

/** An answer whose body was not the provider's: most likely that of something in between. */
function garbage(finding: Finding, status: number): ReproducedFault {
  const reason = finding.reason ?? STATUS_CODES[status] ?? '';
  const page = `<html><head><title>${status} ${reason}</title></head><body>${status} ${reason}</body></html>`;
  return {
    fault: {
      respond: {
        status,
        ...(reason === STATUS_CODES[status] ? {} : { reason }),
        headers: { 'Content-Type': 'text/html', ...idHeaders(finding) },
        body: page,
      },
    },
    notes: ['the text says only that the body could not be read; the answer has a page of HTML'],
  };
}

/** Keys of a list have no more than globs allow. */
const LONGEST_KEY = 1024;

function partialAnswer({ message }: Finding, entry: Entry, refusedKeys: readonly string[]): ReproducedFault {
  const keys = refusedKeys.filter((key) => key !== '' && key.length <= LONGEST_KEY);
  return {
    fault: {
      partial: {
        ...(keys.length > 0 ? { keys } : { share: 1 }),
        code: entry.code,
        ...(message === undefined || message === entry.message ? {} : { message }),
      },
    },
    notes: [],
  };
}
