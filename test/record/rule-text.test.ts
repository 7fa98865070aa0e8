import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { writeRule } from '../../src/record/rule-text.ts';
import type { UpstreamError } from '../../src/record/upstream-error.ts';
import { factsOf } from '../../src/request/facts.ts';
import { decide } from '../../src/rules/decide.ts';
import { loadRules } from '../../src/rules/load.ts';
import { temporaryFolder } from './recorded.ts';

function seen(rest: Partial<UpstreamError>, target = '/b/k', method = 'GET', headers = {}): UpstreamError {
  return {
    facts: factsOf({ method, target, headers, client: undefined }, {}, requestSigns()),
    requestHeaders: [],
    time: new Date('2026-11-20T07:15:02.114Z'),
    provider: 'aws-s3',
    status: 404,
    reason: 'Not Found',
    headers: [],
    hasTrailers: false,
    body: Buffer.alloc(0),
    injected: undefined,
    ...rest,
  };
}

/** Writes and loads the rule of an error, and returns the answer that the rule gives to the same request. */
async function replayed(folder: string, recorded: UpstreamError) {
  const { text, body } = writeRule(recorded, 'r');
  writeFileSync(join(folder, 'r.yaml'), text);
  if (body) writeFileSync(join(folder, 'r.body'), body);
  const loaded = await loadRules([join(folder, 'r.yaml')]);
  if (!('ok' in loaded)) throw new Error(`${loaded.diagnostics.map(formatDiagnostic).join('\n')}\n${text}`);
  const { fired } = decide(loaded.ok, recorded.facts, 0);
  const answer = fired?.rule.faults[0]?.preview?.(recorded.facts);
  if (!answer) throw new Error(`the rule does not fire:\n${text}`);
  return { ...answer, text, inFile: body !== undefined };
}

const NASTY = [
  'a',
  'é',
  '慢',
  '🪣',
  '\ufeff',
  '\u2028',
  '\u0085',
  '\0',
  '\u001b',
  '\r',
  '\n',
  '\r\n',
  '\n\n',
  ' ',
  '  ',
  '\t',
  '#',
  ' #',
  ': ',
  '- ',
  '---\n',
  '...',
  '%',
  '!',
  '&',
  '*',
  '|',
  '>',
  "'",
  '"',
  '\\',
  '\\n',
  '{',
  '}',
  '[',
  ']',
  ',',
  '<Error>',
  '<Code>NoSuchKey</Code>',
  '?',
  '0x1',
  'null',
  '~',
  'true',
  '1e3',
  '__proto__',
];

/** The same texts in every run. */
function* texts(count: number): Generator<string> {
  let state = 1;
  const next = (below: number) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  for (let i = 0; i < count; i++)
    yield Array.from({ length: next(9) }, () => NASTY[next(NASTY.length)]).join('');
}

it('a body of any bytes is repeated exactly', async () => {
  const folder = await temporaryFolder();
  for (const text of texts(400)) {
    const body = Buffer.from(text);
    const headers = ['Content-Length', String(body.length)];
    expect((await replayed(folder, seen({ body, headers }))).body.toString(), JSON.stringify(text)).toBe(
      text,
    );
  }
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const binary = await replayed(folder, seen({ body: bytes, headers: [] }));
  expect([binary.body.equals(bytes), binary.inFile]).toEqual([true, true]);
  const long = Buffer.from('<p>x</p>\r\n'.repeat(10_000));
  expect((await replayed(folder, seen({ body: long }))).body.equals(long)).toBe(true);
}, 60_000);

it('names, keys, queries and values of any characters are repeated exactly', async () => {
  const folder = await temporaryFolder();
  for (const text of texts(400)) {
    const escaped = encodeURIComponent(text);
    const target = `/b${escaped}/k${escaped}?versionId=${escaped}&prefix=${escaped}`;
    const value = Buffer.from(text.replace(/\p{Cc}/gu, '').trim()).toString('latin1');
    const headers = [
      'X-A',
      value,
      'x-a',
      'b',
      '12',
      'c',
      'true',
      'd',
      '__proto__',
      'e',
      'X-A',
      'f',
      'Content-Length',
      '0',
    ];
    const answer = await replayed(folder, seen({ headers, reason: value }, target));
    expect(answer.headers, JSON.stringify(text)).toEqual(headers);
    expect(answer.reason).toBe(value);
  }
}, 60_000);

