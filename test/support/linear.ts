import { expect } from 'vitest';

/** ms of the processor that a text must take before its cost says anything. */
const ENOUGH = 50;

/** How much longer a text of twice the length may take: what is linear takes twice as long, what is quadratic 4 times. */
const MOST = 3;

/** How often a text is read; only what else the machine does makes one run cost more than another. */
const RUNS = 3;

/**
 * Holds a reader to time that grows as the length of a text does: it doubles the text until reading takes 50 ms, and
 * fails if one of twice the length takes 3 times as long, and one of twice that once more. `largest` is the cap of the reader, in characters: where no
 * text below it takes 50 ms, the reader is cheap whatever its order. Returns the length that took 50 ms.
 */
export function expectLinear(
  make: (length: number) => string,
  run: (text: string) => unknown,
  largest: number,
  { smallest = 1024, enough = ENOUGH } = {},
): number | 'cheap' {
  let length = smallest;
  while (costOf(make(length), run) < enough) {
    if (length >= largest) return 'cheap';
    length = Math.min(2 * length, largest);
  }
  // A reader at its cap is held to it by what it makes of half of that.
  length = Math.min(length, Math.floor(largest / 2));
  // One step may be that of a processor whose cache is full; what is quadratic is so at the next one, too.
  if (growth(length, make, run) < MOST) return length;
  length = Math.min(2 * length, Math.floor(largest / 2));
  expect(growth(length, make, run), `cost of ${2 * length} characters by that of ${length}`).toBeLessThan(
    MOST,
  );
  return length;
}

/** How many times as much a text of twice the length costs. */
function growth(length: number, make: (length: number) => string, run: (text: string) => unknown): number {
  const [text, twice] = [make(length), make(2 * length)];
  let [cost, costOfTwice] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let nth = 1; nth <= RUNS; nth += 1) {
    cost = Math.min(cost, costOf(text, run), costOf(text, run));
    costOfTwice = Math.min(costOfTwice, costOf(twice, run));
    if (costOfTwice < MOST * cost && nth > 1) break;
  }
  return costOfTwice / cost;
}

/** Milliseconds of the processor, which other processes do not count in. */
function costOf(text: string, run: (text: string) => unknown): number {
  const before = process.cpuUsage();
  run(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** A beginning and then a piece, again and again, up to a length. */
export function repeated(piece: string, begin = ''): (length: number) => string {
  return (length) => begin + piece.repeat(Math.max(1, Math.floor((length - begin.length) / piece.length)));
}
