import { expect } from 'vitest';

/** Processor time in ms that a text must take before its cost is compared. */
const ENOUGH = 50;

/** Limit of the cost of a text of twice the length: a linear reader takes 2 times as long, a quadratic one 4 times. */
const MOST = 3;

/** Number of times that a text is read. Runs differ only by other load on the machine, so the cheapest counts. */
const RUNS = 3;

/**
 * Asserts that the time of a reader is linear in the length of a text. It doubles the text until reading takes 50 ms, and
 * fails if a text of twice that length takes 3 times as long, and one of twice that length 3 times again. `largest` is the
 * cap of the reader, in characters. If no text below the cap takes 50 ms, the reader is cheap in any case. Returns the
 * length that took 50 ms.
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
  // Twice the length must not be above the cap.
  length = Math.min(length, Math.floor(largest / 2));
  // One step may be that of a processor whose cache is full; what is quadratic is so at the next one, too.
  if (growth(length, make, run) < MOST) return length;
  length = Math.min(2 * length, Math.floor(largest / 2));
  expect(growth(length, make, run), `cost of ${2 * length} characters by that of ${length}`).toBeLessThan(
    MOST,
  );
  return length;
}

/** Returns the cost of a text of twice the length, divided by the cost of a text of that length. */
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

/** Returns the processor time of this process in ms, which other processes do not change. */
function costOf(text: string, run: (text: string) => unknown): number {
  const before = process.cpuUsage();
  run(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Makes texts of a given length: a beginning, then a piece repeated. */
export function repeated(piece: string, begin = ''): (length: number) => string {
  return (length) => begin + piece.repeat(Math.max(1, Math.floor((length - begin.length) / piece.length)));
}
