import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/notation/glob.ts';
import { expectLinear, repeated } from '../support/linear.ts';

/** Characters of a text. No head has a target that is longer. */
const LONGEST_TEXT = 64 * 1024;

describe('a glob', () => {
  it.each([
    ['/photos/a.jpg', '/photos/a.jpg', true],
    ['/photos/a.jpg', '/photos/a.jpgx', false],
    ['/photos/*', '/photos/a.jpg', true],
    ['/photos/*', '/photos/', true],
    ['/photos/*', '/photos/2026/a.jpg', false],
    ['/photos/**', '/photos/2026/a.jpg', true],
    ['/photos/**', '/photos/', true],
    ['/photos/**', '/photos', false],
    ['/photos/*.jpg', '/photos/a.jpg.jpg', true],
    ['**/*.jpg', '/a/b/c.jpg', true],
    ['**.jpg', 'c.jpg', true],
    ['/*/b/*', '/a/b/c', true],
    ['/*/b/*', '/a/x/b/c', false],
    ['**/b/*/d', '/b/x/c/b/y/d', true],
    ['**a*/b*c', 'a/a-/bxxc', true],
    ['***', 'a/b', true],
    ['', '', true],
    ['*', '', true],
    ['?', '', false],
    ['?', '/', false],
    ['a?c', 'abc', true],
    ['照片/?.jpg', '照片/貓.jpg', true],
    ['?.jpg', '🐈.jpg', true],
    ['??.jpg', '🐈.jpg', false],
  ])('%j on %j is %j', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected);
  });

  it('takes brackets, braces, backslashes and dots as they are', () => {
    expect(compileGlob('[a]{b,c}\\d+.(e)*')('[a]{b,c}\\d+.(e)!')).toBe(true);
    expect(compileGlob('[a]*')('ab')).toBe(false);
    expect(compileGlob('a.c*')('abc')).toBe(false);
  });

  it('lets one star match slashes if the text has no segments', () => {
    const glob = compileGlob('aws-sdk-js/*', { segments: false });
    expect(glob('aws-sdk-js/3.1 ua/2.1 os/linux')).toBe(true);
    expect(compileGlob('a?b', { segments: false })('a/b')).toBe(true);
  });

  it('agrees with a regular expression on 40,000 random patterns and texts', () => {
    let state = 1;
    const below = (most: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * most);
    };
    const pick = (signs: readonly string[], most: number) =>
      Array.from({ length: below(most + 1) }, () => signs[below(signs.length)]).join('');
    for (let round = 0; round < 40_000; round++) {
      const pattern = pick(['a', 'b', '/', '*', '**', '?', 'a'], 8);
      const text = pick(['a', 'b', '/', 'a'], 10);
      const source = pattern.replace(/\*+|\?/g, (sign) =>
        sign === '?' ? '[^/]' : sign === '*' ? '[^/]*' : '.*',
      );
      const expected = new RegExp(`^${source}$`, 's').test(text);
      if (compileGlob(pattern)(text) !== expected) expect.fail(`${pattern} on ${text} is not ${expected}`);
    }
  });

  it.each([
    ['**a*b', 'a'],
    ['*a*a*a*a*a*a*b', 'a'],
    ['**a**a**a**b', 'a'],
    ['**/*a*a*b', '/a'],
    ['**a/*a*/b', 'aa/'],
    ['**/*/*/*/*x', '/a'],
  ])('%j rejects a text of %j again and again without backtracking', (pattern, piece) => {
    const glob = compileGlob(pattern);
    expectLinear(repeated(piece), (text) => expect(glob(text)).toBe(false), LONGEST_TEXT);
  });
});
