import { describe, expect, it } from 'vitest';
import { loadProvider } from '../../src/catalog/catalog.ts';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import type { Problem } from '../../src/diagnostics/problem.ts';
import { error } from '../../src/faults/error.ts';
import type { FaultAction } from '../../src/faults/fault.ts';
import { FAULT_KINDS } from '../../src/faults/index.ts';
import { factsOf } from '../../src/request/facts.ts';
import { injecting } from './faulty.ts';

/** What is wrong with these settings; none if they make a fault. */
function problemsOf(settings: unknown, provider = 'aws-s3'): readonly Problem[] {
  const compiled = error.compile(error.schema.parse(settings), loadProvider(provider));
  return Array.isArray(compiled) ? compiled : [];
}

function faultOf(settings: unknown, provider = 'aws-s3'): FaultAction {
  const compiled = error.compile(error.schema.parse(settings), loadProvider(provider));
  if (Array.isArray(compiled)) throw new Error(compiled.map((problem) => problem.message).join('\n'));
  return compiled;
}

describe('settings of the error fault that are refused', () => {
  it('a code that the provider does not document, with the codes that it documents', () => {
    const [problem, ...others] = problemsOf({ code: 'SlowDwon' });
    expect(problem).toMatchObject({
      path: ['code'],
      message: 'aws-s3 documents no code "SlowDwon"',
      unknown: { word: 'SlowDwon' },
    });
    expect(problem?.unknown?.known).toContain('SlowDown');
    expect(others).toEqual([]);
  });

  it('the short form, with the place of the word itself', () => {
    expect(problemsOf('SlowDwon')).toMatchObject([{ path: [], unknown: { word: 'SlowDwon' } }]);
    expect(problemsOf('PermanentRedirect')).toMatchObject([{ path: [] }]);
  });

  it('a code of another provider', () => {
    expect(problemsOf('InvalidCallback', 'huawei-obs')).toMatchObject([
      { message: 'huawei-obs documents no code "InvalidCallback"' },
    ]);
  });

  it('a variant that the code does not have, with the variants that it has', () => {
    expect(problemsOf({ code: 'SlowDown', variant: 'embeded-copy' })).toEqual([
      {
        path: ['variant'],
        kind: 'unknown-variant',
        message: 'code "SlowDown" of aws-s3 has no variant "embeded-copy"',
        unknown: {
          word: 'embeded-copy',
          known: ['general', 'embedded-complete', 'embedded-copy', 'embedded-part-copy'],
        },
      },
    ]);
  });

  it('a variant of a code that has none', () => {
    expect(problemsOf({ code: 'AccessDenied', variant: 'x' })).toMatchObject([
      { path: ['variant'], unknown: { known: [] } },
    ]);
  });

  it.each([
    ['PermanentRedirect', '"PermanentRedirect" is a 301, which needs a target. add "location: http://…"'],
    ['Redirect', '"Redirect" is a 307, which needs a target. add "location: http://…"'],
  ])('a redirect without a location: %s', (code, message) => {
    expect(problemsOf({ code })).toEqual([
      { path: ['code'], kind: 'missing-key', message, dependsOn: 'location' },
    ]);
    expect(problemsOf({ code, location: 'http://there/' })).toEqual([]);
  });

  it('a status that turns another code into a redirect', () => {
    expect(problemsOf({ code: 'SlowDown', status: 302 })).toMatchObject([{ path: ['code'] }]);
    expect(problemsOf({ code: 'SlowDown', status: 304 })).toEqual([]);
  });

  it.each([
    [{ code: 'SlowDown', padding: '1s' }, 'padding'],
    [{ code: 'SlowDown', padding: '1s', at: 'commit' }, 'padding'],
    [{ code: 'SlowDown', after: '1s', at: 'commit' }, 'after'],
    [{ code: 'SlowDown', after: '1s', at: 'embedded' }, 'after'],
    [{ code: 'SlowDown', variant: 'embedded-copy', after: '1s' }, 'after'],
  ])('%j: a setting of another moment', (settings, name) => {
    const at = name === 'padding' ? 'embedded' : 'headers';
    const message = `"${name}" goes with "at: ${at}" only`;
    expect(problemsOf(settings)).toEqual([{ path: [name], kind: 'contradiction', message, dependsOn: 'at' }]);
  });

  it('"after" for a stored code, which is answered at commit', () => {
    expect(problemsOf({ code: 'CallbackFailed', after: '1s' }, 'aliyun-oss')).toMatchObject([
      { path: ['after'] },
    ]);
    expect(problemsOf({ code: 'CallbackFailed', after: '1s', at: 'headers' }, 'aliyun-oss')).toEqual([]);
  });

  it('a format the provider does not write', () => {
    expect(problemsOf({ code: 'SlowDown', format: 'json' })).toEqual([
      { path: ['format'], kind: 'contradiction', message: 'aws-s3 writes no json, only xml' },
    ]);
    expect(problemsOf({ code: 'SlowDown', format: 'json' }, 'jd-jss')).toEqual([]);
  });

  it.each(['bad name', 'x:y', '', 'x\r\ny', '名'])('the header name %j', (name) => {
    expect(problemsOf({ code: 'SlowDown', headers: { [name]: '1' } })).toEqual([
      { path: ['headers', name], kind: 'bad-answer', message: `"${name}" cannot be the name of a header` },
    ]);
  });

  it.each(['Content-Length', 'content-length', 'Transfer-Encoding'])(
    'the header %s, which frames the body',
    (name) => {
      expect(problemsOf({ code: 'SlowDown', headers: { [name]: '1' } })).toEqual([
        {
          path: ['headers', name],
          kind: 'bad-answer',
          message: `"${name}" frames the answer and is set by brownout`,
        },
      ]);
    },
  );

  it.each(['1st', 'a b', '', '<x>'])('the element name %j', (name) => {
    expect(problemsOf({ code: 'SlowDown', fields: { [name]: '1' } })).toEqual([
      { path: ['fields', name], kind: 'bad-answer', message: `"${name}" cannot be the name of an element` },
    ]);
  });

  it('all problems at once', () => {
    const settings = {
      code: 'Redirect',
      padding: '1s',
      format: 'json',
      headers: { 'a b': '' },
      fields: { '': '' },
    };
    expect(problemsOf(settings).map((problem) => problem.path[0])).toEqual([
      'code',
      'padding',
      'format',
      'fields',
      'headers',
    ]);
  });

  it.each([
    [{ code: 'SlowDown', retryAfter: '5' }],
    [{ code: 'SlowDown', after: 'soon' }],
    [{ code: 'SlowDown', status: 199 }],
    [{ code: 'SlowDown', status: 600 }],
    [{ code: 'SlowDown', status: 503.5 }],
    [{ code: 'SlowDown', at: 'body' }],
    [{ code: 'SlowDown', headers: { a: 1 } }],
    [{ code: 'SlowDown', mesage: 'x' }],
    [{}],
    [7],
  ])('%j is no error fault at all', (settings) => {
    expect(error.schema.safeParse(settings).success).toBe(false);
  });

  it('a rule file with such settings, with the place of each problem', () => {
    expect(() => injecting('{ code: SlowDwon, at: commit }')).toThrow(
      /test\.yaml:2:\d+: aws-s3 documents no code "SlowDwon"\. did you mean "SlowDown"\?/,
    );
  });
});

