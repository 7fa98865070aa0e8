import { STATUS_CODES } from 'node:http';
import type { Entry, Provider } from '../catalog/catalog.ts';
import { HEADER_NAME } from '../catalog/dialect.ts';
import {
  type Document,
  type ErrorText,
  mayHaveBody,
  type Subject,
  writeDocument,
} from '../catalog/document.ts';
import { connectionFault } from './connection.ts';
import type { Finding } from './finding.ts';
import type { Header } from './sighting.ts';

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
  const { entry, status } = finding;
  if (status === undefined) return undefined;
  if (finding.garbage === true) return garbage(finding, status);
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  if (entry !== undefined && !isRedirect && status !== 205) {
    const error = errorAnswer(finding, entry);
    if (error !== undefined) return error;
  }
  return literalAnswer(finding, status);
}

/** Stands for what only a request can tell: a document that has it is not the same for all requests. */
const ELSEWHERE = '\u0001';
const ANYBODY: Subject = {
  method: 'GET',
  host: ELSEWHERE,
  bucket: ELSEWHERE,
  key: ELSEWHERE,
  part: 99_999,
  uploadId: ELSEWHERE,
  range: ELSEWHERE,
  size: 99_999_999,
};
const SOME_DAY = new Date(0);

function errorAnswer(finding: Finding, entry: Entry): Answer | undefined {
  const { provider, body } = finding;
  const settings = errorSettings(finding, entry);
  const document = writeDocument(provider, errorText(settings, entry, finding), ANYBODY, SOME_DAY);
  if (body !== undefined && !hasSameBody(document, finding)) return undefined;
  if (finding.headers !== undefined && !hasSameHead(document, finding.headers)) return undefined;
  const isPlain = Object.keys(settings).length === 1;
  return {
    fault: { error: isPlain ? entry.code : settings },
    notes:
      body?.whole === true
        ? []
        : [fromDialect(finding, body === undefined ? 'the body' : 'the end of the body')],
  };
}

/** Settings of an `error`, as a rule file has them. */
interface ErrorSettings {
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

function errorSettings(finding: Finding, entry: Entry): ErrorSettings {
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

function errorText(settings: ErrorSettings, entry: Entry, { embedded }: Finding): ErrorText {
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

function formatOf({ provider, body }: Finding): 'xml' | 'json' {
  const { format, formats } = provider.dialect;
  if (body?.text.startsWith('<') === true && formats.xml !== undefined) return 'xml';
  return format;
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

/** The headers that carry the ids, in all names that the provider has for them. */
function idHeaders(finding: Finding): Record<string, string> {
  const { provider, requestId, hostId, headers } = finding;
  if (headers !== undefined) return {};
  const { formats, awsSigned } = provider.dialect;
  const all = formats[formatOf(finding)]?.headers ?? [];
  const found: [string, string][] = [];
  for (const [name, template] of all) {
    const id = template === '{requestId}' ? requestId : template === '{hostId}' ? hostId : undefined;
    if (id === undefined) continue;
    found.push([name, id]);
    if (awsSigned !== undefined && name.startsWith(awsSigned.from)) {
      found.push([awsSigned.to + name.slice(awsSigned.from.length), id]);
    }
  }
  return Object.fromEntries(found);
}

const FRAMING = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'trailer',
  'upgrade',
]);

/** Headers of the report that the dialect does not write by itself. */
function ownHeaders({ headers = [] }: Finding): Record<string, string> {
  return Object.fromEntries(headers.filter(([name]) => !FRAMING.has(name.toLowerCase()) && isAllowed(name)));
}

function isAllowed(name: string): boolean {
  return HEADER_NAME.test(name) && !/^(?:x-brownout-.*|trailer|set-cookie)$/i.test(name);
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

/** The bytes of the report as they are; what it does not have is from the dialect. */
function literalAnswer(finding: Finding, status: number): Answer {
  const { provider, entry, embedded, reason, code } = finding;
  const notes: string[] = [];
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

/** The document that the dialect makes of what is known. */
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
  return writeDocument(provider, text, subject, new Date(), { requestId, hostId });
}

function bodyText(finding: Finding, written: Document | undefined, notes: string[]): string | undefined {
  const { body, provider, embedded } = finding;
  if (body === undefined) {
    notes.push(
      written === undefined
        ? 'the text has no body, so the answer has none'
        : fromDialect(finding, 'the body'),
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

/** A document that ends too early, with its last whole element and the end that it lacks. */
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
  const madeUp = new Set(
    recipe
      .filter(
        ([, template]) =>
          template === '{date}' ||
          (template === '{requestId}' && requestId === undefined) ||
          (template === '{hostId}' && hostId === undefined),
      )
      .map(([name]) => name),
  );
  const kept = pairs.filter(([name]) => !FRAMING.has(name.toLowerCase()) && !madeUp.has(name));
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

/** A header that is there several times is a list, in the place of its first. */
function reportedHeaders(finding: Finding, body: string, notes: string[]): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  const left: string[] = [];
  for (const [name, value] of finding.headers ?? []) {
    if (!isAllowed(name) || !isSent(name.toLowerCase(), value, finding, body)) {
      left.push(name);
      continue;
    }
    const before = kept[name];
    kept[name] = before === undefined ? value : [...[before].flat(), value];
  }
  if (left.length > 0) notes.push(`left out of the headers: ${left.join(', ')}`);
  if (finding.headers?.some(([name]) => name.toLowerCase() === 'date') === true) {
    notes.push('Date is the one of the report: clients that set their clock by it will sign with that time');
  }
  return kept;
}

function isSent(name: string, value: string, finding: Finding, body: string): boolean {
  if (name === 'content-encoding') return false; // the text has the body decoded
  if (name === 'transfer-encoding') {
    const isFramed = finding.headers?.some(([each]) => each.toLowerCase() === 'content-length') === true;
    return value.toLowerCase() === 'chunked' && !isFramed;
  }
  return name !== 'content-length' || isHead(finding) || Number(value) === Buffer.byteLength(body);
}

function isHead({ method, operations }: Finding): boolean {
  return method === 'HEAD' || (operations.length === 1 && /^Head/.test(operations[0] ?? ''));
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

function fromDialect({ provider }: { readonly provider: Provider }, what: string): string {
  return `${what}: not in the text, so as ${provider.name} writes it`;
}
