/**
 * Counts the characters of a value that was read from YAML. It has no more than its text, unless aliases repeat parts.
 * Stops a little above `most`: aliases of aliases could repeat without end.
 */
export function sizeOf(value: unknown, most: number, above: readonly unknown[] = []): number {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.length : 1;
  // By an alias, a map may be a part of itself; no schema allows it.
  if (above.includes(value)) return 1;
  let size = 1;
  const within = [...above, value];
  for (const [key, part] of Object.entries(value)) {
    if (size > most) break;
    size += (Array.isArray(value) ? 0 : key.length) + sizeOf(part, most - size, within);
  }
  return size;
}