describe('the description of an error fault', () => {
  it.each([
    ['SlowDown', 'aws-s3', 'answers SlowDown 503 before the body is read'],
    ['SlowDown', 'jd-jss', 'answers SlowDown 400 before the body is read'],
    [{ code: 'SlowDown', status: 429 }, 'aws-s3', 'answers SlowDown 429 before the body is read'],
    ['CallbackFailed', 'aliyun-oss', 'answers CallbackFailed 203 after the upstream has succeeded'],
    ['InvalidCallback', 'jd-jss', 'answers InvalidCallback 567 after the upstream has succeeded'],
    [{ code: 'SlowDown', at: 'embedded' }, 'aws-s3', 'answers SlowDown inside a 200'],
    [{ code: 'SlowDown', variant: 'embedded-copy' }, 'aws-s3', 'answers SlowDown inside a 200'],
  ])('%j at %s: %s', (settings, provider, summary) => {
    expect(faultOf(settings, provider)).toMatchObject({ summary });
  });

  it('has the code that an alias stands for', () => {
    expect(faultOf('InvalidCallback', 'aliyun-oss').code).toBe('CallbackFailed');
  });

  it('is in the list of fault kinds', () => {
    expect(FAULT_KINDS.map((kind) => kind.name)).toContain('error');
    for (const kind of FAULT_KINDS) expect(kind.summary).not.toBe('');
  });
});

describe('the facts of the request in an error document', () => {
  const preview = (method: string, code: string, headers: Record<string, string>) => {
    const facts = factsOf({ method, target: '/photos/a.jpg', headers, client: '' }, {}, requestSigns());
    return String(faultOf(code).preview?.(facts).body);
  };

  it('include the range', () => {
    const range = { range: 'bytes=900-' };
    expect(preview('GET', 'InvalidRange', range)).toContain('<RangeRequested>bytes=900-</RangeRequested>');
  });

  it('include the size of the object, and never of another body', () => {
    const length = { 'content-length': '4096' };
    expect(preview('PUT', 'EntityTooLarge', length)).toContain('<ProposedSize>4096</ProposedSize>');
    expect(preview('POST', 'EntityTooSmall', length)).not.toContain('ProposedSize');
  });
});
