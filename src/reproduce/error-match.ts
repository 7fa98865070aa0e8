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
  /** Where it ends is known to the byte, by its length; else the newline behind it may be the text's. */
  readonly exact: boolean;
}

/** Where a connection failed: what the client was doing, in the order of an exchange. */
export type NetworkPhase = 'connect' | 'request-body' | 'answer' | 'download';

/** How a connection failed. */
export interface Network {
  readonly fault: 'reset' | 'close' | 'timeout' | 'refused';
  readonly phase: NetworkPhase;
  readonly timeoutMs?: number | undefined;
}

/** What can be told of an error; what a text does not say is left out. */
export interface ErrorFields {
  /** Whose error it is, where the text has what is nobody else's: a host, a header, an SDK that speaks to no other. */
  readonly provider?: string | undefined;
  /** Client and server speak S3's API, as many do: no sign of whose the server is. */
  readonly api?: 's3' | undefined;
  /** What it is of, where that is no object storage: a service, or an operation that is none of ours. */
  readonly foreign?: string | undefined;
  /** As the text spells it. */
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  /** A status that stands near and may be another's: an application that has met an error answers with one, too. */
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
  /** What was made unreadable, by name. */
  readonly masked?: readonly string[] | undefined;
  /** The body was not what the client could read. */
  readonly unparsableBody?: boolean | undefined;
}

/**
 * What one shape saw of one error. A `sure` one is an error by itself; a `weak` one too, unless a sure one is near, which
 * it then belongs to; a `hint` says something of the error next to it.
 */
export interface ErrorMatch extends ErrorFields {
  readonly from: number;
  readonly to: number;
  readonly weight: 'sure' | 'weak' | 'hint';
  /** It sums up what came before, in an entry of a log that is its own. */
  readonly isSum?: true;
}

/** A way in which programs write down errors of object storage: the one thing a file in `shapes/` exports. */
export interface ReportFormat {
  /** What is looked for, in words. */
  readonly name: string;
  /** It gives hints, and is asked for the text around errors only. */
  readonly isAround?: true;
  /** Takes time proportional to the text, whatever the text. */
  find(text: string): readonly ErrorMatch[];
}

/** More places than that in one text are not looked at by one shape. */
export const MOST_PLACES = 2000;

/** Characters before and after a place that may belong to it. */
const BEFORE = 1000;
const AFTER = 4000;

/** What a shape makes of a place: `before` ends and `after` begins there; both stop at its neighbours. */
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
    const { reach = 0, length = found[0].length, weight = 'sure', ...told } = seen;
    return [{ ...told, weight, from: found.index - reach, to: found.index + length }];
  });
}

/** The first group of a pattern, where it is there and says something. */
export function first(pattern: RegExp, text: string): string | undefined {
  return known(pattern.exec(text)?.[1]);
}

/** A number in the first group. */
export function number(pattern: RegExp, text: string): number | undefined {
  const digits = first(pattern, text);
  return digits !== undefined && /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}

/** A status that an answer can have. */
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

/** The provider, unless it is the one whose API others speak, too: its headers and its URLs are no sign of its server. */
export function ownSign(provider: string | undefined): string | undefined {
  return provider === DEFAULT_PROVIDER ? undefined : provider;
}

/** What a URL, and the method if it is known, say of a request. */
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

/** Without a method, the parameters of a part alone tell. */
function uploadOf({ part, uploadId }: Facts): string | undefined {
  return part !== undefined && uploadId !== undefined ? 'UploadPart' : undefined;
}

/** The operation behind a name, in whatever spelling: `PutObject`, `put_object`, `putObject`, `PutObjectCommand`. */
export function operationIn(name: string | undefined): string | undefined {
  if (name === undefined || name.length > 80) return undefined;
  const plain = name.replace(/_/g, '').replace(/(?:Async|Command|Request|Error|Operation)+$/i, '');
  const operation = canonicalOperation(plain);
  return operation === 'Unknown' ? undefined : operation;
}

/** What a name of an operation tells: which it is, or that it is of something else. */
export function serviceOf(name: string | undefined): ErrorFields {
  const operation = operationIn(name);
  if (operation !== undefined) return { operation, api: 's3' };
  return name === undefined ? {} : { foreign: name };
}
