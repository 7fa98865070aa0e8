import { createHash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { type Document, mayHaveBody, type Subject, writeDocument } from '../catalog/document.ts';
import { makeId } from '../catalog/ids.ts';
import { aboutMasked, FRAMING, formatOf, fromDialect, idHeaders, isAllowed } from './dialect.ts';
import type { Finding } from './finding.ts';
import type { ReproducedFault } from './reproduced-fault.ts';

/** Note for answers with the Date of the report. */
export const DATE_NOTE =
  'Date is the one of the report: clients that set their clock by it will sign with that time';

/** Makes an answer of the bytes of the report. The dialect supplies what the report lacks. */
export function literalAnswer(finding: Finding, status: number): ReproducedFault {
  const { provider, entry, embedded, reason, code } = finding;
  const notes: string[] = aboutMasked(finding);
  const written = writtenBy(finding, status);
  const hasBody = mayHaveBody(isHead(finding) ? 'HEAD' : 'GET', status);
  const text = hasBody ? bodyText(finding, written, notes) : undefined;
  const headers =
    finding.headers === undefined
      ? dialectHeaders(finding, written)
      : reportedHeaders(finding, text ?? '', notes);
  if (finding.headers === undefined) notes.push(fromDialect(finding, 'the headers'));
  if (code !== undefined && entry === undefined)
    notes.push(`${provider.name} documents no ${code}, so the answer is literal`);
  const own =
    reason ?? (finding.headers === undefined && entry?.status === status ? entry.reason : undefined);
  return {
    fault: {
      respond: {
        status,
        ...(own === undefined || own === STATUS_CODES[status] ? {} : { reason: own }),
        ...(Object.keys(headers).length > 0 ? { headers } : {}),
        ...(text === undefined || text === '' ? {} : { body: text }),
        ...(embedded || entry?.stored === true ? { at: 'commit' } : {}),
      },
    },
    notes,
  };
}

/** Writes the document of the dialect with the known values. */
function writtenBy(finding: Finding, status: number): Document | undefined {
  const {
    provider,
    code,
    entry,
    message,
    bucket = '',
    key = '',
    part,
    uploadId,
    requestId,
    hostId,
  } = finding;
  if (code === undefined) return undefined;
  const subject: Subject = {
    method: isHead(finding) ? 'HEAD' : 'GET',
    host: '',
    bucket,
    key,
    part,
    uploadId,
  };
  const text = { code, status, message: message ?? entry?.message ?? '', format: formatOf(finding) };
  const { dialect } = provider;
  const ids = {
    requestId: requestId ?? madeUp(dialect.requestId, finding),
    hostId: hostId ?? (dialect.hostId === undefined ? undefined : madeUp(dialect.hostId, finding)),
  };
  return writeDocument(provider, text, subject, finding.time ?? SOME_DAY, ids);
}

const SOME_DAY = new Date(0);

/** Makes an id that the text lacks. Equal errors get equal ids, so that a rule file made twice is the same. */
function madeUp(form: string, finding: Finding): string {
  const { provider, code, status, message, bucket, key, lines } = finding;
  const seed = JSON.stringify([form, provider.name, code, status, message, bucket, key, lines]);
  return makeId(form, finding.time ?? SOME_DAY, '', (size) =>
    createHash('shake256', { outputLength: size }).update(seed).digest(),
  );
}

function bodyText(finding: Finding, written: Document | undefined, notes: string[]): string | undefined {
  const { body, provider, embedded } = finding;
  if (body === undefined) {
    notes.push(
      written === undefined
        ? 'the text has no body, so the answer has none'
        : fromDialect(
            finding,
            finding.requestId === undefined ? 'the body and its ids, which are made up' : 'the body',
          ),
    );
    return written?.body.toString();
  }
  if (!body.whole) {
    notes.push('the body is cut short in the text; it ends where the text has its last whole element');
    return closed(body.text);
  }
  const { formats } = provider.dialect;
  const endsLine = body.exact || embedded ? false : formats[formatOf(finding)]?.trailingNewline === true;
  return endsLine && body.text.includes('<Error') ? `${body.text.trimEnd()}\n` : body.text;
}

/** Completes a document that was cut: keeps its last whole element and adds the missing end. */
function closed(text: string): string {
  if (!text.includes('<Error')) return text;
  const last = [...text.matchAll(/<\/[\w.-]{1,100}>/g)].at(-1);
  return last === undefined ? text : `${text.slice(0, last.index + last[0].length)}</Error>`;
}

function dialectHeaders(finding: Finding, written: Document | undefined): Record<string, string> {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < (written?.headers.length ?? 0); i += 2) {
    pairs.push([written?.headers[i] ?? '', written?.headers[i + 1] ?? '']);
  }
  const { requestId, hostId, provider } = finding;
  const recipe = provider.dialect.formats[formatOf(finding)]?.headers ?? [];
  const hasOwnBody = finding.body !== undefined;
  const leftOut = new Set(
    recipe
      .filter(
        ([, template]) =>
          template === '{date}' ||
          // An id in the head and none in the body would be no answer of the provider's.
          (hasOwnBody && template === '{requestId}' && requestId === undefined) ||
          (hasOwnBody && template === '{hostId}' && hostId === undefined),
      )
      .map(([name]) => name),
  );
  const kept = pairs.filter(([name]) => !FRAMING.has(name.toLowerCase()) && !leftOut.has(name));
  const type = written === undefined ? typeOf(finding.body?.text ?? '') : undefined;
  return {
    ...Object.fromEntries(kept),
    ...(type === undefined ? {} : { 'Content-Type': type }),
    ...idHeaders(finding),
  };
}

