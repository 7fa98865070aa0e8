import { describe, expect, it } from 'vitest';
import { expectLinear, repeated } from './linear.ts';

/** Reads the rest of the text again from each of its characters. */
const quadratic = (text: string) => /a+b/.test(text);

/** Looks at each character once, and takes some time over it. */
const linear = (text: string) => {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) for (let i = 0; i < 50; i += 1) sum += text.charCodeAt(at) % 7;
  return sum;
};

describe('the test of the cost of a reader', () => {
  it('refuses a quadratic reader', () => {
    expect(() => expectLinear(repeated('a'), quadratic, 2 ** 20, { enough: 5 })).toThrow(
      /^cost of \d+ characters by that of \d+: /,
    );
  });

  it('refuses a reader that is quadratic in one part and linear in another', () => {
    const both = (text: string) => [quadratic(text), linear(text.slice(0, 1024))];
    expect(() => expectLinear(repeated('a'), both, 2 ** 20, { enough: 5 })).toThrow(/^cost of /);
  });

  it('accepts a linear reader, and returns the length that was tried', () => {
    expect(expectLinear(repeated('a'), linear, 2 ** 26)).toBeGreaterThan(1024);
  });

  it('accepts a quadratic reader that is cheap up to its cap, and says so', () => {
    expect(expectLinear(repeated('a'), quadratic, 2048)).toBe('cheap');
  });
});
