import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/run-cli.ts';

const REPORT = 'test/fixtures/reports/oss-xml-CallbackFailed.txt';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'brownout-reproduce-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Runs the command with this text on standard input, in pieces. */
const piped = (args: readonly string[], ...pieces: (string | Buffer)[]) =>
  runCli(['reproduce', ...args], {}, pieces);

describe('brownout reproduce', () => {
  it('writes a rule file that check and explain understand', async () => {
    const { code, stdout, stderr } = await runCli(['reproduce', REPORT]);
    expect([code, stderr]).toEqual([0, '']);
    const [schema, title] = stdout.split('\n');
    expect(schema).toBe('# yaml-language-server: $schema=../schema/rules.schema.json');
    expect(title).toBe('# Reproduces oss-xml-CallbackFailed.txt.');
    const file = join(folder(), 'ticket-1234.yaml');
    writeFileSync(file, stdout);
    expect(await runCli(['check', file])).toMatchObject({
      code: 0,
      stdout: '1 rule in 1 file: no problems\n',
    });
    const explained = await runCli([
      'explain',
      file,
      'PUT /bucket-a/k',
      '-H',
      'Host: oss-cn-hangzhou.aliyuncs.com',
    ]);
    expect(explained.stdout).toContain('HTTP/1.1 203 Non-Authoritative Information');
    expect(explained.stdout).toContain('x-oss-request-id: 65E2F0A10123456789ABCDEF');
  });

  it('keeps the Chinese texts of the catalog', async () => {
    const { stdout } = await runCli(['reproduce', REPORT]);
    expect(stdout).toContain('# 处理: 请参见上传回调错误及排除。');
  });

  it('reads standard input', async () => {
    const { code, stdout } = await piped(['-'], 'upload of a failed: NoSu', 'chUpload\n');
    expect(code).toBe(0);
    expect(stdout).toContain('# Reproduces standard input.');
    expect(stdout).toContain('error: NoSuchUpload');
  });

  it('takes the provider, the operation and the status from its flags', async () => {
    const flags = ['--provider', 'huawei-obs', '--operation', 'CopyPart', '--status', '409'];
    const { stdout } = await piped(flags, 'NoSuchUpload');
    expect(stdout).toMatch(/^provider: huawei-obs$/m);
    expect(stdout).toContain('operation: UploadPartCopy');
    expect(stdout).toContain('status: 409');
    expect(stdout).not.toContain('assumed');
  });

  it('--json prints the findings', async () => {
    const { stdout } = await runCli(['reproduce', REPORT, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [
        {
          provider: 'aliyun-oss',
          code: 'CallbackFailed',
          status: 203,
          stored: true,
          requestId: '65E2F0A10123456789ABCDEF',
          time: '2024-03-02T09:25:53.000Z',
          lines: [1, 7],
          fault: { error: { code: 'CallbackFailed' } },
        },
      ],
    });
  });

  it('says what it looked for if it finds nothing', async () => {
    const { code, stdout, stderr } = await piped([], 'all is well');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^error: standard input has no error of an object store that brownout can read\. looked for: HTTP messages \(curl -v, mc --debug, HAR\); DeleteResult with errors; XML document; /,
    );
  });

  it('writes nothing if no rule can be made, and says what it saw and why', async () => {
    const unknown = await piped(
      [],
      'An error occurred (OurOwnCode) when calling the PutObject operation: no',
    );
    expect([unknown.code, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toBe(
      'error: standard input has no error of an object store that brownout can make a rule of.\nseen in line 1: OurOwnCode, but what to answer is not known: the status is not in the text, and aws-s3 documents no OurOwnCode; --status settles it\n',
    );
    const settled = await piped(
      ['--status', '418'],
      'An error occurred (OurOwnCode) when calling the PutObject operation: no',
    );
    expect([settled.code, settled.stderr]).toEqual([0, '']);
    const json = await piped(['--json'], 'npm ERR! code ECONNRESET');
    expect([json.code, json.stdout]).toEqual([1, '']);
    expect(json.stderr).toContain(
      '\nseen in line 1: a connection that was reset before the answer, but nothing',
    );
  });

  it('reads UTF-16, as Windows writes it', async () => {
    const { stdout } = await piped([], Buffer.from('\ufeffS3 error: 503 (SlowDown): x', 'utf16le'));
    expect(stdout).toContain('code: SlowDown');
  });

  it('reads 8 MiB of 100 MB, and reports it', async () => {
    const megabytes = Array.from({ length: 100 }, () => Buffer.alloc(1_000_000, 'INFO all is well\n'));
    const { code, stdout } = await piped([], 'ERROR: S3 error: 503 (SlowDown): x\n', ...megabytes);
    expect(code).toBe(0);
    expect(stdout).toContain('# Only the first 8MiB of it were read.');
    expect(stdout).toContain('code: SlowDown');
    const nothing = await piped([], ...megabytes);
    expect(nothing.code).toBe(1);
    expect(nothing.stderr).toContain('brownout can read. Only the first 8MiB of it were read. looked for: ');
  });

  it.each<[readonly string[], number, string]>([
    [['no/such.txt'], 1, 'error: "no/such.txt" cannot be read: ENOENT'],
    [['test'], 1, 'error: "test" cannot be read: EISDIR'],
    [[REPORT, '--status', '99'], 2, "argument '99' is invalid. A status is a number from 200 to 599."],
    [[REPORT, '--operation', 'UplodPart'], 2, 'unknown operation "UplodPart". did you mean "UploadPart"?'],
    [[REPORT, '--provider', 'aws'], 2, 'unknown provider "aws". did you mean "aws-s3"?'],
    [[REPORT, REPORT], 2, "error: too many arguments for 'reproduce'"],
  ])('%j is refused with a sentence', async (args, code, sentence) => {
    const run = await runCli(['reproduce', ...args]);
    expect([run.code, run.stdout]).toEqual([code, '']);
    expect(run.stderr).toContain(sentence);
  });
});
