import { STATUS_CODES } from 'node:http';
import type { Entry } from '../catalog/catalog.ts';
import { type Document, type ErrorText, type Subject, writeDocument } from '../catalog/document.ts';
import { aboutMasked, FRAMING, formatOf, fromDialect, idHeaders, isAllowed } from './dialect.ts';
import type { Header } from './error-match.ts';
import type { Finding } from './finding.ts';
import { isMatchedLiterally } from './match.ts';
import type { ReproducedFault } from './reproduced-fault.ts';

/** Placeholder for values of a request. A document that contains it differs between requests. */
const ELSEWHERE = '\u0001';

/** Makes a request that the rule can match, with the values that the rule asks for. */
function anyRequest({ bucket, key }: Finding): Subject {
  const matched = (text: string | undefined) => (isMatchedLiterally(text) ? text : ELSEWHERE);
  return {
    method: 'GET',
    host: ELSEWHERE,
    bucket: matched(bucket),
    key: matched(key),
    part: 99_999,
    uploadId: ELSEWHERE,
    range: ELSEWHERE,
    size: 99_999_999,
  };
}

const SOME_DAY = new Date(0);

/** Returns the documented error, if it produces the bytes of the text. */
export function errorAnswer(finding: Finding, entry: Entry): ReproducedFault | undefined {
  const { provider, body } = finding;
  const settings = errorSettings(finding, entry);
  const document = writeDocument(
    provider,
    errorText(settings, entry, finding),
    anyRequest(finding),
    SOME_DAY,
  );
  // If the body is cut, its layout may be cut too. Only its values are compared then.
  const isPart = body?.whole === false && finding.headers === undefined;
  if (body !== undefined && !isPart && !hasSameBody(document, finding)) return undefined;
  if (finding.headers !== undefined && !hasSameHead(document, finding.headers)) return undefined;
  const isPlain = Object.keys(settings).length === 1;
  return {
    fault: { error: isPlain ? entry.code : settings },
    notes: [
      ...aboutMasked(finding),
      ...(body?.whole === true
        ? []
        : [fromDialect(finding, body === undefined ? 'the body' : 'the end of the body')]),
    ],
  };
}

/** Settings of an `error`, as a rule file has them. */
interface StatedError {
  readonly code: string;
  readonly variant?: string;
  readonly status?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
  readonly at?: string;
  readonly format?: 'xml' | 'json';
  readonly trailingNewline?: boolean;
}

function errorSettings(finding: Finding, entry: Entry): StatedError {
  const { provider, status = entry.status, message, reason, embedded } = finding;
  const isDefault = provider.entries.find(({ code }) => code === entry.code) === entry;
  const usual = status === entry.status ? (entry.reason ?? STATUS_CODES[status]) : STATUS_CODES[status];
  const fields = fieldsOf(finding);
  const headers = { ...idHeaders(finding), ...ownHeaders(finding) };
  const format = formatOf(finding);
  const newline = newlineOf(finding);
  return {
    code: entry.code,
    ...(isDefault || entry.variant === undefined ? {} : { variant: entry.variant }),
    ...(status === entry.status || embedded ? {} : { status }),
    ...(reason === undefined || reason === usual || embedded ? {} : { reason }),
    ...(embedded ? { at: 'embedded' } : {}),
    ...(message === undefined || message === entry.message ? {} : { message }),
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(format === provider.dialect.format ? {} : { format }),
    ...(newline === undefined ? {} : { trailingNewline: newline }),
  };
}

function errorText(settings: StatedError, entry: Entry, { embedded }: Finding): ErrorText {
  const {
    status = entry.status,
    reason,
    message = entry.message,
    fields,
    headers,
    format,
    trailingNewline,
  } = settings;
  return {
    code: entry.code,
    status: embedded ? 200 : status,
    reason: reason ?? (settings.status === undefined ? entry.reason : undefined),
    message,
    fields,
    headers,
    format,
    trailingNewline: trailingNewline ?? (embedded ? false : undefined),
  };
}

/** Tells whether the body ends in a newline, if that is known and differs from the dialect. */
function newlineOf(finding: Finding): boolean | undefined {
  const { body, provider, embedded } = finding;
  if (body?.exact !== true) return undefined;
  const usual = embedded ? false : provider.dialect.formats[formatOf(finding)]?.trailingNewline;
  const own = body.text.endsWith('\n');
  return own === usual ? undefined : own;
}

/** Returns the elements of the body, or those with the ids if the text has no body. */
function fieldsOf(finding: Finding): Record<string, string> {
  const { fields, requestId, hostId, provider } = finding;
  if (fields !== undefined) {
    return Object.fromEntries(fields.filter(([name]) => name !== 'Code' && name !== 'Message'));
  }
  const elements = provider.dialect.formats[formatOf(finding)]?.elements ?? [];
  const named = elements.flatMap((element) => (element === 'extras' ? [] : [element]));
  const ids = { '{requestId}': requestId, '{hostId}': hostId };
  return Object.fromEntries(
    named.flatMap(([name, template]) => {
      const id = template === '{requestId}' || template === '{hostId}' ? ids[template] : undefined;
      return id === undefined ? [] : [[name, id]];
    }),
  );
}

/** Returns the headers of the report that the dialect does not write. */
function ownHeaders({ headers = [] }: Finding): Record<string, string> {
  return Object.fromEntries(headers.filter(([name]) => !FRAMING.has(name.toLowerCase()) && isAllowed(name)));
}

function hasSameBody(document: Document, { body, embedded }: Finding): boolean {
  const written = document.body.toString();
  const own = body?.text ?? '';
  if (body?.whole === false) return written.startsWith(own.slice(0, own.lastIndexOf('>') + 1));
  return body?.exact === true && !embedded ? written === own : written.trimEnd() === own.trimEnd();
}

function hasSameHead(document: Document, headers: readonly Header[]): boolean {
  // A rule does not set headers of the connection.
  if (!headers.some(([name]) => name.toLowerCase() === 'connection')) return false;
  return JSON.stringify(document.headers) === JSON.stringify(headers.flat());
}
