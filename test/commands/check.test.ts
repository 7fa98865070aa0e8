import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';

const ERR = 'test/fixtures/rules/err';
const golden = (name: string) =>
  readFileSync(new URL(`../fixtures/rules/err/${name}.out`, import.meta.url), 'utf8');

it('good files are counted', async () => {
  expect(await runCli(['check', 'rules/slow-down.yaml'])).toEqual({
    code: 0,
    stdout: '1 rule in 1 file: no problems\n',
    stderr: '',
  });
  expect(await runCli(['check', 'rules/slow-down.yaml', 'rules/traffic-limit-oss.yaml'])).toMatchObject({
    code: 0,
    stdout: '3 rules in 2 files: no problems\n',
  });
});

it('files without rules are reported to forward every request', async () => {
  expect(await runCli(['check', 'test/fixtures/rules/ok/no-rules-yet.yaml'])).toEqual({
    code: 0,
    stdout: '0 rules in 1 file: no problems, and every request is forwarded\n',
    stderr: '',
  });
});

it('all files of a folder are checked', async () => {
  const { code, stdout } = await runCli(['check', 'rules']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+ rules in \d\d files: no problems\n$/);
});

it('all problems of all files are printed to standard error, with exit code 1', async () => {
  const { code, stdout, stderr } = await runCli([
    'check',
    `${ERR}/unknown-code.yaml`,
    'rules/slow-down.yaml',
    `${ERR}/unknown-key.yaml`,
    'no/such.yaml',
  ]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(
    golden('unknown-code')
      .trimEnd()
      .replace(/^unknown-code/gm, `${ERR}/unknown-code`),
  );
  expect(stderr).toContain(
    golden('unknown-key')
      .trimEnd()
      .replace(/^unknown-key/gm, `${ERR}/unknown-key`),
  );
  expect(stderr).toContain('no/such.yaml: there is no such file or folder');
});

it('--provider is for rules that name none', async () => {
  const file = 'test/fixtures/rules/err/no-provider.yaml';
  expect((await runCli(['check', file])).code).toBe(1);
  expect(await runCli(['check', '--provider', 'aws-s3', file])).toMatchObject({ code: 0, stderr: '' });
});

it('the provider of rules that name none can be a variable', async () => {
  const fixture = `${ERR}/no-provider.yaml`;
  const { stderr } = await runCli(['check', fixture], { BROWNOUT_PROVIDER: 'aws-s3' });
  expect(stderr).not.toContain('no provider is set');
});

it('--verbose says each rule in one sentence', async () => {
  expect(await runCli(['check', '--verbose', 'rules/slow-down.yaml'])).toEqual({
    code: 0,
    stdout: `part uploads are throttled (rules/slow-down.yaml:8): UploadPart or UploadPartCopy, three in ten: answers SlowDown 503 before the body is read
1 rule in 1 file: no problems
`,
    stderr: '',
  });
});

it('--json prints the same for programs', async () => {
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['check', '--json', ...args]);
    return { code, stderr, report: JSON.parse(stdout) };
  };
  expect(await json('rules')).toEqual({ code: 0, stderr: '', report: { ok: true, diagnostics: [] } });
  expect(await json('--verbose', 'rules/slow-down.yaml')).toMatchObject({
    report: {
      ok: true,
      rules: [
        {
          file: 'rules/slow-down.yaml',
          line: 8,
          name: 'part uploads are throttled',
          sentence: expect.stringMatching(/^UploadPart/),
        },
      ],
    },
  });
  expect(await json('no/such.yaml')).toEqual({
    code: 1,
    stderr: '',
    report: {
      ok: false,
      diagnostics: [
        { file: 'no/such.yaml', kind: 'bad-file', message: 'there is no such file or folder', excerpt: [] },
      ],
    },
  });
});

it('--json with a wrong command line exits with 2', async () => {
  const { code, stdout } = await runCli(['check', '--json', '--provider', 'azure', 'rules']);
  expect([code, stdout]).toEqual([2, '']);
});
