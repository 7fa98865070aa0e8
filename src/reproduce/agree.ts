import type { ErrorFields, ErrorMatch } from './error-match.ts';
import { codeKey, messageKey, rowsOfCode, rowsOfMessage } from './known.ts';

/** Tells whether two errors do not contradict each other. */
export function agree(matches: readonly ErrorMatch[], each: ErrorMatch): boolean {
  return matches.every(
    (other) =>
      agreeOn(other.code, each.code, codeOf) &&
      agreeOn(other.foreign, each.foreign) &&
      agreeOn(other.requestId, each.requestId) &&
      agreeOn(other.status, each.status) &&
      agreeOn(other.bucket, each.bucket) &&
      agreeOn(other.key, each.key) &&
      agreeOn(other.part, each.part) &&
      agreeOnMessage(messageOf(other), messageOf(each)) &&
      agreeOn(other.network?.phase, each.network?.phase) &&
      !(other.network && (each.code ?? each.status)) &&
      !(each.network && (other.code ?? other.status)) &&
      (other.code === undefined || each.code !== undefined || fits(other.code, each.message)) &&
      (each.code === undefined || other.code !== undefined || fits(each.code, other.message)),
  );
}

/** Tells whether two values are equal, or one of them is unknown. */
export function agreeOn<Value>(
  a: Value | undefined,
  b: Value | undefined,
  plain: (value: Value) => unknown = (value) => value,
): boolean {
  return a === undefined || b === undefined || plain(a) === plain(b);
}

/** Tells whether two messages are equal as far as both are known. One may be a part of the other. */
export function agreeOnMessage(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  const [short = '', long = ''] = [messageKey(a), messageKey(b)].sort((one, two) => one.length - two.length);
  return short === long || (short.length >= 8 && long.toLowerCase().includes(short.toLowerCase()));
}

/** ali-oss calls UnauthorizedAccess an UnauthorizedAccessError, and S3 has a code of either name. */
export function codeOf(code: string): string {
  return codeKey(rowsOfCode(code)[0]?.entry.code ?? code).replace(/(?<=\w)(?:error|exception)$/, '');
}

/** Weak messages are documented ones, which a real one may differ from in part. */
function messageOf({ message, weight }: ErrorMatch): string | undefined {
  return weight === 'weak' && message !== undefined && rowsOfMessage(message).length > 0
    ? undefined
    : message;
}

/** Tells whether a message can belong to a code: it is not the documented message of another code. */
function fits(code: string, message: string | undefined): boolean {
  const rows = message === undefined ? [] : rowsOfMessage(message);
  return rows.length === 0 || rows.some(({ entry }) => codeOf(entry.code) === codeOf(code));
}

/** Returns the known fields only. */
export function defined(error: ErrorFields): ErrorFields {
  return Object.fromEntries(Object.entries(error).filter(([, value]) => value !== undefined));
}
