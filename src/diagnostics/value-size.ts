/**
 * How much there is of what was read from YAML, in characters: never more than its text has, save for what aliases
 * repeat. Counts on to a little over `most`, as aliases of aliases could go on and on.
 */
export function sizeOf(value: unknown, most: number, above: readonly unknown[] = []): number {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.length : 1;
  // A map may be a part of itself, which no schema allows.
  if (above.includes(value)) return 1;
  let size = 1;
  const within = [...above, value];
  for (const [key, part] of Object.entries(value)) {
    if (size > most) break;
    size += (Array.isArray(value) ? 0 : key.length) + sizeOf(part, most - size, within);
  }
  return size;
}
