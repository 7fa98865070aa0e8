import { isProviderChecksum } from '../catalog/recognition.ts';
import { without } from '../http/headers.ts';

/** Headers that can be falsified. */
export const HEADERS = ['etag', 'checksum'] as const;

/** Tells whether a header is a checksum of the object: that of RFC 1864, or one of a provider. */
function isChecksum(name: string): boolean {
  return name === 'content-md5' || isProviderChecksum(name);
}

/** Returns the headers with false values of the same form; `undefined` if there is nothing to falsify. */
export function falsify(
  rawHeaders: readonly string[],
  header: (typeof HEADERS)[number],
): string[] | undefined {
  const isMeant = (name: string) => (header === 'etag' ? name === 'etag' : isChecksum(name));
  if (without(rawHeaders, isMeant).length === rawHeaders.length) return undefined;
  return rawHeaders.map((value, i) =>
    i % 2 === 1 && isMeant((rawHeaders[i - 1] ?? '').toLowerCase()) ? falsified(value) : value,
  );
}

/** Changes the first character; of a decimal number the last one, because it could become too large for 64 bits. */
function falsified(value: string): string {
  if (/^\d+$/.test(value)) return value.slice(0, -1) + swapped(value.slice(-1));
  return value.replace(/^((?:W\/)?[^0-9A-Za-z]*)([0-9A-Za-z])/, (_, before, sign) => before + swapped(sign));
}

/** Swaps 0 and 1, 2 and 3, …, a and b, …: a hex digit stays a hex digit. */
function swapped(sign: string): string {
  const base = /\d/.test(sign) ? '0' : /[a-z]/.test(sign) ? 'a' : 'A';
  const first = base.charCodeAt(0);
  return String.fromCharCode(first + ((sign.charCodeAt(0) - first) ^ 1));
}
