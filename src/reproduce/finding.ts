import { STATUS_CODES } from 'node:http';
import { type Entry, entriesOf, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import { type ErrorFields, requestTo } from './error-match.ts';
import { codeKey, messageKey, type Row, rowsOfCode, rowsOfMessage } from './known.ts';
import type { MergedError } from './merge.ts';
import { ownerOf, providerOf } from './owner.ts';
import { timeIn } from './times.ts';

/** Facts that the user gives by flags. */
export interface ReproduceSettings {
  readonly provider?: string | undefined;
  readonly operation?: string | undefined;
  readonly status?: number | undefined;
}

/** Assumption about a value that the text does not contain. */
export interface Assumption {
  readonly what: 'provider' | 'status' | 'code' | 'operation' | 'message' | 'point';
  /** A sentence. */
  readonly why: string;
  /** Flag that replaces the assumption, if there is one. */
  readonly flag?: '--provider' | '--status' | '--operation' | undefined;
}

/** Error of a text, with its row in the catalog. */
export interface Finding extends Omit<ErrorFields, 'operation' | 'provider' | 'code' | 'status'> {
  /** 1-based lines of the text, first and last. */
  readonly lines: readonly [number, number];
  readonly formats: readonly string[];
  /** Number of times that the error appears in a row. */
  readonly times: number;
  readonly provider: Provider;
  /** Code as the provider spells it; left out if the text has none. */
  readonly code?: string | undefined;
  /** Row of the catalog; left out if the provider does not document the code. */
  readonly entry?: Entry | undefined;
  /** Left out where neither the text nor the catalog has one. */
  readonly status?: number | undefined;
  /** Any of these; none: every request is meant. */
  readonly operations: readonly string[];
  /** Time at which the request id was made. */
  readonly time?: Date | undefined;
  /** True if the error was in the body of a 200. */
  readonly embedded: boolean;
  readonly assumed: readonly Assumption[];
}

/** Looks an error up: its provider, its row in the catalog, and the assumptions; `undefined` if it is not an error. */
export function findingOf(
  seen: MergedError,
  lines: readonly [number, number],
  settings: ReproduceSettings,
): Finding | undefined {
  const assumed: Assumption[] = [];
  const error = withoutPhrases(seen.error);
  const { network } = error;
  const named = codeOf(error, settings.provider ?? providerOf(error));
  const owner = ownerOf(error, named, settings.provider);
  const { provider } = owner;
  if (owner.assumed !== undefined) assumed.push({ what: 'provider', why: owner.assumed, flag: '--provider' });
  const rows = named === undefined ? [] : entriesOf(provider, named).filter(({ code }) => code === named);
  const status = settings.status ?? error.status ?? nearStatus(error, rows);
  const entry = rowFor(rows, status, error);
  if (named === undefined && status === undefined && network === undefined) return undefined;
  if (error.code === undefined && named !== undefined)
    assumed.push(codeByMessage(named, error.message ?? '', provider));
  assumed.push(...(network === undefined ? statusAssumed(status, entry, named, provider) : []));
  const embedded =
    status === 200 && named !== undefined && entry?.stored !== true && error.refusedKeys === undefined;
  const operations = operationsOf(error, named, entry, settings, assumed);
  const time =
    error.requestId === undefined ? undefined : timeIn(error.requestId, provider.dialect.requestId);
  const { operation: _operation, nearStatus: _near, ...rest } = error;
  return {
    ...rest,
    bucket: error.bucket ?? bucketOfHost(error.hostId),
    lines,
    formats: seen.formats,
    times: seen.times,
    provider,
    code: named,
    entry,
    status: status ?? entry?.status,
    operations,
    time,
    embedded,
    assumed,
  };
}

/** SDKs put the reason of a status where an answer to HEAD has no code: `NotFound`, `Forbidden`. */
function withoutPhrases(error: ErrorFields): ErrorFields {
  const { code } = error;
  if (code === undefined || rowsOfCode(code).length > 0) return error;
  const status = Object.entries(STATUS_CODES).find(([, reason]) => reason?.replace(/\W/g, '') === code)?.[0];
  return status === undefined
    ? error
    : { ...error, code: undefined, message: undefined, status: error.status ?? Number(status) };
}

function codeOf(error: ErrorFields, provider: string | undefined): string | undefined {
  const { code, message } = error;
  const rows =
    code === undefined ? [...rowsOfMessage(message ?? ''), ...rowsOfReason(error)] : rowsOfCode(code);
  const row =
    rows.find((each) => each.provider.name === provider && isNamed(each, code)) ??
    rows.find((each) => isNamed(each, code));
  return row?.entry.code ?? code;
}

/** The rows with a reason phrase of their own, where there is no more than that: `503 Slow Down`. */
function rowsOfReason({ reason, status, body, unparsableBody: garbage }: ErrorFields): readonly Row[] {
  if (reason === undefined || status === undefined || body !== undefined || garbage === true) return [];
  if (reason === STATUS_CODES[status]) return [];
  return providerNames()
    .map(loadProvider)
    .flatMap((provider) => provider.entries.map((entry) => ({ provider, entry })))
    .filter(({ entry }) => entry.status === status && entry.reason === reason);
}

/** Returns the code itself and not an alias, which is the name of another provider. */
function isNamed({ entry }: Row, code: string | undefined): boolean {
  return code === undefined || codeKey(code).startsWith(codeKey(entry.code));
}

/** The provider whose HostId is a host names the bucket in it. */
function bucketOfHost(hostId: string | undefined): string | undefined {
  return hostId?.includes('.') === true && !hostId.includes('=')
    ? requestTo(`http://${hostId}/`).bucket
    : undefined;
}

/** A status near an error counts where it is one of the code's. */
function nearStatus(
  { nearStatus: status, network }: ErrorFields,
  rows: readonly Entry[],
): number | undefined {
  if (network !== undefined) return undefined;
  return rows.length === 0 || rows.some((row) => row.status === status) ? status : undefined;
}

/** Chooses between several rows of a code by status, then by message. */
function rowFor(
  rows: readonly Entry[],
  status: number | undefined,
  { message = '' }: ErrorFields,
): Entry | undefined {
  const alike = rows.filter((row) => row.status === status);
  const among = alike.length > 0 ? alike : rows;
  return among.find((row) => messageKey(row.message) === messageKey(message)) ?? among[0];
}

function codeByMessage(code: string, message: string, provider: Provider): Assumption {
  const others = new Set(
    rowsOfMessage(message)
      .filter((row) => row.provider === provider && row.entry.code !== code)
      .map(({ entry }) => entry.code),
  );
  const doubt = others.size === 0 ? '' : `; it is that of ${[...others].join(', ')} as well`;
  return { what: 'code', why: `${code}, by its ${message === '' ? 'reason phrase' : 'message'}${doubt}` };
}

function statusAssumed(
  status: number | undefined,
  entry: Entry | undefined,
  code: string | undefined,
  provider: Provider,
): Assumption[] {
  if (status !== undefined) return [];
  const why =
    entry === undefined
      ? `not in the text, and ${provider.name} documents no ${code}`
      : `${entry.status}, which is documented for ${entry.code}`;
  return [{ what: 'status', why, flag: '--status' }];
}

/** Returns the operations that can answer with a code, if they are known. */
const IMPLIED: ReadonlyMap<string, readonly string[]> = new Map([
  ['InvalidPart', ['CompleteMultipartUpload']],
  ['InvalidPartOrder', ['CompleteMultipartUpload']],
  ['EntityTooSmall', ['CompleteMultipartUpload']],
  [
    'NoSuchUpload',
    ['UploadPart', 'UploadPartCopy', 'CompleteMultipartUpload', 'AbortMultipartUpload', 'ListParts'],
  ],
]);

const STORING = ['PutObject', 'PostObject', 'CompleteMultipartUpload'];

function operationsOf(
  error: ErrorFields,
  code: string | undefined,
  entry: Entry | undefined,
  settings: ReproduceSettings,
  assumed: Assumption[],
): readonly string[] {
  const one = settings.operation ?? error.operation;
  if (one !== undefined) return [one];
  const implied = entry?.stored === true ? STORING : (IMPLIED.get(code ?? '') ?? []);
  if (implied.length > 0) {
    assumed.push({
      what: 'operation',
      why: `${implied.join(', ')}, as ${code} comes from no other`,
      flag: '--operation',
    });
    return implied;
  }
  const which = error.method === undefined ? 'every request' : `every ${error.method}`;
  assumed.push({
    what: 'operation',
    why: `not in the text, so the rule is for ${which}${whereTo(error)}`,
    flag: '--operation',
  });
  return [];
}

function whereTo({ bucket, key }: ErrorFields): string {
  if (key !== undefined) return ' of the key';
  return bucket === undefined ? '' : ' to the bucket';
}
