import { DEFAULT_PROVIDER } from '../catalog/catalog.ts';
import { detectProvider, providerOfHost } from '../catalog/recognition.ts';
import { requestSigns } from '../catalog/request-signs.ts';
import { type Facts, factsOf } from '../request/facts.ts';
import { canonicalOperation } from '../request/operation.ts';

/** A header of an answer, as the text has it. */
export type Header = readonly [name: string, value: string];

/** A body as the text has it. */
export interface Body {
  readonly text: string;
  /** Its end is in the text, too. */
  readonly whole: boolean;
  /** True if the length of the body is known. Otherwise a newline after it may belong to the text. */
  readonly exact: boolean;
}

/** Phases of an exchange in which a connection can fail, in order. */
export type NetworkPhase = 'connect' | 'request-body' | 'answer' | 'download';

/** Kinds of failure of a connection. */
export interface Network {
  readonly fault: 'reset' | 'close' | 'timeout' | 'refused';
  readonly phase: NetworkPhase;
  readonly timeoutMs?: number | undefined;
}

/** Fields of an error; those that a text does not contain are left out. */
export interface ErrorFields {
  /** Provider of the error, if the text has a sign that only this provider has: a host, a header or an SDK. */
  readonly provider?: string | undefined;
  /** True if client and server speak the S3 API. Many providers do, so it is no sign of one. */
  readonly api?: 's3' | undefined;
  /** Name of the service or operation, if it is not object storage. */
  readonly foreign?: string | undefined;
  /** As the text spells it. */
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  /** Status near the error. It may belong to something else, such as the answer of an application. */
  readonly nearStatus?: number | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly operation?: string | undefined;
  readonly method?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly part?: number | undefined;
  readonly uploadId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly hostId?: string | undefined;
  /** Attempts after the first. */
  readonly retries?: number | undefined;
  readonly body?: Body | undefined;
  /** Elements of an XML body, in order. */
  readonly fields?: readonly Header[] | undefined;
  /** All headers of the answer, in order. */
  readonly headers?: readonly Header[] | undefined;
  /** Keys of a DeleteObjects that were not deleted, inside a 200. */
  readonly refusedKeys?: readonly string[] | undefined;
  readonly network?: Network | undefined;
  /** Names of the values that were removed. */
  readonly masked?: readonly string[] | undefined;
  /** True if the client could not parse the body. */
  readonly unparsableBody?: boolean | undefined;
}

/**
 * Match of one format for one error. A `sure` match is an error by itself. A `weak` match is one too, unless a sure one is near, which
 * it then belongs to. A `hint` has fields of an error that is near.
 */
export interface ErrorMatch extends ErrorFields {
  readonly from: number;
  readonly to: number;
  readonly weight: 'sure' | 'weak' | 'hint';
  /** Set if it is a log entry that sums up the entries before. */
  readonly isSum?: true;
}

/** Format in which programs print errors of object storage: the only export of a file in `formats/`. */
export interface ReportFormat {
  /** Description of the format, for messages. */
  readonly name: string;
  /** True if the format gives only hints. It is used on the text around errors. */
  readonly isAround?: true;
  /** Finds the matches in a text. Takes time proportional to the text, also for hostile input. */
  find(text: string): readonly ErrorMatch[];
}

/** Largest number of places in one text that one format reads. */
export const MOST_PLACES = 2000;

/** Characters before and after a place that may belong to it. */
const BEFORE = 1000;
const AFTER = 4000;

/** Reads a match at a place: `before` ends and `after` begins there; both stop at its neighbours. */
type MatchReader = (
  found: RegExpExecArray,
  after: string,
  before: string,
) => (ErrorFields & Extent) | undefined;

interface Extent {
  readonly weight?: ErrorMatch['weight'];
  readonly isSum?: true;
  /** Characters before the place that belong to it, too. */
  readonly reach?: number;
  /** Characters of it; left out: those that the pattern met. */
  readonly length?: number;
}

