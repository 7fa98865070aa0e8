import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeRule } from '../../src/rules/describe-rule.ts';
import { loadRules } from '../../src/rules/load.ts';
import { rulesOf } from './rule-set.ts';

/** Describes one rule with these settings, in YAML. */
function sentenceOf(settings: string): string {
  const [rule] = rulesOf(`rules: [{ ${settings} }]`).rules;
  return rule ? describeRule(rule) : '';
}

const ANSWERS = 'answers SlowDown 503 before the body is read';

describe('the sentence of a rule', () => {
  it.each([
    ['', 'every request'],
    ['operation: UploadPart', 'UploadPart'],
    ['operation: [UploadPart, UploadPartCopy]', 'UploadPart or UploadPartCopy'],
    ['operation: InitiateMultipartUpload', 'CreateMultipartUpload'],
    ['method: PUT', 'PUT requests'],
    ['method: [PUT, POST], key: a/b', 'PUT or POST requests for key a/b'],
    ['operation: PutObject, method: PUT', 'PutObject by PUT'],
    ['operation: UploadPart, key: "backups/**"', 'UploadPart of keys like backups/**'],
    ['key: ["a/**", b, c]', 'requests for keys like a/**, b or c'],
    ['key: "**"', 'requests for any key'],
    ['key: [a, b, c, d]', 'requests for key a, b, c or d'],
    ['key: [a, b, c, d, e]', 'requests for key a, b, c or 2 more'],
    [`key: ${'k'.repeat(100)}`, `requests for key ${'k'.repeat(80)}…`],
    ['path: /b/k, key: k', 'requests for key k and path /b/k'],
    ['bucket: photos', 'requests in bucket photos'],
    ['operation: GetObject, bucket: "photos-*", key: k', 'GetObject of key k in buckets like photos-*'],
    ['part: 3', 'requests with part number 3'],
    ['part: ["1-3", "7-"]', 'requests with part numbers 1 to 3 or 7 or more'],
    ['part: "3-"', 'requests with part number 3 or more'],
    ['size: ">= 5MiB"', 'requests with a size of 5MiB or more'],
    ['size: ["< 1KiB", "> 1GiB"]', 'requests with a size of less than 1KiB or more than 1GiB'],
    ['size: ["<= 1KiB", 5242881]', 'requests with a size of 1KiB or less or exactly 5242881 bytes'],
    ['callback: true', 'requests with a callback'],
    ['callback: false', 'requests without a callback'],
    [
      'query: { acl: true, versionId: false }',
      'requests with query parameter acl without query parameter versionId',
    ],
    ['query: { list-type: 2 }', 'requests with query parameter list-type=2'],
    ['headers: { User-Agent: "aws-*" }', 'requests with header User-Agent like aws-*'],
    [
      'headers: { x-a: 1, x-b: [2, 3], x-c: true }',
      'requests with header x-a: 1, header x-b: 2 or 3 and header x-c',
    ],
    ['accessKey: AKIA1', 'requests signed by access key AKIA1'],
    ['accessKey: "AKIA*"', 'requests signed by access keys like AKIA*'],
    ['client: [10.0.0.0/8, "::1"]', 'requests from 10.0.0.0/8 or ::1'],
    ['attempt: 1', 'requests on attempt 1'],
    ['attempt: "2-"', 'requests on attempt 2 or later'],
    ['operation: PutObject, attempt: "1-2"', 'PutObject on attempts 1 to 2'],
    ['key: "a\\eb"', 'requests for key a�b'],
  ])('says which requests: { %s }', (match, expected) => {
    expect(sentenceOf(`match: { ${match} }, fault: { error: SlowDown }`)).toBe(`${expected}: ${ANSWERS}`);
  });

  it.each([
    ['', ''],
    ['probability: 1', ''],
    ['probability: 0', ', never'],
    ['probability: 0.5', ', half of them'],
    ['probability: 0.1', ', one in ten'],
    ['probability: 0.2', ', one in five'],
    ['probability: 0.25', ', one in four'],
    ['probability: 0.3', ', three in ten'],
    ['probability: 0.75', ', three in four'],
    ['probability: 0.9', ', nine in ten'],
    ['probability: 0.03', ', 3 in 100'],
    ['probability: 0.333', ', 333 in 1000'],
    ['probability: 0.05', ', one in 20'],
    ['probability: 0.01', ', one in 100'],
    ['probability: 0.0001', ', one in 10000'],
    ['probability: 0.99999', ', 99999 in 100000'],
    ['probability: 0.12345678901', ', 12.345678901% of them'],
    ['first: 1', ', the first'],
    ['first: 2', ', the first 2'],
    ['first: 2, per: key', ', the first 2 of each key'],
    ['after: 1', ', all after the first'],
    ['after: 3, per: client', ', all after the first 3 of each client'],
    ['after: 3, first: 1', ', the 4th'],
    ['after: 3, first: 2', ', the 2 after the first 3'],
    ['every: 1', ''],
    ['every: 2', ', every 2nd'],
    ['every: 3, per: accessKey', ', every 3rd of each access key'],
    ['every: 11, after: 1', ', every 11th after the first'],
    ['every: 21, first: 42', ', every 21st of the first 42'],
    ['every: 2, after: 3, first: 4', ', every 2nd of the 4 after the first 3'],
    ['limit: 1', ', at most once'],
    ['limit: 5, per: bucket', ', at most 5 times for each bucket'],
    ['window: {}', ''],
    ['window: { for: 30s }', ', for the first 30s'],
    ['window: { from: 1m }', ', from 1m after the rules were loaded'],
    ['window: { from: 1m, for: 30s }', ', for 30s from 1m after the rules were loaded'],
    ['window: { for: 30s, every: 5m }', ', for 30s of every 5m'],
    [
      'window: { from: 1m, for: 30s, every: 5m }',
      ', for 30s of every 5m from 1m after the rules were loaded',
    ],
    [
      'first: 2, per: key, window: { for: 30s, every: 5m }, probability: 0.1, limit: 3',
      ', the first 2 of each key, for 30s of every 5m, one in ten, at most 3 times for each key',
    ],
  ])('says when: { %s }', (trigger, expected) => {
    expect(sentenceOf(`trigger: { ${trigger} }, fault: { error: SlowDown }`)).toBe(
      `every request${expected}: ${ANSWERS}`,
    );
  });

  it.each([
    ['error: SlowDown', ANSWERS],
    ['error: { code: SlowDown, status: 429 }', 'answers SlowDown 429 before the body is read'],
    ['error: { code: SlowDown, at: "body:25%" }', 'answers SlowDown 503 at 25% of the upload'],
    ['error: { code: SlowDown, at: "body:5MiB" }', 'answers SlowDown 503 after 5MiB of the upload'],
    ['error: { code: SlowDown, at: "body:end" }', 'answers SlowDown 503 at the end of the upload'],
    ['error: { code: SlowDown, at: commit }', 'answers SlowDown 503 after the upstream has succeeded'],
    ['error: { code: SlowDown, at: embedded }', 'answers SlowDown inside a 200'],
    ['error: { code: SlowDown, after: 2s }', 'answers SlowDown 503 after 2s in which nothing is read'],
    ['error: RequestTimeout', 'answers RequestTimeout 400 after 1s in which nothing is read'],
    [
      'error: { code: RequestTimeout, at: "body:50%" }',
      'answers RequestTimeout 400 at 50% of the upload, after 1s in which nothing is read',
    ],
    ['respond: { status: 502 }', 'answers 502 Bad Gateway before the body is read'],
    ['respond: { status: 299, at: commit }', 'answers 299 after the upstream has succeeded'],
    ['delay: 200ms', 'waits 200ms'],
    ['delay: { for: 1s, at: commit }', 'waits 1s before the answer is passed on'],
    ['delay: { min: 1s, max: 2s }', 'waits 1s to 2s'],
    ['delay: { median: 80ms, p99: 2s }', 'waits around 80ms (99 in 100 times less than 2s)'],
    ['throttle: 64KiB', 'lets 64KiB per second pass'],
    ['throttle: { upload: 1KiB, download: 1MiB }', 'lets 1KiB per second up and 1MiB per second down pass'],
    ['stall: headers', 'stalls before the request is forwarded until the client leaves'],
    ['stall: { at: "response:1MiB", for: 30s }', 'stalls after 1MiB of the download for 30s'],
    ['duplicate: true', 'sends the request to the upstream twice and passes on the second answer'],
    ['duplicate: { relay: first }', 'sends the request to the upstream twice and passes on the first answer'],
    [
      'partial: { share: 0.07 }',
      'answers InternalError for 7% of the keys although the upstream deletes them',
    ],
    [
      'partial: { keys: ["a/*", b], count: 2, code: AccessDenied }',
      'answers AccessDenied for the first 2 of the keys like a/* or b although the upstream deletes them',
    ],
    ['partial: { keys: a }', 'answers InternalError for the keys a although the upstream deletes them'],
    ['reset: commit', 'resets the connection after the upstream has answered'],
    ['reset: { at: "response:50%", with: fin }', 'closes the connection at 50% of the download'],
    ['truncate: 50%', 'cuts the download off at 50% and closes the connection'],
    [
      'truncate: { at: response:end, end: rst }',
      'cuts the download off at the end and resets the connection',
    ],
    [
      'truncate: { at: response:1KiB, length: sent }',
      'cuts the download off after 1KiB and passes it off as whole',
    ],
    ['corrupt: download', 'flips a byte of the download'],
    ['corrupt: { bytes: 3, at: "body:5MiB" }', 'flips 3 bytes after 5MiB of the upload'],
    ['corrupt: { header: etag }', 'falsifies the ETag of the answer'],
    ['corrupt: { header: checksum }', 'falsifies the checksum of the answer'],
    ['delay: 200ms, error: SlowDown', `waits 200ms, then ${ANSWERS}`],
    [
      'delay: { for: 1s, at: commit }, error: { code: SlowDown, at: commit }',
      'waits 1s before the answer is passed on, then answers SlowDown 503 after the upstream has succeeded',
    ],
    [
      'delay: { for: 1s, at: commit }, duplicate: true',
      'sends the request to the upstream twice and passes on the second answer, then waits 1s before the answer is passed on',
    ],
    [
      'stall: { at: "response:25%", for: 1s }, throttle: 1MiB, corrupt: upload',
      'lets 1MiB per second pass, then flips a byte of the upload, then stalls at 25% of the download for 1s',
    ],
  ])('says what the faults do: { %s }', (fault, expected) => {
    expect(sentenceOf(`fault: { ${fault} }`)).toBe(`every request: ${expected}`);
  });

  it('says that a rule without faults forwards the request', () => {
    const [rule] = rulesOf('rules: [{ fault: { error: SlowDown } }]').rules;
    expect(rule && describeRule({ ...rule, faults: [] })).toBe('every request: forwards the request');
  });
});

it('the ready-made rules have the sentences of the golden file', async () => {
  const loaded = await loadRules(readdirSync('rules').map((name) => `rules/${name}`));
  if ('diagnostics' in loaded) throw new Error('they do not load');
  const lines = loaded.ok.rules.map((rule) => `${rule.place}\n  ${describeRule(rule)}\n`);
  await expect(lines.join('')).toMatchFileSnapshot('../fixtures/rules/ready-made.out');
});
