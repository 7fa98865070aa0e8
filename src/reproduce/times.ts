/** Returns the time at which a request id was made, if its provider writes it into the id; older ids are random. */
export function timeIn(id: string, form: string | undefined): Date | undefined {
  // Ceph's, whose providers are many: tx, 21 hex digits, the unix time in seconds in hex, the zone.
  const [, rgw] = /^tx[0-9a-f]{18,21}-([0-9a-f]{8,10})-/i.exec(id) ?? [];
  if (rgw !== undefined) return sensible(Number.parseInt(rgw, 16) * 1000);
  const [, unit, rest] = /^\{(seconds|milliseconds)\}\{hex:(\d+)\}$/.exec(form ?? '') ?? [];
  const digits = unit === 'seconds' ? 8 : 16;
  if (unit === undefined || !/^[0-9A-F]+$/i.test(id) || id.length !== digits + Number(rest)) return undefined;
  return sensible(Number.parseInt(id.slice(0, digits), 16) * (unit === 'seconds' ? 1000 : 1));
}

/** The clouds began in 2006; a time that lies ahead is none. */
function sensible(ms: number): Date | undefined {
  return ms > Date.UTC(2006, 0) && ms < Date.now() + 2 * 24 * 3600 * 1000 ? new Date(ms) : undefined;
}
