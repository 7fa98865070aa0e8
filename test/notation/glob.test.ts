import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/notation/glob.ts';
import { draw } from '../../src/rules/dice.ts';

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
    let drawCount = 0;
    const subject = {
      operation: '',
      bucket: undefined,
      key: undefined,
      part: undefined,
      attempt: undefined,
      selection: '',
    };
    const pick = (signs: readonly string[], most: number) => {
      const length = Math.floor(draw(1, 'length', subject, ++drawCount) * (most + 1));
      return Array.from(
        { length },
        () => signs[Math.floor(draw(1, 'sign', subject, ++drawCount) * signs.length)],
      ).join('');
    };
    for (let round = 0; round < 40_000; round++) {
      const pattern = pick(['a', 'b', '/', '*', '**', '?', 'a'], 8);
      const text = pick(['a', 'b', '/', 'a'], 10);
      const source = pattern.replace(/\*+|\?/g, (sign) =>
        sign === '?' ? '[^/]' : sign === '*' ? '[^/]*' : '.*',
      );
      expect(compileGlob(pattern)(text), `${pattern} on ${text}`).toBe(
        new RegExp(`^${source}$`, 's').test(text),
      );
    }
  });

  it.each([
    ['**a*b', 'a'.repeat(65_536)],
    ['*a*a*a*a*a*a*b', 'a'.repeat(65_536)],
    ['**a**a**a**b', 'a'.repeat(65_536)],
    ['**/*a*a*b', '/a'.repeat(32_768)],
    ['**a/*a*/b', 'aa/'.repeat(21_845)],
    ['**/*/*/*/*x', '/a'.repeat(32_768)],
  ])('%j rejects 64 KiB of almost-matches without backtracking', (pattern, text) => {
    const glob = compileGlob(pattern);
    const started = process.cpuUsage().user;
    expect(glob(text)).toBe(false);
    // Backtracking takes minutes here; the bound is loose so that a slow machine passes.
    expect((process.cpuUsage().user - started) / 1000).toBeLessThan(1000);
  });
});
