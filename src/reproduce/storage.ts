import { STATUS_CODES } from 'node:http';
import { headerPrefixes, recognitions } from '../catalog/recognition.ts';
import type { Recognition } from '../catalog/recognition-schema.ts';
import { OPERATIONS } from '../request/operation.ts';
import type { ErrorFields } from './error-match.ts';
import type { ReproduceSettings } from './finding.ts';
import { connectionInWords } from './in-words.ts';
import { rowsOfCode, rowsOfMessage } from './known.ts';
import { BEGINS_ENTRY, type MergedError } from './merge.ts';
import { providerOf } from './owner.ts';

/** Says why a match is not an error of an object store; `undefined` if it is one. */
export function rejectionReason(
  text: string,
  seen: MergedError,
  settings: ReproduceSettings,
): string | undefined {
  const { error } = seen;
  if (error.foreign !== undefined && settings.operation === undefined)
    return `it is of ${error.foreign}, which is no operation of object storage that brownout knows; --operation settles it`;
  // A user who names the provider knows that the error is of object storage.
  if (settings.provider !== undefined || error.foreign !== undefined) return undefined;
  if (seen.isWeak && !hasHappened(text, seen)) return 'nothing says that it happened';
  if (isNested(text, seen)) return 'the document is that of another service; --provider says whose it is';
  return isByItself(error) || storageSigns().test(around(text, seen))
    ? undefined
    : 'nothing says that it is of an object store; --provider says whose it is';
}

/** Describes a match in a few words. */
export function nameOf({ code, status, message, network }: ErrorFields): string {
  if (network !== undefined) return connectionInWords(network);
  return code ?? (status === undefined ? (message ?? 'an error') : `status ${status}`);
}

let signsOfStorage: RegExp | undefined;

/** Signs of object storage: addresses and their parameters, SDKs, tools, headers, and the names of operations. Made once. */
function storageSigns(): RegExp {
  signsOfStorage ??= makeStorageSigns(recognitions().map(([, signs]) => signs));
  return signsOfStorage;
}

function makeStorageSigns(all: readonly Recognition[]): RegExp {
  const schemes = all.flatMap(({ urlSchemes }) => urlSchemes);
  return new RegExp(
    [
      ...all.flatMap(({ mentions }) => mentions),
      String.raw`\b(?:${[...schemes, 'cos'].join('|')}):\/\/`,
      String.raw`\b(?:${[...headerPrefixes(), 'x-minio-'].map(inEitherCase).join('|')})`,
      // Hosts of providers without a catalog.
      String.raw`\b(?:[mM]inio|MinIO|[cC]eph|radosgw|restic|rclone|object_store)\b`,
      String.raw`\bmc: <|cos_exception|\bcom\.qcloud\.cos\b|对象存储`,
      '[?&](?:partNumber|uploadId)=',
      String.raw`\b(?:${OPERATIONS.filter((name) => /^[A-Z][a-z]+[A-Z]/.test(name)).join('|')})\b`,
    ].join('|'),
  );
}

