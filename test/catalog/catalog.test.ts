import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  entriesOf,
  findEntry,
  loadProvider,
  parseCatalog,
  providerNames,
} from '../../src/catalog/catalog.ts';
import { rows } from './rows.ts';

const documented: Record<string, number> = {
  'aliyun-oss': 53,
  'aws-s3': 278,
  'huawei-obs': 82,
  'jd-jss': 57,
  'oss-classic': 18,
};

describe('the catalogs', () => {
  test('has one catalog per provider, and each loads', () => {
    expect(providerNames()).toEqual(Object.keys(documented));
  });

  test.each(Object.entries(documented))('%s has all of its %d rows', (name, count) => {
    const later = [
      'Alibaba Cloud OSS, Troubleshooting, HTTP 500 and HTTP 503 status codes',
      'not documented by Alibaba Cloud OSS; the S3 text',
    ];
    const { entries } = loadProvider(name);
    expect(entries.filter((entry) => !later.includes(entry.source))).toHaveLength(count);
    expect(entries.every((entry) => entry.source !== '')).toBe(true);
  });

  test('OSS has four rows beyond its error table', () => {
    const { entries } = loadProvider('aliyun-oss');
    expect(entries.slice(53).map(({ code, status, assumed }) => [code, status, assumed])).toEqual([
      ['InternalError', 500, false],
      ['ServiceUnavailable', 503, false],
      ['TotalQpsLimitExceeded', 503, false],
      ['SlowDown', 503, true],
    ]);
  });

  test.each(rows)('%s %s %s is %d %s', (provider, code, variant, status, message) => {
    const entry = findEntry(loadProvider(provider), code, variant);
    expect(entry).toMatchObject({ code, variant, status, assumed: message === '?' });
    if (message === '?') expect(entry?.message).toMatch(/\w/);
    else expect(entry?.message).toBe(message);
  });

  test('a row without a message has no body in its answer', () => {
    for (const name of providerNames()) {
      const { entries } = loadProvider(name);
      const silent = entries.filter((entry) => entry.message === '');
      expect(silent.every((entry) => entry.status === 204 || entry.status === 304)).toBe(true);
    }
  });

  test('"stored, but the callback failed" is marked in each provider that has it', () => {
    const stored = providerNames().flatMap((name) =>
      loadProvider(name)
        .entries.filter((entry) => entry.stored)
        .map((entry) => `${name} ${entry.code} ${entry.status}`),
    );
    expect(stored).toEqual(['aliyun-oss CallbackFailed 203', 'jd-jss InvalidCallback 567']);
  });

  test('RequestTimeout is the idle error of every provider', () => {
    for (const name of providerNames()) {
      const idle = loadProvider(name).entries.filter((entry) => entry.idle);
      expect(idle.map((entry) => entry.code)).toEqual(['RequestTimeout']);
    }
  });

  test('the Chinese explanation and remedy are kept, without the targets of their links', () => {
    expect(findEntry(loadProvider('aliyun-oss'), 'InvalidBucketName')?.zh).toEqual({
      explanation: 'Bucket命名不符合规范。',
      remedy: '了解Bucket命名规范并检查Bucket名称。',
    });
    expect(findEntry(loadProvider('huawei-obs'), 'SlowDown')?.zh).toEqual({
      explanation: '请降低请求频率。',
      remedy: '请降低请求频率。',
    });
    expect(findEntry(loadProvider('oss-classic'), 'NoSuchKey')?.zh).toEqual({
      explanation: 'HeadObject 时请求的 object 不存在',
    });
    for (const name of providerNames()) {
      for (const { zh } of loadProvider(name).entries) {
        expect(`${zh?.explanation}${zh?.remedy}`).not.toMatch(/\]\(|\.md|\n\n/);
      }
    }
  });

  test('S3 rows tell which errors the AWS SDKs do not retry, and which texts come from an emulator', () => {
    const s3 = loadProvider('aws-s3');
    const count = (retryable: boolean | undefined) =>
      s3.entries.filter((entry) => entry.retryable === retryable).length;
    expect([count(true), count(false), count(undefined)]).toEqual([12, 149, 117]);
    expect(findEntry(s3, 'AccessDenied')).toMatchObject({ retryable: false, assumed: false });
    expect(findEntry(s3, 'AccountProblem')).toMatchObject({ retryable: false, assumed: true });
    expect(s3.entries.filter(({ note }) => note?.includes('Swift')).every(({ assumed }) => assumed)).toBe(
      true,
    );
  });

  test('only the captured reason phrase of S3 and that of the unregistered 567 differ from the standard', () => {
    const reasons = providerNames().flatMap((name) =>
      loadProvider(name).entries.flatMap((entry) =>
        entry.reason ? [`${entry.status} ${entry.reason}`] : [],
      ),
    );
    expect(reasons).toEqual(['503 Slow Down', '567 Invalid Callback']);
  });
});

