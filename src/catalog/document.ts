import { STATUS_CODES } from 'node:http';
import { isIP } from 'node:net';
import type { Provider } from './catalog.ts';
import type { Dialect, JsonFormat, Placeholder, XmlFormat } from './dialect.ts';
import { makeId } from './ids.ts';
import { escapeXml } from './xml.ts';

/** Error of a provider as it is sent. */
export interface Document {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, in wire order, as `response.writeHead` takes them. */
  readonly headers: readonly string[];
  /** Empty for HEAD, 204 and 304. */
  readonly body: Buffer;
  readonly requestId: string;
}

/** Parts of a request that an error document can name. */
export interface Subject {
  readonly method: string;
  /** Host that the client asked for, without the port. */
  readonly host: string;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly part?: number | undefined;
  readonly uploadId?: string | undefined;
  /** Range header, as sent. */
  readonly range?: string | undefined;
  /** Size of the object that the request would store, in bytes. */
  readonly size?: number | undefined;
  /** The request is signed the AWS way. OBS then writes `x-amz-` instead of `x-obs-`. */
  readonly awsSigned?: boolean | undefined;
}

/** Error to be written: a catalog entry with the changes of a rule. */
export interface ErrorText {
  readonly code: string;
  readonly status: number;
  /** Reason phrase; if left out, the standard one of the status. */
  readonly reason?: string | undefined;
  readonly message: string;
  /** Elements by name. They replace the dialect's elements of the same name; the others are added. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** Response headers by name. They replace the dialect's headers of the same name; the others are added. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Format of the document; if left out, the dialect's usual one. */
  readonly format?: 'xml' | 'json' | undefined;
  /** Value of Retry-After, in seconds. */
  readonly retryAfter?: number | undefined;
  /** The document ends in a newline; left out: the dialect decides. */
  readonly trailingNewline?: boolean | undefined;
}

/** Ids that replace new ones; `tail` is the end of a new request id. */
interface Ids {
  readonly requestId?: string | undefined;
  readonly hostId?: string | undefined;
  readonly tail?: string | undefined;
}

type Values = Readonly<Record<Placeholder, string | undefined>>;
type Pair = readonly [name: string, value: string];

const BODY_HEADERS = new Set(['content-type', 'content-length', 'transfer-encoding']);

// In ms; more than the 15 minutes that every provider allows.
const CLOCK_SKEW = 20 * 60 * 1000;

/**
 * Writes an error as its provider does: status line, headers and body of the answer to a request. Throws if the dialect
 * has no recipe for the format.
 */
export function writeDocument(
  provider: Provider,
  error: ErrorText,
  subject: Subject,
  now: Date,
  ids: Ids = {},
): Document {
  const { dialect } = provider;
  const requestId = ids.requestId ?? makeId(dialect.requestId, now, ids.tail);
  const hostId = ids.hostId ?? (dialect.hostId ? makeId(dialect.hostId, now) : bucketHost(subject));
  const values = valuesOf(error, subject, now, requestId, hostId);
  const recipe = recipeOf(provider, error);
  const text = write(dialect, recipe, error, values);
  const document = Buffer.from(text);
  const hasBody = mayHaveBody(subject.method, error.status);
  const headers = headersOf(dialect, recipe.headers, error, subject, {
    ...values,
    contentType: recipe.contentType,
    length: String(document.length),
    documentBase64: document.toString('base64'),
  });
  return {
    status: error.status,
    reason: headerSafe(error.reason ?? STATUS_CODES[error.status] ?? 'Unknown'),
    headers: headers.filter(([name]) => hasBody || !BODY_HEADERS.has(name.toLowerCase())).flat(),
    body: hasBody ? document : Buffer.alloc(0),
    requestId,
  };
}

/** Tells whether an answer with this status to this method can have a body (RFC 9110, section 6.4.1). */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
}

/**
 * Returns the host of a bucket in virtual-hosted style: providers write it in path style, too. An IP address stays as it
 * is, because it cannot have a label before it.
 */
function bucketHost({ host, bucket }: Subject): string {
  const isNamed = bucket === undefined || host === '' || isIP(host) !== 0 || host.startsWith(`${bucket}.`);
  return isNamed ? host : `${bucket}.${host}`;
}

function recipeOf({ name, dialect }: Provider, error: ErrorText): XmlFormat | JsonFormat {
  const format = error.format ?? dialect.format;
  const recipe = dialect.formats[format];
  if (recipe === undefined) throw new Error(`${name} has no errors in ${format}`);
  return recipe;
}

