import { describe, expect, it } from 'vitest';
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  parseSizeCondition,
} from '../../src/notation/units.ts';

describe('durations', () => {
  it.each([
    ['200ms', 200],
    ['2s', 2000],
    ['1.5s', 1500],
    ['1m', 60_000],
    ['1h', 3_600_000],
    ['0', 0],
    [' 10 ms ', 10],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['5sec', 'unknown unit "sec"; durations are written 200ms, 2s, 1m or 1h'],
    ['5', '"5" has no unit; durations are written 200ms, 2s, 1m or 1h'],
    ['soon', '"soon" is not a duration; durations are written 200ms, 2s, 1m or 1h'],
    ['-1s', '"-1s" is not a duration; durations are written 200ms, 2s, 1m or 1h'],
    ['', '"" is not a duration; durations are written 200ms, 2s, 1m or 1h'],
    ['1constructor', 'unknown unit "constructor"; durations are written 200ms, 2s, 1m or 1h'],
    ['99999999999999999h', '"99999999999999999h" is too large; durations are written 200ms, 2s, 1m or 1h'],
  ])('refuses %s and says what is wrong', (text, message) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ message }));
  });

  it.each([
    [0, '0ms'],
    [200, '200ms'],
    [1500, '1.5s'],
    [60_000, '1m'],
    [90_000, '1.5m'],
    [3_600_000, '1h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('sizes', () => {
  it.each([
    ['100B', 100],
    ['64KiB', 65_536],
    ['5MiB', 5_242_880],
    ['1GiB', 1_073_741_824],
    ['5MB', 5_000_000],
    ['64KB', 64_000],
    ['0', 0],
    [7, 7],
  ])('reads %s as %d bytes', (size, bytes) => {
    expect(parseSize(size)).toBe(bytes);
  });

  it.each([
    ['5mib', 'unknown unit "mib"; sizes are written'],
    ['5M', 'unknown unit "M"; sizes are written'],
    ['12', '"12" has no unit; sizes are written'],
    ['big', '"big" is not a size; sizes are written'],
    [-1, '-1 is not a whole number of bytes; sizes are written'],
    [1.5, '1.5 is not a whole number of bytes; sizes are written'],
  ])('refuses %s and says what is wrong', (size, message) => {
    expect(() => parseSize(size)).toThrow(message);
  });

  it.each([
    [100, '100B'],
    [65_536, '64KiB'],
    [5_242_880, '5MiB'],
    [1_610_612_736, '1.5GiB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('size conditions', () => {
  const MiB = 1_048_576;
  it.each([
    ['>= 5MiB', 5 * MiB, true],
    ['>= 5MiB', 5 * MiB - 1, false],
    ['>5MiB', 5 * MiB, false],
    ['> 5MiB', 5 * MiB + 1, true],
    ['<= 5MiB', 5 * MiB, true],
    ['< 5MiB', 5 * MiB, false],
    ['= 0B', 0, true],
    ['5MiB', 5 * MiB, true],
    ['5MiB', 1, false],
    [10, 10, true],
  ])('"%s" on %d bytes is %s', (condition, bytes, holds) => {
    expect(parseSizeCondition(condition).test(bytes)).toBe(holds);
  });

  it.each([
    ['=> 5MiB', '"=> 5MiB" is not a size condition; size conditions are written'],
    ['!= 5MiB', '"!= 5MiB" is not a size condition; size conditions are written'],
    ['>=', '">=" is not a size condition; size conditions are written'],
    ['>= 5megs', 'unknown unit "megs"; sizes are written'],
  ])('refuses %s and says what is wrong', (condition, message) => {
    expect(() => parseSizeCondition(condition)).toThrow(message);
  });
});
