import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/reproduce/finding.ts';
import { findErrors, lastError } from '../../src/reproduce/reproduce.ts';
import { compare, endingOf, isSame } from '../../src/reproduce/verify.ts';

function only(report: string): Finding {
  const [finding, ...more] = findErrors(report, { provider: 'aws-s3' }).findings;
  if (finding === undefined || more.length > 0) throw new Error('one error was expected');
  return finding;
}

const SLOW_DOWN =
  'An error occurred (SlowDown) when calling the PutObject operation: Please reduce your request rate.';
const EMBEDDED = 'S3ResponseError: 200 OK\n<Error><Code>InternalError</Code><Message>m</Message></Error>';

describe('two errors are the same', () => {
  it.each<[string, string, string, boolean]>([
    [
      'one code, in another program’s words',
      SLOW_DOWN,
      'S3 error: 503 (SlowDown): Please reduce your request rate.',
      true,
    ],
    ['one code, of which nothing else is said', SLOW_DOWN, 'SlowDown: UnknownError', true],
    ['another code', SLOW_DOWN, 'S3 error: 403 (AccessDenied): Access Denied', false],
    [
      'one code with another status',
      SLOW_DOWN,
      'S3 error: 400 (SlowDown): Please reduce your request rate.',
      false,
    ],
    [
      'one code with another message',
      SLOW_DOWN,
      'S3 error: 503 (SlowDown): The bucket is being moved away.',
      false,
    ],
    [
      'another status that an SDK makes up for an error inside a 200',
      EMBEDDED,
      'S3 error: 503 (InternalError): m',
      true,
    ],
    ['a reset, and an end', 'read: connection reset by peer', 'Error: socket hang up', true],
    ['a reset, and a time-out', 'read: connection reset by peer', 'net/http: i/o timeout', false],
    [
      'a refused connection, and a reset in its place',
      'connect: connection refused',
      'read ECONNRESET',
      true,
    ],
    ['a time-out, and an answer', 'net/http: i/o timeout', SLOW_DOWN, false],
  ])('or not: %s', (_, report, printed, expected) => {
    const fields = compare(only(report), only(printed));
    expect(isSame(fields), JSON.stringify(fields)).toBe(expected);
  });

  it('only if they have something in common', () => {
    const requestId = only(
      '<Error><Code>SlowDown</Code><Message>m</Message><RequestId>0123456789ABCDEF</RequestId></Error>',
    );
    expect(
      isSame(
        compare({ ...requestId, code: undefined, status: undefined, message: undefined }, only(SLOW_DOWN)),
      ),
    ).toBe(false);
  });
});

describe('the ending', () => {
  const report = only(SLOW_DOWN);
  const run = { exit: '', succeeded: false, timedOut: false, met: report, injected: 1, recovered: false };

  it.each([
    ['same', {}],
    ['same', { succeeded: true }],
    ['coped', { succeeded: true, recovered: true }],
    ['coped', { succeeded: true, met: undefined }],
    ['unsaid', { met: undefined }],
    ['hung', { timedOut: true }],
    ['unmet', { injected: 0 }],
    ['unmet', { injected: 0, succeeded: true, met: undefined }],
  ])('is %s for %j', (ending, what) => {
    expect(endingOf(report, { ...run, ...what })).toBe(ending);
  });

  it('is told by the last error, however many there were', () => {
    const many = Array.from(
      { length: 200 },
      (_, i) => `S3 error: 404 (NoSuchKey): s3://b/${i}${'\n'.repeat(800)}`,
    );
    expect(findErrors(many.join('')).findings.length).toBe(50);
    expect(lastError(`${many.join('')}${SLOW_DOWN}`)?.code).toBe('SlowDown');
  });
});