it('the file is easy to read and change', () => {
  const body = Buffer.from('<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>\n');
  const headers = ['Server', 'x', 'Content-Length', String(body.length), 'X-A', 'one', 'X-A', 'two'];
  const conditional = { 'if-none-match': '"e"', range: 'bytes=0-1' };
  const { text } = writeRule(
    seen({ body, headers }, '/b/a*b?partNumber=3&uploadId=u', 'PUT', conditional),
    'name-1',
  );
  expect(text).toBe(`# Recorded 2026-11-20T07:15:02.114Z, a real answer of the upstream to
#   PUT /b/a*b?partNumber=3&uploadId=u
# To have it given again, byte for byte:
#   brownout serve --upstream memory: --stealth --rules name-1.yaml

provider: aws-s3
rules:
  - match:
      operation: UploadPart
      bucket: b
      key: a?b
      part: 3
      headers: { range: bytes=0-1, if-none-match: true }
    fault:
      respond:
        status: 404
        reason: Not Found
        headers:
          Server: x
          Content-Length: "60"
          X-A:
            - one
            - two
        body: |
          <?xml version="1.0"?>
          <Error><Code>NoSuchKey</Code></Error>
`);
});

it('a request without an operation is matched by method and path', async () => {
  const folder = await temporaryFolder();
  const { text } = await replayed(folder, seen({}, '/b/k%2F?x', 'PATCH'));
  expect(text).toContain('operation: Unknown\n      method: PATCH\n      path: /b/k/\n');
  expect((await replayed(folder, seen({}, '*', 'REPORT'))).text).not.toContain('method:');
});

it('headers of the connection are left out, also those that it names, and chunked bodies stay chunked', async () => {
  const folder = await temporaryFolder();
  const headers = [
    'Connection',
    'close, X-Hop',
    'A',
    '1',
    'X-Hop',
    '1',
    'transfer-encoding',
    'chunked',
    'Keep-Alive',
    'x',
    'Trailer',
    'T',
    'B',
    '2',
  ];
  const body = Buffer.from('no');
  const chunked = await replayed(folder, seen({ headers, body, hasTrailers: true }));
  expect(chunked.headers).toEqual(['A', '1', 'transfer-encoding', 'chunked', 'B', '2']);
  expect(chunked.text).toContain('# The trailers behind its body are left out.\n');
  const bare = [seen({ headers, status: 304 }), seen({ headers }, '/b/k', 'HEAD')];
  for (const each of bare) expect((await replayed(folder, each)).headers).toEqual(['A', '1', 'B', '2']);
});

it('an answer without its recorded body has Content-Length 0', async () => {
  const folder = await temporaryFolder();
  const headers = ['Content-Length', '9999999'];
  const large = await replayed(folder, seen({ headers, body: undefined }));
  expect([large.headers, large.body.length]).toEqual([['Content-Length', '0'], 0]);
  expect(large.text).toContain('# Its body is left out: it is larger than 1MiB.\n');
  const zipped = await replayed(
    folder,
    seen({ headers: ['Content-Encoding', 'gzip'], body: Buffer.from('x') }),
  );
  expect(zipped.text).toContain(
    '# Its body is left out: it is encoded (gzip), and secrets could not be told in it.\n',
  );
  const head = await replayed(folder, seen({ headers, body: Buffer.alloc(0) }, '/b/k', 'HEAD'));
  expect(head.headers).toEqual(headers);
});

it('the file names the secrets that were removed, and a fault that may be the reason of the error', () => {
  const body = Buffer.from('<Error><StringToSign>AWS4</StringToSign></Error>');
  const headers = ['Set-Cookie', 'a=b'];
  const { text } = writeRule(seen({ body, headers, injected: 'corrupt' }, '/b/k?Signature=abc\u007f'), 'r');
  expect(text).toContain('#   GET /b/k?Signature=XXX?\n');
  expect(text).toContain('# Secrets taken out, an X for each letter or digit: StringToSign, Set-Cookie.\n');
  expect(text).toContain('# The rule that fired injected corrupt, which may be why.\n');
});

it('no secret stays in the key of a URL that was encoded twice, nor in a reason phrase', () => {
  const target = '/b/k%3FX-Amz-Credential=AKIAEXAMPLE%26X-Amz-Signature=0123456789abcdef';
  const { text } = writeRule(seen({ reason: 'bad token=AQoDSECRET' }, target), 'r');
  expect(text).not.toMatch(/AKIAEXAMPLE|0123456789abcdef|AQoDSECRET/);
  expect(text).toMatch(/key: k\?X-Amz-Credential=[?X]{11}&X-Amz-Signature=\?{16}\n/);
});