/** A pattern of a name with each word in small letters or with a capital: `x-minio-`, `X-Minio-`. */
function inEitherCase(prefix: string): string {
  return prefix.replace(/\b[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

/** Codes that only object storage can have. */
const DISTINCTIVE = /Bucket|Object|Upload|Part(?!ial)|Key|Callback|Slow_?Down|Entity|Append|Position|XAmz/i;

/** Tells whether a match can only be of object storage, without a look at the text around it. */
function isByItself(error: ErrorFields): boolean {
  const { code, message, status, reason, api, fields, refusedKeys, hostId } = error;
  if (api !== undefined || refusedKeys !== undefined || fields !== undefined) return true;
  if (providerOf(error) !== undefined) return true;
  const rows = code === undefined ? [] : rowsOfCode(code);
  if (rows.length > 0 && (hostId !== undefined || rows.some(({ entry }) => DISTINCTIVE.test(entry.code))))
    return true;
  const said = rowsOfMessage(message ?? '');
  if (code === undefined && said.some(({ entry }) => DISTINCTIVE.test(entry.code))) return true;
  if (said.some(({ entry }) => rows.some((row) => row.entry === entry)) && (message?.length ?? 0) >= LONG)
    return true;
  return status !== undefined && reason === 'Slow Down' && reason !== STATUS_CODES[status];
}

/** Characters of a message that nobody else has come upon. */
const LONG = 24;

/** Documents of AWS's other services have theirs inside others. */
function isNested(text: string, { from, error }: MergedError): boolean {
  return (
    error.fields !== undefined &&
    (error.fields.some(([name]) => name === 'Type') ||
      /<(?:ErrorResponse|Errors)\b[^<>]{0,200}>\s{0,20}$/.test(text.slice(Math.max(0, from - 240), from)))
  );
}

/** Characters before and after an error in which a sign of storage counts. */
const BEFORE = 1500;
const AFTER = 2500;

/** The entry of a log that an error stands in; of an exchange nothing but itself. */
function around(text: string, { from, to, isExchange }: MergedError): string {
  if (isExchange) return text.slice(from, to);
  const lines = text.slice(Math.max(0, from - BEFORE), from).split('\n');
  const first = lines.findLastIndex((line) => BEGINS_ENTRY.test(line));
  const rest = text.slice(to, to + AFTER).split('\n');
  const next = rest.findIndex((line, i) => i > 0 && BEGINS_ENTRY.test(line));
  return [
    lines.slice(Math.max(0, first)).join('\n'),
    text.slice(from, to),
    rest.slice(0, next < 0 ? undefined : next).join('\n'),
  ].join('');
}

/** Tells whether a program printed a word or sentence of an error, and not a person. */
function hasHappened(text: string, { from, to, error }: MergedError): boolean {
  const { code } = error;
  const word = code === undefined ? -1 : text.indexOf(code, from);
  const isWord = word >= 0 && word < to;
  const at = isWord ? word : from;
  const before =
    text
      .slice(Math.max(0, at - 300), at)
      .split('\n')
      .at(-1) ?? '';
  const after = text.slice(isWord ? word + (code?.length ?? 0) : to, to + 100).split('\n', 1)[0] ?? '';
  if (NOT_PRINTED.test(before) || (before.split('`').length - 1) % 2 === 1) return false;
  return isWord ? isPrinted(text, at, before, after) : !SPOKEN_OF.test(before);
}

/** Tables, comments, comparisons; a catalog's texts, and the names of rules. */
const NOT_PRINTED =
  /^\s*(?:\||#|\/\/|\*\s|- name: )|[=!]==?\s?["']?$|^\s+(?:message|explanation|remedy|note): ["']?$/;

const SPOKEN_OF =
  /(?:^|[\s(])(?:no|not|never|without|any|an?|the|of|or|and|for|on|after|as|than|if|when|says?|like|each|every)\s+$/i;

function isPrinted(text: string, at: number, before: string, after: string): boolean {
  if (/[a-z]/.test(text[at] ?? '') || isInstruction(text, at, before, after)) return false;
  return (
    /(?:error|exception|fail(?:ed|ure|s)?|err|code|reason|status|错误|报错|失败|返回)["']?(?:\s?[:=：(（[{]+\s?["']?|\s)$/i.test(
      before,
    ) ||
    /(?<!\d)[3-5]\d\d[ :,(]{1,3}$/.test(before) ||
    (/[(（[]$/.test(before) && /^[)）\]]/.test(after)) ||
    /^["']?: ["']?[A-Z]/.test(after) ||
    (before.trim() === '' && after.trim() === '')
  );
}

/** Rule files, instructions and journals of ours name what is injected. */
function isInstruction(text: string, at: number, before: string, after: string): boolean {
  return (
    /^\s*- \w{1,20}: $|[{,]\s{0,3}"?(?:error|code)"?: ?"?$|^\s{2,}(?:error|code): $/.test(before) ||
    /^, injected\b/.test(after) ||
    /(?:^|[\s{-])fault: ?(?:\{[^\n]{0,100}|\n[^\n]{0,40}(?:\n[^\n]{0,60})?)$/.test(
      text.slice(Math.max(0, at - 250), at),
    )
  );
}