describe('looking up a code', () => {
  test('the first row of a code is its default', () => {
    expect(findEntry(loadProvider('jd-jss'), 'BucketNotEmpty')?.variant).toBe('objects');
    expect(findEntry(loadProvider('oss-classic'), 'NoSuchBucket')?.status).toBe(404);
    expect(findEntry(loadProvider('oss-classic'), 'PreconditionFailed')?.status).toBe(412);
    expect(findEntry(loadProvider('aws-s3'), 'SlowDown')?.status).toBe(503);
    expect(findEntry(loadProvider('aws-s3'), 'ReplicationConfigurationNotFoundError')?.assumed).toBe(false);
    expect(findEntry(loadProvider('aws-s3'), 'InternalError')?.status).toBe(500);
  });

  test.each([
    ['huawei-obs', 'CustomDomainAlreadyExist', 'CustomDomainAreadyExist'],
    ['huawei-obs', 'IncorrectNumberOfFilesInPost Request', 'IncorrectNumberOfFilesInPostRequest'],
    ['huawei-obs', 'KeyTooLong', 'KeyTooLongError'],
    ['jd-jss', 'NoSuchBucketPolicy', 'NotSuchBucketPolicy'],
    ['jd-jss', 'CallbackFailed', 'InvalidCallback'],
    ['aliyun-oss', 'InvalidCallback', 'CallbackFailed'],
    ['aliyun-oss', 'IncorrectNumberOfFilesInPostRequest', 'IncorrectNumberOfFilesInPOSTRequest'],
    ['aws-s3', 'KeyTooLong', 'KeyTooLongError'],
  ])('at %s %s means %s', (provider, alias, code) => {
    expect(findEntry(loadProvider(provider), alias)?.code).toBe(code);
  });

  test('an alias of one variant finds that variant', () => {
    const oss = loadProvider('aliyun-oss');
    expect(findEntry(oss, 'KeyTooLong')?.variant).toBe('too-long');
    expect(entriesOf(oss, 'KeyTooLong').map((entry) => entry.variant)).toEqual(['too-long', 'empty']);
  });

  test('an unknown code or variant is not found', () => {
    const s3 = loadProvider('aws-s3');
    expect(findEntry(s3, 'SlowdDown')).toBeUndefined();
    expect(findEntry(s3, 'SlowDown', 'no-such')).toBeUndefined();
    expect(entriesOf(s3, 'SlowdDown')).toEqual([]);
  });

  test.each(['aws', '../package', '', 'constructor'])(
    'the unknown provider "%s" is refused with the known ones',
    (name) => {
      expect(() => loadProvider(name)).toThrow(
        `unknown provider "${name}"; there are catalogs of aliyun-oss, aws-s3, huawei-obs, jd-jss, oss-classic`,
      );
    },
  );
});

describe('a catalog file', () => {
  const text = readFileSync(new URL('../../catalog/oss-classic.yaml', import.meta.url), 'utf8');
  const entry = (lines: string) => `${text}\n${lines}`;

  test.each([
    ['an unknown key', entry('  - { code: X, statsu: 400, message: m }'), /entries\.18.*statsu/s],
    ['an unknown key of the dialect', text.replace('keepOnCommit:', 'keep:'), /dialect.*keepOnCommit/s],
    ['an unknown placeholder', text.replace('{code}', '{kode}'), /unknown placeholder \{kode\}/],
    ['a usual format without a recipe', text.replace('format: xml', 'format: json'), /no recipe/],
    ['an id form that is none', text.replace('{hex:16}', '{hex}'), /not an id form/],
    ['a status outside 200 to 599', entry('  - { code: X, status: 99, message: m }'), /entries\.18\.status/],
    [
      'a second row without a variant',
      entry('  - { code: NoSuchKey, status: 404, message: m }'),
      /needs a variant/,
    ],
    [
      'a repeated variant',
      entry('  - { code: NoSuchBucket, variant: missing, status: 404, message: m }'),
      /same variant/,
    ],
    [
      'an alias that is a code',
      entry('  - { code: X, status: 404, message: m, aliases: [NoSuchKey] }'),
      /alias NoSuchKey/,
    ],
    [
      'a source without a title',
      entry('  - { code: X, status: 404, message: m, source: nowhere }'),
      /unknown source "nowhere"/,
    ],
    ['a header name with a space', text.replace('- [Server,', '- ["Ser ver",'), /not a name for a header/],
  ])('with %s is refused', (_, changed, message) => {
    expect(changed).not.toBe(text);
    expect(() => parseCatalog('x', changed)).toThrow(message);
  });
});
