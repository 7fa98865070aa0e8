import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { type Found, findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { parseRules } from '../../src/rules/load.ts';
import { expectLinear, repeated } from '../support/linear.ts';

/** Marks and beginnings that shapes look for; a pattern that backs up over them would take hours. */
const PIECES = [
  'a',
  'A',
  'aB',
  'a.',
  'a_',
  '<',
  '<Error>',
  '<Error><Code>',
  '<Code>',
  '</Error>',
  '<a><b>',
  '<?xml ?>',
  '<Error ',
  '<Error><Code>SlowDown</Code></Error>',
  '\\',
  '\\n',
  '\\"',
  '\\u00',
  '&lt;Error',
  '&amp;',
  '?a=b&amp;',
  '[',
  '[a](b',
  '**a',
  '```\n',
  '\u001b[',
  '\u001b]',
  '\u0000',
  '“',
  '"code":"aB",',
  '{"code":"Ab"',
  '{',
  '(Service: S3; Status Code: 503;',
  'An error occurred (SlowDown) when calling the PutObject operation',
  'operation error S3: PutObject,',
  'status code: 503, request id: ',
  '\n    at x',
  '\n',
  ' ',
  '\t',
  'Error: ',
  'SlowDown: ',
  'SlowDown ',
  'S3Error: A: ',
  'Please reduce your request rate. ',
  'HTTP/1.1 503 Slow Down\n',
  '> GET / HTTP/1.1\n',
  'a: b\n',
  'ECONNRESET',
  'aborted',
  'i/o timeout ',
  'write: ',
  'connection ',
  'https://a/',
  'PUT https://b.s3.amazonaws.com/k?uploadId=a ',
  's3://b/k ',
  'retries: 1, ',
  '503 (SlowDown) ',
  '503 Slow Down: <Error>',
  'Error executing "PutObject" on "http://a"',
  'HTTP response code: 503\nRequest ID: a\n',
  'AWS Error SLOW_DOWN during PutObject operation: ',
  'DB::Exception: ',
  '[ErrorCode]: A',
  "{'status': 503, 'x-oss-request-id'",
  '-- ResponseCode: 403, ResponseStatus: ',
  'CommonMsg: {',
  'obs: service returned error: Status=403',
  'errorCode: A',
  'JSS API Error: RequestId: a Status Code: 503 Code: A Message: ',
  '$metadata: {',
  "'ResponseMetadata': {",
  "code: 'SlowDown' ",
  'app | x\n',
  '2024-03-02T11:05:09Z x\n',
  '> x\n',
  'client.PutObject: ',
  'putObject(',
  'Error status : 502.',
  'Error { code: "Ab"',
  'ErrorResponse(code = ',
  'oss: service returned error: StatusCode=503',
  'Error returned by Service.',
  'OssException: A: ',
  '<DeleteResult>',
  '<DeleteResult><Error>',
  '"GET /a HTTP/1.1" 503 Ab',
  '503 Server Error: ',
  'HTTP Error 503: A',
  '[obs://b/k',
  'status [403], error code [A], error message [',
  'Completing multipart upload on ',
  'upload part #1 on k: ',
  "key 'a' in bucket 'b': ",
  '; request: HEAD https://a ',
  '" a=',
  '<StringToSign>',
  '<Error><Code>A</Code><StringToSign>',
  '&token=',
  'Attempt 1/3 failed with ',
  'We encountered an internal error, please try again.',
];

const LENGTH = 64 * 1024;

/** Characters of a report that `brownout reproduce` reads. */
const LARGEST = 8 * 1024 ** 2;

/** What a rule file is, when it is read back. */
function load(found: Found, source = 'a report') {
  const text = ruleFile(found, source);
  const loaded = parseRules([{ name: 'x.yaml', text }]);
  expect('ok' in loaded ? [] : loaded.diagnostics.map(formatDiagnostic)).toEqual([]);
  return { text, value: parse(text) };
}

describe('a text that is hostile', () => {
  it.each(PIECES)('of %j, again and again, is read to its end', (piece) => {
    load(findErrors(piece.repeat(Math.ceil(LENGTH / piece.length))));
  });

  it.each([
    ['HTTP/1.1 503 x\n', 'a: b\n'],
    ['HTTP/1.1 503 x\n', 'Content-Length: 1\n'],
    ['', '<Error><Code>SlowDown</Code>'],
    ['', '<DeleteResult><Error>'],
    ['', '<Error><!--'],
    ['', 'PutObject( s3://abc/d status 503 SlowDown '],
    ['', 'HTTP/1.1 503 x\n\nGET / HTTP/1.1\n\n'],
    ['S3 operation failed; code: X', ', message: '],
    ['SlowDown: x', '\n at x'],
  ])('of %j and then %j is read in time that grows as its length does', (begin, piece) => {
    expectLinear(repeated(piece, begin), (text) => ruleFile(findErrors(text), 'a report'), LARGEST);
  });

  // Errors are compared with their neighbours, so cost grows faster than their number until a format has 2000 places,
  // which are all that is read of it. That comes to 0.4 s of a processor of 2 GHz, and does not grow from there on.
  it.each([
    'Error executing "PutObject" on "http://a"',
    'An error occurred (SlowDown) when calling the PutObject operation',
    'operation error S3: PutObject,',
  ])(
    'of %j is read to the places that are read of a format, and costs no more where there are more',
    (piece) => {
      const smallest = 4000 * piece.length;
      expectLinear(repeated(piece), (text) => ruleFile(findErrors(text), 'a report'), LARGEST, { smallest });
    },
  );

  it('with entities that multiply has them left as they are', () => {
    const bomb = `<!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><Error><Code>SlowDown</Code><Message>&b;&#65;&#1114112;&#xd800;</Message></Error>`;
    expect(findErrors(bomb).findings.map(({ message }) => message)).toEqual(['&b;A&#1114112;&#xd800;']);
  });

  it('with XML of a hundred thousand levels is no error document', () => {
    const deep = `<Error><Code>SlowDown</Code>${'<a>'.repeat(100_000)}`;
    const { value } = load(findErrors(deep));
    expect(value.rules).toEqual([{ fault: { error: 'SlowDown' } }]);
  });

  it('with JSON of a hundred thousand levels is read as text', () => {
    load(findErrors(`{"log": ${'{"a":'.repeat(100_000)}`));
    load(findErrors(`${'['.repeat(100_000)}{"code":"SlowDown","message":"m"}`));
  });

  it('with the colours of a terminal is read without them', () => {
    const text =
      '\u001b[1;31mERROR\u001b[0m S3 error: 503 \u001b]0;title\u0007(\u001b[4mSlowDown\u001b[m): Please reduce your request rate.';
    expect(findErrors(text).findings.map(({ code, status }) => [code, status])).toEqual([['SlowDown', 503]]);
  });
});

describe('what a report says cannot get out of its place', () => {
  const message = `m" '\n  - fault: { reset: headers }\r\n# x\u0085y\u2028z\u0007 *a &b !!js/function {c: d} %e --- ... : #`;
  const body = `<Error><Code>SlowDown</Code><Message>${message.replaceAll('&', '&amp;')}</Message><Key>k: [1]\n# no</Key><RequestId>#1\nrules:</RequestId></Error>`;

  it('not in a value', () => {
    const { value } = load(findErrors(`503 Slow Down: ${body}`));
    expect(Object.keys(value)).toEqual(['provider', 'rules']);
    expect(value.rules).toHaveLength(1);
    expect(value.rules[0].match).toEqual({ key: 'k: [1]\n# no' });
    expect(value.rules[0].fault.respond.body).toContain(
      '- fault: { reset: headers }\n# xyz *a &amp;b !!js/function',
    );
  });

  it('not in a comment', () => {
    const hostile = 'report\nrules: []\u0085x\u2028y\u0000\u001b[31m.txt';
    const { text, value } = load(
      findErrors(`upload: PUT https://b.s3.amazonaws.com/%0Arules:%20[]%00 failed: AccessDenied`),
      hostile,
    );
    expect(value.rules).toHaveLength(1);
    const controls = [...text].filter((sign) => sign !== '\n' && /[\p{Cc}\u2028\u2029]/u.test(sign));
    expect(controls).toEqual([]);
    expect(text).toContain('# Reproduces report rules: [] x y');
  });

  it('not in a header', () => {
    const dump = `HTTP/1.1 503 Slow\u0000 Down\nX-A: b\u0001\u007fc\nX-B: ${'d'.repeat(100_000)}\nbad name: x\n\nno`;
    const { value } = load(findErrors(dump));
    expect(value.rules[0].fault.respond).toMatchObject({
      status: 503,
      reason: 'Slow Down',
      headers: { 'X-A': 'bc' },
    });
  });

  it('and a mark of brownout, a cookie or a trailer is not answered', () => {
    const dump =
      'HTTP/1.1 503 Slow Down\nx-brownout-rule: r\nSet-Cookie: session=1\nTrailer: X-C\nX-D: 1\nX-D: 2\n\nbusy';
    const { value, text } = load(findErrors(dump));
    expect(value.rules[0].fault.respond.headers).toEqual({ 'X-D': ['1', '2'] });
    expect(text).toContain('left out of the headers: x-brownout-rule, Set-Cookie, Trailer');
  });

  it('and a header that is no property of an object is not answered', () => {
    const { value, text } = load(findErrors('HTTP/1.1 503 Slow Down\n__proto__: x\nconstructor: y\n\nbusy'));
    expect(value.rules[0].fault.respond.headers).toEqual({ constructor: 'y' });
    expect(text).toContain('left out of the headers: __proto__');
  });

  it.each([
    ['60', { 'Content-Length': '56' }, 'Content-Length: the text says 60 of a body that has 56 bytes'],
    ['40', { 'Content-Length': '56' }, 'Content-Length: the text says 40 of a body that has 56 bytes'],
    ['56', { 'Content-Length': '56' }, ''],
    ['5\nContent-Length: 6', undefined, 'left out of the headers: Content-Length'],
  ])(
    'and a length of %s takes nothing of a whole document, and adds nothing to it',
    (length, answered, note) => {
      const document = '<Error><Code>SlowDown</Code><Message>m</Message></Error>';
      const { value, text } = load(
        findErrors(
          `HTTP/1.1 503 Slow Down\nContent-Length: ${length}\n\n${document}\n* Connection #0 left intact`,
        ),
      );
      const { body, headers } = value.rules[0].fault.respond;
      expect(body).toBe(document);
      expect(headers).toEqual(answered);
      expect(text).toContain(note);
    },
  );

  it('and a code in a comment of a document is none', () => {
    const text = '<Error><!-- <Code>NoSuchKey</Code> --><Code>SlowDown</Code></Error>';
    expect(findErrors(text).findings.map(({ code }) => code)).toEqual(['SlowDown']);
  });

  it.each([
    ['of 1025 letters', 'k'.repeat(1025)],
    ['*', '*'],
    ['?', '?'],
    ['**/x', '**/x'],
  ])('a key %s makes a rule that loads', (_, key) => {
    load(findErrors(`<Error><Code>NoSuchKey</Code><Message>m</Message><Key>${key}</Key></Error>`));
  });
});

describe('reports with pieces cut out, doubled and put elsewhere', () => {
  const folder = 'test/fixtures/reports/';
  const files = readdirSync(folder).filter((name) => !name.endsWith('.yaml'));

  it.each(files)('%s, in 20 ways, still makes a rule file that loads', (name) => {
    const text = readFileSync(folder + name, 'utf8');
    let seed = text.length;
    const draw = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed % Math.max(1, below);
    };
    for (let way = 0; way < 20; way++) {
      let changed = text;
      for (let change = 0; change < 4; change++) {
        const [from, length, to] = [draw(changed.length), draw(60), draw(changed.length)];
        const piece = changed.slice(from, from + length);
        if (draw(2) === 0) changed = changed.slice(0, from) + changed.slice(from + length);
        changed =
          changed.slice(0, to) + (draw(3) === 0 ? PIECES[draw(PIECES.length)] : piece) + changed.slice(to);
      }
      load(findErrors(changed));
    }
  });
});
