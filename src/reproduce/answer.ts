import { STATUS_CODES } from 'node:http';
import type { Entry } from '../catalog/catalog.ts';
import { connectionFault } from './connection.ts';
import { idHeaders } from './dialect.ts';
import { errorAnswer } from './documented.ts';
import type { Finding } from './finding.ts';
import { literalAnswer } from './literal.ts';

/** A fault as a rule file states it, and what there is to say of it. */
export interface Answer {
  readonly fault: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
}

/**
 * The fault that brings a finding about: the provider's own error where that gives the same bytes, else the bytes as they
 * are. `undefined` where it cannot be known what to answer.
 */
export function answerTo(finding: Finding): Answer | undefined {
  if (finding.network !== undefined) return connectionFault(finding, finding.network);
  const { entry, status, refusedKeys } = finding;
  if (refusedKeys !== undefined && entry !== undefined) return partialAnswer(finding, entry, refusedKeys);
  if (status === undefined) return undefined;
  if (finding.garbage === true) return garbage(finding, status);
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  if (entry !== undefined && !isRedirect && status !== 205) {
    const error = errorAnswer(finding, entry);
    if (error !== undefined) return error;
  }
  return literalAnswer(finding, status);
}

/** An answer whose body was not the provider's: most likely that of something in between. */
function garbage(finding: Finding, status: number): Answer {
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

function partialAnswer({ message }: Finding, entry: Entry, refusedKeys: readonly string[]): Answer {
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