function write(dialect: Dialect, recipe: XmlFormat | JsonFormat, error: ErrorText, values: Values): string {
  const extras = ownValue(dialect.extras, error.code) ?? {};
  const pairs = elementsOf(recipe.elements, extras, error.fields ?? {}, values);
  const text = 'declaration' in recipe ? xml(recipe, pairs) : JSON.stringify(Object.fromEntries(pairs));
  return (error.trailingNewline ?? recipe.trailingNewline) ? `${text}\n` : text;
}

function xml(format: XmlFormat, pairs: readonly Pair[]): string {
  const newline = format.indent > 0 ? '\n' : '';
  const lines = pairs.map(
    ([name, value]) => `${' '.repeat(format.indent)}<${name}>${escapeXml(value)}</${name}>${newline}`,
  );
  return `${format.declaration}${format.afterDeclaration}<Error>${newline}${lines.join('')}</Error>`;
}

function elementsOf(
  elements: JsonFormat['elements'],
  extras: Readonly<Record<string, string>>,
  fields: Readonly<Record<string, string>>,
  values: Values,
): Pair[] {
  const pairs: Pair[] = [];
  const placed = new Set([
    ...elements.flatMap((element) => (element === 'extras' ? [] : [element[0]])),
    ...Object.keys(extras),
  ]);
  const add = (name: string, template: string | undefined) => {
    const value = ownValue(fields, name) ?? (template === undefined ? undefined : fill(template, values));
    if (value !== undefined) pairs.push([name, value]);
  };
  for (const element of elements) {
    if (element !== 'extras') {
      add(...element);
      continue;
    }
    for (const [name, template] of Object.entries(extras)) add(name, template === '' ? undefined : template);
    for (const name of Object.keys(fields)) if (!placed.has(name)) add(name, undefined);
  }
  return pairs;
}

function headersOf(
  dialect: Dialect,
  usual: XmlFormat['headers'],
  error: ErrorText,
  subject: Subject,
  values: Values,
): Pair[] {
  const inHead = subject.method === 'HEAD' && mayHaveBody('GET', error.status);
  const templates = [
    ...usual,
    ...(ownValue(dialect.extraHeaders, error.code) ?? []),
    ...(inHead ? dialect.headHeaders : []),
  ];
  const { from, to } = (subject.awsSigned && dialect.awsSigned) || { from: '', to: '' };
  const headers = new Map<string, Pair>();
  const set = (name: string, value: string) => {
    const known = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), [known?.[0] ?? name, headerSafe(value)]);
  };
  for (const [name, template] of templates) {
    const value = fill(template, values);
    if (value !== undefined) set(name.startsWith(from) ? to + name.slice(from.length) : name, value);
  }
  if (error.retryAfter !== undefined) set('Retry-After', String(error.retryAfter));
  for (const [name, value] of Object.entries(error.headers ?? {})) set(name, value);
  return [...headers.values()];
}

function valuesOf(error: ErrorText, subject: Subject, now: Date, requestId: string, hostId: string): Values {
  const skewed = new Date(now.getTime() - CLOCK_SKEW);
  const { method, host, bucket, key, part, uploadId, range, size } = subject;
  return {
    code: error.code,
    message: error.message,
    requestId,
    hostId,
    method,
    host,
    bucket,
    key,
    resource: `/${[bucket, key].filter((piece) => piece !== undefined).join('/')}`,
    part: part?.toString(),
    uploadId,
    range,
    size: size?.toString(),
    date: now.toUTCString(),
    isoSecond: withoutMs(now),
    isoTime: now.toISOString(),
    skewedDate: skewed.toUTCString(),
    skewedIsoTime: skewed.toISOString(),
    skewedBasic: withoutMs(skewed).replace(/[-:]/g, ''),
    contentType: undefined,
    length: undefined,
    documentBase64: undefined,
  };
}

function withoutMs(time: Date): string {
  return time.toISOString().replace(/\.\d+/, '');
}

function fill(template: string, values: Values): string | undefined {
  let complete = true;
  const text = template.replace(/\{([^}]*)\}/g, (_, name: Placeholder) => {
    const value = values[name];
    if (value === undefined) complete = false;
    return value ?? '';
  });
  return complete ? text : undefined;
}

// Codes and names come from rule files: the name "constructor" must not find the constructor of Object.
function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Percent-encodes control characters, which would break a header line, and non-ASCII text, which would get lost in it. */
function headerSafe(value: string): string {
  return value.replace(/[^\x20-\x7e]+/gu, (run) =>
    Buffer.from(run).reduce(
      (text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      '',
    ),
  );
}
