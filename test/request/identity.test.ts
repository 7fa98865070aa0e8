import { expect, it } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { type Facts, factsOf } from '../../src/request/facts.ts';
import { drawIdentity, recordIdentity, replayIdentity, retryIdentity } from '../../src/request/identity.ts';

type Headers = Readonly<Record<string, string>>;

function request(line: string, headers: Headers = {}): Facts {
  const [method, target] = line.split(' ');
  const head = { method, target, headers: { host: 's3.test', ...headers }, client: '127.0.0.1' };
  return factsOf(head, { domains: ['s3.test'] }, requestSigns());
}

const IDENTITIES: Readonly<Record<string, (facts: Facts) => unknown>> = {
  draw: drawIdentity,
  retry: retryIdentity,
  replay: replayIdentity,
  record: recordIdentity,
};

const GET = 'GET /b/k';
const PART = 'PUT /b/k?partNumber=3&uploadId=u';
const LIST = 'GET /b?list-type=2&prefix=a';
type Head = readonly [line: string, headers?: Headers];

/** Two requests, and who takes them for the same one. */
const PAIRS: readonly (readonly [difference: string, one: Head, other: Head, same: string])[] = [
  ['no difference', [GET], [GET], 'draw retry replay record'],
  ['the date', [GET, { 'x-amz-date': '1' }], [GET, { 'x-amz-date': '2' }], 'draw retry replay record'],
  ['the signature of a URL', [`${GET}?Signature=a`], [`${GET}?Signature=b`], 'draw replay record'],
  [
    'the attempt, as the SDK counts it',
    [GET, { 'amz-sdk-request': 'attempt=1; max=3' }],
    [GET, { 'amz-sdk-request': 'attempt=2; max=3' }],
    'retry replay record',
  ],
  ['the upload id', [PART], [`${PART}2`], 'draw replay record'],
  ['the part', [PART], [PART.replace('3', '4')], ''],
  ['a part beyond the last there can be', [PART], [PART.replace('3', '9999999999')], ''],
  ['the range', [GET, { range: 'bytes=0-9' }], [GET, { range: 'bytes=10-19' }], ''],
  ['the prefix of a listing', [LIST], [`${LIST}b`], ''],
  ['the page of a listing', [LIST], [`${LIST}&continuation-token=t`], 'draw replay record'],
  ['the version', [`${GET}?versionId=1`], [`${GET}?versionId=2`], 'draw replay'],
  ['a condition', [GET], [GET, { 'if-none-match': '"e"' }], 'draw retry replay'],
  [
    'the entity tag of a condition',
    [GET, { 'if-match': '"e"' }],
    [GET, { 'if-match': '"f"' }],
    'draw retry replay record',
  ],
  ['the way a key is escaped', ['GET /b/a/k'], ['GET /b/a%2Fk'], 'draw replay record'],
  ['the place of the bucket', [GET], ['GET /k', { host: 'b.s3.test' }], 'draw replay record'],
  [
    'the host, and by it the bucket',
    ['GET /k', { host: 'b.s3.test' }],
    ['GET /k', { host: 'c.s3.test' }],
    '',
  ],
  ['the operation', [GET], ['HEAD /b/k'], ''],
  ['the method of no operation', ['PATCH /b/k'], ['REPORT /b/k'], 'draw'],
  ['the key', [GET], ['GET /b/l'], ''],
  ['the border of bucket and key', ['GET /a/bc'], ['GET /ab/c'], ''],
];

it.each(PAIRS)('%s: %j and %j are the same to "%s"', (_, one, other, same) => {
  const [left, right] = [request(...one), request(...other)];
  const names = Object.entries(IDENTITIES).flatMap(([name, identity]) =>
    JSON.stringify(identity(left)) === JSON.stringify(identity(right)) ? [name] : [],
  );
  expect(names.join(' ')).toBe(same);
});