function typeOf(body: string): string | undefined {
  if (/^\s*</.test(body)) return /^\s*<(?:!doctype|html)/i.test(body) ? 'text/html' : 'application/xml';
  return /^\s*[[{]/.test(body) ? 'application/json' : undefined;
}

/** Groups repeated headers into lists, at the place of the first. */
function reportedHeaders(finding: Finding, body: string, notes: string[]): Record<string, string | string[]> {
  const kept = new Map<string, string[]>();
  const left = new Set<string>();
  for (const [name, value] of finding.headers ?? []) {
    const sent = isAllowed(name) ? sentValue(name.toLowerCase(), value, finding, body, notes) : undefined;
    if (sent === undefined) left.add(name);
    else if (kept.get(name)?.push(sent) === undefined) kept.set(name, [sent]);
  }
  if (left.size > 0) notes.push(`left out of the headers: ${[...left].join(', ')}`);
  if (finding.headers?.some(([name]) => name.toLowerCase() === 'date') === true) {
    notes.push(DATE_NOTE);
  }
  return Object.fromEntries(
    [...kept].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

/** Returns the value of a header; `undefined` if it cannot be sent. */
function sentValue(
  name: string,
  value: string,
  finding: Finding,
  body: string,
  notes: string[],
): string | undefined {
  if (name === 'content-encoding') return undefined; // the text has the body decoded
  if (name !== 'transfer-encoding' && (name !== 'content-length' || isHead(finding))) return value;
  const lengths = finding.headers?.filter(([each]) => each.toLowerCase() === 'content-length') ?? [];
  if (name === 'transfer-encoding') {
    return value.toLowerCase() === 'chunked' && lengths.length === 0 ? value : undefined;
  }
  const length = String(Buffer.byteLength(body));
  if (value === length) return value;
  if (body === '' || lengths.length > 1 || finding.body?.whole !== true) return undefined;
  notes.push(`Content-Length: the text says ${value} of a body that has ${length} bytes, and so it is sent`);
  return length;
}

function isHead({ method, operations }: Finding): boolean {
  return method === 'HEAD' || (operations.length === 1 && /^Head/.test(operations[0] ?? ''));
}
