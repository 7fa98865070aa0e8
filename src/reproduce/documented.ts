import { STATUS_CODES } from 'node:http';
import type { Entry } from '../catalog/catalog.ts';
import { type Document, type ErrorText, type Subject, writeDocument } from '../catalog/document.ts';
import { aboutMasked, FRAMING, formatOf, fromDialect, idHeaders, isAllowed } from './dialect.ts';
import type { Header } from './error-match.ts';
import type { Finding } from './finding.ts';
import { isMatchedLiterally } from './match.ts';
import type { ReproducedFault } from './reproduced-fault.ts';

/** Stands for what only a request can tell: a document that has it is not the same for all requests. */
const ELSEWHERE = '\u0001';

/** Any request that the rule can meet: of what the rule matches on it is known what the request has. */
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

/** The error that the provider documents, if it gives the bytes that the text has. */
export function errorAnswer(finding: Finding, entry: Entry): ReproducedFault | undefined {
  const { provider, body } = finding;
  const settings = errorSettings(finding, entry);
  const document = writeDocument(
    provider,
    errorText(settings, entry, finding),
    anyRequest(finding),
    SOME_DAY,
  );
  // Of a body that is cut short the layout may be, too: what is left of it is values.
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

/** Whether the body ends in a newline, where that is known and not as the dialect has it. */
function newlineOf(finding: Finding): boolean | undefined {
  const { body, provider, embedded } = finding;
  if (body?.exact !== true) return undefined;
  const usual = embedded ? false : provider.dialect.formats[formatOf(finding)]?.trailingNewline;
  const own = body.text.endsWith('\n');
  return own === usual ? undefined : own;
}

/** The elements of the body, or those that carry the ids where there is no body in the text. */
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

/** Headers of the report that the dialect does not write by itself. */
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
  // What an error says of its connection is not up to a rule.
  if (!headers.some(([name]) => name.toLowerCase() === 'connection')) return false;
  return JSON.stringify(document.headers) === JSON.stringify(headers.flat());
}
