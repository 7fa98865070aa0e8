import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { docsPages } from '../support/pages.ts';

const folder = 'test/fixtures/no-reports/';
const found = (text: string, settings = {}) =>
  findErrors(text, settings).findings.map(({ code, status, network }) => code ?? status ?? network?.fault);

describe('a text that is no report of an object store', () => {
  const docs = [
    'README.md',
    'CONTRIBUTING.md',
    ...['header-faults', 'rules', 'journal', 'library'].map((n) => `docs/${n}.md`),
    ...docsPages.filter((page) => page.startsWith('docs/faults')),
  ];
  const rules = readdirSync('rules').map((name) => `rules/${name}`);

  it.each([...readdirSync(folder).map((name) => folder + name), ...docs, ...rules])(
    '%s makes no rule',
    (name) => {
      expect(found(readFileSync(name, 'utf8'))).toEqual([]);
    },
  );

  it.each([
    ['We tested for SlowDown.', 'seen in line 1: SlowDown, but nothing says that it happened'],
    [
      'npm ERR! code ECONNRESET',
      'seen in line 1: a connection that was reset before the answer, but nothing says that it is of an object store; --provider says whose it is',
    ],
    [
      'An error occurred (AccessDenied) when calling the AssumeRole operation: no',
      'seen in line 1: AccessDenied, but it is of AssumeRole, which is no operation of object storage that brownout knows; --operation settles it',
    ],
  ])('%j is spoken of', (text, note) => {
    expect(findErrors(text).notes).toEqual([note]);
  });

  it('is spoken of in ten places at most', () => {
    const { notes } = findErrors('npm ERR! code ECONNRESET\n\n'.repeat(30));
    expect(notes).toHaveLength(11);
    expect(notes.at(-1)).toBe('20 more were seen that make no rule');
  });

  it('is one all the same where somebody says so', () => {
    expect(found('npm ERR! code ECONNRESET', { provider: 'aws-s3' })).toEqual(['reset']);
    expect(
      found('An error occurred (AccessDenied) when calling the WriteGetObjectResponse operation: no'),
    ).toEqual([]);
    expect(
      found('An error occurred (AccessDenied) when calling the WriteGetObjectResponse operation: no', {
        operation: 'GetObject',
      }),
    ).toEqual(['AccessDenied']);
  });
});

describe('an error of an object store in few words', () => {
  it.each([
    ['upload failed: NoSuchUpload', ['NoSuchUpload']],
    ['上传失败: NoSuchUpload', ['NoSuchUpload']],
    ['PUT s3://photos/a: 403 AccessDenied', ['AccessDenied']],
    [
      'Warning: S3::getBucket(): [RequestTimeTooSkewed] The difference is too large',
      ['RequestTimeTooSkewed'],
    ],
    ['Put "http://minio:9000/photos/a": EOF', ['close']],
    [
      'Put "http://192.0.2.1:9000/photos/a?partNumber=1&uploadId=x": read tcp: read: connection reset by peer',
      ['reset'],
    ],
    ['aws s3 cp a s3://photos/a\nread timed out', ['timeout']],
    ['> PUT /photos/a HTTP/1.1\n> Host: 192.0.2.1\n\n< HTTP/1.1 503 Slow Down\n', ['SlowDown']],
  ])('%j is found', (text, codes) => {
    expect(found(text)).toEqual(codes);
  });

  it('is not lost in what was said of it before', () => {
    const { findings } = findErrors('Is it SlowDown?\n\nIt is: error: SlowDown');
    expect(findings.map(({ lines, times }) => [lines, times])).toEqual([[[3, 3], 1]]);
  });
});
