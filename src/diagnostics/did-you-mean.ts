/**
 * Returns the known word that was most likely meant: the nearest by Damerau-Levenshtein distance (at most 2, in any
 * case), else the shortest of those that begin with the word or that the word begins with.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = 3;
  let byPrefix: string | undefined;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const distance = editDistance(wanted, lower);
    // In a word of three letters, two changes would fit almost any other word.
    if (distance < bestDistance && distance * 2 < Math.max(wanted.length, lower.length)) {
      best = candidate;
      bestDistance = distance;
    }
    const shorter = Math.min(wanted.length, lower.length);
    const begins = shorter >= 3 && (lower.startsWith(wanted) || wanted.startsWith(lower));
    if (begins && candidate.length < (byPrefix?.length ?? Number.POSITIVE_INFINITY)) byPrefix = candidate;
  }
  return best ?? byPrefix;
}

/** Writes the end of a sentence about an unknown word: `. did you mean "method"?`, or the known words if they are few. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = suggest(word, known);
  if (meant !== undefined) return `. did you mean "${meant}"?`;
  return known.length > 0 && known.length <= 16 ? `. known: ${known.join(', ')}` : '';
}

/** Counts the insertions, deletions, changes and swaps of neighbours from one word to the other; 3 means 3 or more. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + same,
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    if (Math.min(...current) > 2) return 3;
    beforeLast = last;
    last = current;
  }
  return Math.min(last[b.length] ?? 3, 3);
}
