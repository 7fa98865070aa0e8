import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/run-cli.ts';

const RULES = `provider: aws-s3
seed: 1
rules:
  - { name: deletes, match: { method: DELETE }, fault: { error: AccessDenied } }
  - { name: later, trigger: { after: 3 }, fault: { error: InternalError } }
  - { name: retries, match: { operation: UploadPart, attempt: 2, headers: { X-Client: 'up*' } }, fault: { error: { code: SlowDown, retryAfter: 2s } } }
  - { name: rest, fault: { error: NoSuchKey } }
`;

function rulesFile(text = RULES): string {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-explain-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'r.yaml');
  writeFileSync(file, text);
  return file;
}

it('each rule is explained, and the answer of the one that fires is shown', async () => {
  const file = rulesFile();
  const request = 'PUT /photos/a%20b?partNumber=3&uploadId=x';
  const headers = [
    '-H',
    'amz-sdk-request: attempt=2; max=3',
    '-H',
    'X-Client: uploader:1',
    '-H',
    'Host: s3.local:9000',
  ];
  const { code, stdout, stderr } = await runCli(['explain', file, request, ...headers]);
  expect([code, stderr]).toEqual([0, '']);
  const [facts, ...lines] = stdout.split('\n');
  expect(facts).toBe('UploadPart, bucket photos, key a b, part 3, attempt 2');
  expect(lines.slice(0, 8)).toEqual([
    `✗ deletes (${file}:4): method is PUT, rule wants DELETE`,
    '    DELETE requests: answers AccessDenied 403 before the body is read',
    `✗ later (${file}:5): request 1, fires from request 4 on`,
    '    every request, all after the first 3: answers InternalError 500 before the body is read',
    `✓ retries (${file}:6): it matches`,
    '    UploadPart with header X-Client like up* on attempt 2: answers SlowDown 503 before the body is read',
    `✗ rest (${file}:7): an earlier rule fired: retries`,
    '    every request: answers NoSuchKey 404 before the body is read',
  ]);
  const answer = lines.slice(9).join('\n');
  expect(answer).toMatch(/^answers SlowDown 503 before the body is read\n\nHTTP\/1\.1 503 .+\n/);
  expect(answer).toMatch(/^Retry-After: 2$/m);
  expect(answer).toMatch(/^x-brownout-rule: retries\nx-brownout-fault: error\n$/m);
  expect(answer).toMatch(/<RequestId>.{10}FA11ED<\/RequestId>/);
  expect(answer).toMatch(/\n\n<\?xml .*<Code>SlowDown<\/Code>.*<\/Error>/s);
});

it('the answer of an error inside a 200 is shown without a length, as it is sent', async () => {
  const rules =
    'provider: huawei-obs\nrules: [{ name: 慢, fault: { delay: 1s, error: { code: InternalError, at: embedded } } }]';
  const { stdout } = await runCli(['explain', rulesFile(rules), 'GET /b/k']);
  expect(stdout).toContain('waits 1s\nanswers InternalError inside a 200\n\nHTTP/1.1 200 OK\n');
  expect(stdout).not.toMatch(/content-length/i);
  expect(stdout).toContain('x-brownout-rule: %E6%85%A2\nx-brownout-fault: delay+error\n');
});

it('a request that no rule fires on is forwarded', async () => {
  const file = rulesFile(RULES.replace(/.*name: rest.*\n/, ''));
  const { code, stdout } = await runCli(['explain', file, 'GET /photos/a']);
  expect(code).toBe(0);
  expect(stdout).not.toContain('✓');
  expect(stdout).toMatch(/\n\nno rule fires: the request is forwarded\n$/);
});

it('the addressing flags decide which bucket is meant', async () => {
  const file = rulesFile();
  const facts = async (...args: string[]) =>
    (await runCli(['explain', file, 'GET /a/b', '-H', 'Host: photos.s3.local', ...args])).stdout.split(
      '\n',
    )[0];
  expect(await facts()).toBe('GetObject, bucket a, key b');
  expect(await facts('--domain', 's3.local')).toBe('GetObject, bucket photos, key a/b');
  expect(await facts('--domain', 's3.local', '--path-style')).toBe('GetObject, bucket a, key b');
  expect(await facts('--cname', 'photos.s3.local=films')).toBe('GetObject, bucket films, key a/b');
});

it('flags are read from the same variables as those of serve', async () => {
  const file = rulesFile('rules: [{ trigger: { probability: 0.5 }, fault: { error: InvalidCallback } }]\n');
  const request = ['explain', file, 'GET /a/b', '-H', 'Host: photos.s3.local'];
  const said = async (env: NodeJS.ProcessEnv) =>
    (await runCli(request, { BROWNOUT_PROVIDER: 'jd-jss', ...env })).stdout;
  expect(await said({ BROWNOUT_DOMAIN: 's3.local' })).toMatch(/^GetObject, bucket photos, key a\/b\n/);
  expect(await said({ BROWNOUT_CNAME: 'photos.s3.local=films' })).toMatch(
    /^GetObject, bucket films, key a\/b\n/,
  );
  const flagged = (await runCli([...request, '--seed', '7', '--provider', 'jd-jss'])).stdout;
  const seven = await said({ BROWNOUT_SEED: '7' });
  expect(seven.split('\n')[1]).toBe(flagged.split('\n')[1]);
  expect(seven).toMatch(/drew/);
});

it('unusual methods and repeated headers are understood', async () => {
  const file = rulesFile(
    'provider: aws-s3\nrules: [{ match: { headers: { X-Tag: "a, b", host: one } }, fault: { error: SlowDown } }]\n',
  );
  const headers = ['-H', 'X-Tag: a', '-H', 'x-tag: b', '-H', 'Host: one', '-H', 'Host: two'];
  const { stdout } = await runCli(['explain', file, 'mkcol-2 /b/k', ...headers]);
  expect(stdout).toContain('✓ r#1');
});

it('the same seed always draws the same number', async () => {
  const file = rulesFile(
    RULES.replace(/rules:.*/s, 'rules: [{ trigger: { probability: 0.5 }, fault: { error: SlowDown } }]\n'),
  );
  const drawn = async (seed: string) =>
    /drew (0\.\d+)/.exec((await runCli(['explain', file, 'GET /b/k', '--seed', seed])).stdout)?.[1];
  const one = await drawn('1');
  expect(one).toMatch(/^0\.\d+$/);
  expect(await drawn('1')).toBe(one);
  expect(await drawn('2')).not.toBe(one);
});

it('bad rules are reported with exit code 1', async () => {
  const file = rulesFile('provider: aws-s3\nrules: [{ fault: { error: SlowDwon } }]\n');
  const { code, stdout, stderr } = await runCli(['explain', file, 'GET /b/k']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(
    `${file}:2:27: aws-s3 documents no code "SlowDwon". did you mean "SlowDown"? [unknown-code]`,
  );
});
