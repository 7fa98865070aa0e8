import { randomBytes } from 'node:crypto';

// Crockford's alphabet: request ids of S3 have had no I, L, O or U since 2019.
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

type Random = (size: number) => Buffer;

/**
 * Makes an id of a dialect's form (`{seconds}{hex:16}`). If the form has a time, it is `now`; the rest is random. The id
 * ends in `tail`, whose characters must be digits of the form. `random` makes that many bytes.
 */
export function makeId(form: string, now: Date, tail = '', random: Random = randomBytes): string {
  const id = form.replace(/\{(\w+)(?::(\d+))?\}/g, (_, kind: string, size = '0') =>
    idPiece(kind, Number(size), now, random),
  );
  return id.slice(0, id.length - tail.length) + tail;
}

function idPiece(kind: string, size: number, now: Date, random: Random): string {
  switch (kind) {
    case 'seconds':
      return hex(Math.floor(now.getTime() / 1000), 8);
    case 'milliseconds':
      return hex(now.getTime(), 16);
    case 'hex':
      return random(Math.ceil(size / 2))
        .toString('hex')
        .slice(0, size)
        .toUpperCase();
    case 'base32':
      return Array.from(random(size), (byte) => BASE32.charAt(byte % 32)).join('');
    default:
      return random(size).toString('base64').replace(/=+$/, '');
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