/** Reads each place that a pattern (global, and in linear time) marks. */
export function readEach(text: string, mark: RegExp, read: MatchReader): ErrorMatch[] {
  const places: RegExpExecArray[] = [];
  for (const found of text.matchAll(mark)) {
    if (places.push(found) >= MOST_PLACES) break;
  }
  return places.flatMap((found, i) => {
    const next = places[i + 1]?.index ?? text.length;
    const last = places[i - 1];
    const since = last === undefined ? 0 : last.index + last[0].length;
    const after = text.slice(found.index, Math.min(next, found.index + AFTER));
    const before = text.slice(Math.max(since, found.index - BEFORE), found.index);
    const seen = read(found, after, before);
    if (seen === undefined) return [];
    const { reach = 0, length = found[0].length, weight = 'sure', ...fields } = seen;
    return [{ ...fields, weight, from: found.index - reach, to: found.index + length }];
  });
}

/** Returns the first group of a pattern, if it is not empty. */
export function first(pattern: RegExp, text: string): string | undefined {
  return known(pattern.exec(text)?.[1]);
}

/** Returns the number in the first group. */
export function number(pattern: RegExp, text: string): number | undefined {
  const digits = first(pattern, text);
  return digits !== undefined && /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}

/** Returns a status that an answer can have. */
export function statusOf(digits: string | undefined): number | undefined {
  const status = Number(digits);
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : undefined;
}

const NOTHING =
  /^(?:|none|null|nil|undefined|unknown|unknownerror|-|n\/a|\*+|x{3,}|\.{3}|<[\w -]{0,40}>|\[[\w -]{0,40}\])$/i;

/** A value, less the white space around it; `undefined` for the ways to say that there is none, or that it is kept back. */
export function known(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === undefined || NOTHING.test(text) ? undefined : text;
}

/** A message as far as it goes: the quote that a logger closes it with, and its fields behind that, are none of it. */
export function messageOf(text: string | undefined): string | undefined {
  const end = text?.search(/"(?:\s{1,4}[\w.-]{1,60}=|,\s?"[\w.-]{1,60}":|[\s\]})"']*$)/) ?? -1;
  return known(end < 0 ? text : text?.slice(0, end));
}

/** A request id or host id: one word; any other text is none. */
export function idOf(value: string | undefined): string | undefined {
  const id = known(value)?.replace(/^["'`]|["'`.,;!)\]}]+$/g, '');
  return id !== undefined && /^[\x21-\x7e]{4,200}$/.test(id) && !id.includes('***') ? id : undefined;
}

/** Returns the provider, but not AWS: others use its headers and URLs too. */
export function ownSign(provider: string | undefined): string | undefined {
  return provider === DEFAULT_PROVIDER ? undefined : provider;
}

/** Returns the fields of a request that a URL and the method (if known) show. */
export function requestTo(
  url: string,
  method?: string,
  headers: Readonly<Record<string, string>> = {},
): ErrorFields {
  const verb = method?.toUpperCase();
  const target = url.replace(/#.*$/s, '');
  const facts = factsOf({ method: verb ?? '', target, headers, client: '' }, {}, requestSigns());
  // S3's signature and headers are those of many; only its hosts are its own.
  const spoken = detectProvider(facts);
  return {
    provider: providerOfHost(facts.host) ?? ownSign(spoken),
    api: spoken === DEFAULT_PROVIDER ? 's3' : undefined,
    method: verb,
    operation:
      operationIn(facts.query.get('x-id')) ??
      (verb === undefined ? uploadOf(facts) : operationIn(facts.operation)),
    bucket: known(facts.bucket),
    key: known(facts.key),
    part: facts.part,
    uploadId: facts.uploadId,
  };
}

/** Without a method, only the parameters of a part show the operation. */
function uploadOf({ part, uploadId }: Facts): string | undefined {
  return part !== undefined && uploadId !== undefined ? 'UploadPart' : undefined;
}

/** Returns the operation of a name in any spelling: `PutObject`, `put_object`, `putObject`, `PutObjectCommand`. */
export function operationIn(name: string | undefined): string | undefined {
  if (name === undefined || name.length > 80) return undefined;
  const plain = name.replace(/_/g, '').replace(/(?:Async|Command|Request|Error|Operation)+$/i, '');
  const operation = canonicalOperation(plain);
  return operation === 'Unknown' ? undefined : operation;
}

/** Returns the operation of a name, or the name as that of another service. */
export function serviceOf(name: string | undefined): ErrorFields {
  const operation = operationIn(name);
  if (operation !== undefined) return { operation, api: 's3' };
  return name === undefined ? {} : { foreign: name };
}
