import { describe, expect, it } from 'vitest';
import { expectLinear, repeated } from './linear.ts';

/** Backs up over all of the text from each of its characters. */
const quadratic = (text: string) => /a+b/.test(text);

/** Looks at each character once, and takes some time over it. */
const linear = (text: string) => {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) for (let i = 0; i < 50; i += 1) sum += text.charCodeAt(at) % 7;
  return sum;
};

describe('the test of what a reader costs', () => {
  it('refuses a reader whose cost is the square of the length', () => {
    expect(() => expectLinear(repeated('a'), quadratic, 2 ** 20, { enough: 5 })).toThrow(
      /^cost of \d+ characters by that of \d+: /,
    );
  });

  it('refuses one that is so beside much that is linear', () => {
    const both = (text: string) => [quadratic(text), linear(text.slice(0, 1024))];
    expect(() => expectLinear(repeated('a'), both, 2 ** 20, { enough: 5 })).toThrow(/^cost of /);
  });

  it('takes a linear one, and names the length that it went to', () => {
    expect(expectLinear(repeated('a'), linear, 2 ** 26)).toBeGreaterThan(1024);
  });

  it('takes a quadratic one that its cap keeps cheap, and says so', () => {
    expect(expectLinear(repeated('a'), quadratic, 2048)).toBe('cheap');
  });
});
