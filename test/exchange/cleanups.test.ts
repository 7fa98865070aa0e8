import { describe, expect, it } from 'vitest';
import { type Cleanups, runCleanups, withCleanup, withoutCleanup } from '../../src/exchange/cleanups.ts';

/** Cleanups that write down which of them was called, by number. */
function writing(): { called: number[]; cleanups: (() => void)[] } {
  const called: number[] = [];
  return { called, cleanups: [0, 1, 2].map((number) => () => void called.push(number)) };
}

describe('cleanups', () => {
  it.each([
    ['none', [], [], []],
    ['one', [0], [], [0]],
    ['several, in the order in which they were added', [2, 0, 1], [], [2, 0, 1]],
    ['one that was added twice, once', [0, 0, 1], [], [0, 1]],
    ['none that was taken away, when it was the only one', [0], [0], []],
    ['none that was taken away, of several', [0, 1, 2], [1], [0, 2]],
    ['the others, where one was taken away that was not there', [0], [1], [0]],
    ['none, when all were taken away', [0, 1], [1, 0], []],
  ])('call %s', (_, added, removed, expected) => {
    const { called, cleanups } = writing();
    const pick = (number: number) => cleanups[number] ?? (() => {});
    const all = added.reduce<Cleanups>((known, number) => withCleanup(known, pick(number)), undefined);
    runCleanups(removed.reduce((known, number) => withoutCleanup(known, pick(number)), all));
    expect(called).toEqual(expected);
  });

  it('make no set for a single cleanup', () => {
    const stop = () => {};
    expect(withCleanup(undefined, stop)).toBe(stop);
  });
});
