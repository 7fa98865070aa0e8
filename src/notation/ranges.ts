import { BlockList, isIP } from 'node:net';

/** Range of whole numbers, as in the conditions `part` and `attempt`. Both ends are included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Parses `3`, `1-3` or `3-` (3 and up). Throws an Error that says what is wrong. */
export function parseNumberRange(given: string | number): NumberRange {
  const text = String(given);
  const match = /^(\d{1,9})(-(\d{1,9})?)?$/.exec(text);
  const from = Number(match?.[1]);
  const to = match?.[2] === undefined ? from : Number(match[3] ?? Number.POSITIVE_INFINITY);
  const problem = `"${text}" is not a number or a range; they count from 1 and are written 3, "1-3" or "3-"`;
  if (match === null) throw new Error(problem);
  if (from < 1 || to < from) throw new RangeError(problem);
  return { from, to, text };
}

/** IP address or block of them, as in the condition `client`. */
export interface AddressRange {
  readonly text: string;
  has(address: string): boolean;
}

/** Parses an IP address or a CIDR block (RFC 4632), IPv4 or IPv6. Throws an Error that says what is wrong. */
export function parseAddressRange(text: string): AddressRange {
  const [address = '', prefix] = text.split('/', 2);
  const version = isIP(address);
  const bits = prefix === undefined ? undefined : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (
    version === 0 ||
    text.split('/').length > 2 ||
    (bits !== undefined && !(bits <= (version === 4 ? 32 : 128)))
  ) {
    throw new Error(`"${text}" is not an address; clients are written 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32`);
  }
  const list = new BlockList();
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, bits, family);
  return {
    text,
    has: (client) => isIP(client) !== 0 && list.check(client, isIP(client) === 4 ? 'ipv4' : 'ipv6'),
  };
}
