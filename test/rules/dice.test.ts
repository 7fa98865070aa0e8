import { describe, expect, it } from 'vitest';
import { type DrawSubject, drawIdentity } from '../../src/request/identity.ts';
import { draw as drawFor, newSeed } from '../../src/rules/dice.ts';

const draw = (seed: number | string, rule: string, subject: DrawSubject, nth: number) =>
  drawFor(seed, rule, drawIdentity(subject), nth);

const part3: DrawSubject = {
  operation: 'UploadPart',
  bucket: 'photos',
  key: 'a/b.jpg',
  part: 3,
  attempt: 1,
  selection: '',
};

function rateOf(probability: number, draws: number): number {
  let fired = 0;
  for (let part = 1; part <= draws; part++) {
    if (draw(42, 'rule', { ...part3, part }, 1) < probability) fired++;
  }
  return fired / draws;
}

describe('the dice', () => {
  it.each([0.0001, 0.01, 0.1, 0.5, 0.99])('keep a probability of %d over 100,000 draws', (p) => {
    const draws = 100_000;
    const deviation = Math.sqrt((p * (1 - p)) / draws);
    expect(Math.abs(rateOf(p, draws) - p)).toBeLessThanOrEqual(4 * deviation);
  });

  it('never fire at probability 0 and always at 1', () => {
    expect(rateOf(0, 10_000)).toBe(0);
    expect(rateOf(1, 10_000)).toBe(1);
  });

  it('draw the same numbers in every release', () => {
    const bare: DrawSubject = {
      operation: 'ListBuckets',
      bucket: undefined,
      key: undefined,
      part: undefined,
      attempt: undefined,
      selection: '',
    };
    expect([
      draw(42, 'slow', part3, 1),
      draw(42, 'slow', part3, 2),
      draw(43, 'slow', part3, 1),
      draw('ci', '限流', { ...part3, key: '照片.jpg' }, 1),
      draw(0, '', bare, 1),
      draw(42, 'slow', { ...part3, selection: 'bytes=0-9' }, 1),
    ]).toEqual([
      0.48866623636551454, 0.2142895661524986, 0.3146359786842552, 0.02420128168663016, 0.822910275499231,
      0.16555099206991142,
    ]);
  });

  it('treat a seed from a flag (text) and from a file (number) as the same', () => {
    expect(draw('42', 'rule', part3, 1)).toBe(draw(42, 'rule', part3, 1));
  });

  it('depend on every field, and on where one field ends and the next begins', () => {
    const draws = [
      draw(1, 'rule', part3, 1),
      draw(2, 'rule', part3, 1),
      draw(1, 'other', part3, 1),
      draw(1, 'rule', part3, 2),
      draw(1, 'rule', { ...part3, operation: 'PutObject' }, 1),
      draw(1, 'rule', { ...part3, part: 4 }, 1),
      draw(1, 'rule', { ...part3, attempt: 2 }, 1),
      draw(1, 'rule', { ...part3, attempt: undefined }, 1),
      draw(1, 'rule', { ...part3, bucket: 'a', key: 'bc' }, 1),
      draw(1, 'rule', { ...part3, bucket: 'ab', key: 'c' }, 1),
      draw(1, 'rule', { ...part3, bucket: undefined, key: 'bc' }, 1),
      draw(1, 'rule', { ...part3, bucket: '', key: 'bc' }, 1),
      draw(1, 'rule","x', part3, 1),
      draw(1, 'rule', { ...part3, selection: 'bytes=0-9' }, 1),
      draw(1, 'rule', { ...part3, selection: 'bytes=10-19' }, 1),
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });

  it.each([
    [
      'seeds',
      (part: number) => [draw(1, 'rule', { ...part3, part }, 1), draw(2, 'rule', { ...part3, part }, 1)],
    ],
    ['rules', (part: number) => [draw(1, 'a', { ...part3, part }, 1), draw(1, 'b', { ...part3, part }, 1)]],
  ])('are independent between two %s', (_, pair) => {
    const count = 20_000;
    let both = 0;
    for (let part = 1; part <= count; part++) {
      if (pair(part).every((value) => value < 0.5)) both++;
    }
    expect(Math.abs(both / count - 0.25)).toBeLessThanOrEqual(4 * Math.sqrt((0.25 * 0.75) / count));
  });
});

describe('a new seed', () => {
  it('is a 32-bit integer', () => {
    const seed = newSeed();
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
  });
});
