import { describe, expect, it } from 'vitest';
import { suggest } from '../../src/diagnostics/did-you-mean.ts';

describe('"did you mean"', () => {
  it.each([
    ['metod', ['path', 'method'], 'method'],
    ['mehtod', ['path', 'method'], 'method'],
    ['METHOD', ['path', 'method'], 'method'],
    ['SlowDwon', ['SlowDown', 'ServiceUnavailable'], 'SlowDown'],
    ['aws', ['aliyun-oss', 'aws-s3'], 'aws-s3'],
    ['operations', ['operation', 'part'], 'operation'],
    ['NoSuchKeyError', ['NoSuchBucket', 'NoSuchKey'], 'NoSuchKey'],
    ['NoSuchKex', ['NoSuchBucket', 'NoSuchKey'], 'NoSuchKey'],
    ['put', ['GET', 'PUT'], 'PUT'],
    ['NoSuch', ['NoSuchBucket', 'NoSuchKey', 'NoSuchUpload'], 'NoSuchKey'],
    ['ab', ['key', 'cd'], undefined],
    ['colour', ['name', 'match'], undefined],
    ['', ['name'], undefined],
    ['x'.repeat(100_000), ['name'], undefined],
  ])('%s of %j: %s', (word, known, expected) => {
    expect(suggest(word, known)).toBe(expected);
  });
});
