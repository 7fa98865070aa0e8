import { describe, expect, it } from 'vitest';
import { loadProvider, providerNames } from '../../src/catalog/catalog.ts';
import { runCli } from '../support/run-cli.ts';

describe('brownout catalog', () => {
  it('has a line for each documented error of each provider', async () => {
    const { code, stdout, stderr } = await runCli(['catalog']);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    const titles = providerNames().map((name) => `${name} (${loadProvider(name).title})`);
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual(titles);
    const rows = providerNames().reduce((sum, name) => sum + loadProvider(name).entries.length, 0);
    expect(lines.filter((line) => /^ {2}\d{3} \S+(?: \(\S+\))?:/.test(line))).toHaveLength(rows);
    expect(lines).toContain('  503 SlowDown (general): Please reduce your request rate.');
  });

  it('--provider leaves the other providers out', async () => {
    const { stdout } = await runCli(['catalog', '--provider', 'jd-jss']);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1 + loadProvider('jd-jss').entries.length);
    expect(stdout).toMatch(/^jd-jss \(JD Cloud JSS\)\n/);
    expect(stdout).toContain('  567 InvalidCallback: upload success but callback failed.');
  });

  it('the provider can be a variable', async () => {
    const { stdout } = await runCli(['catalog', 'SlowDown'], { BROWNOUT_PROVIDER: 'jd-jss' });
    expect(stdout).toMatch(/^jd-jss .*\n {2}400 SlowDown\n/);
    expect(stdout).not.toContain('aws-s3');
  });

  it('a code is shown in full for every provider that documents it', async () => {
    const { stdout } = await runCli(['catalog', 'InvalidCallback']);
    // OSS names the same error CallbackFailed.
    expect(stdout).toMatch(/^aliyun-oss .*\n {2}203 CallbackFailed\n/);
    expect(stdout).toMatch(/^jd-jss .*\n {2}567 InvalidCallback\n/m);
    expect(stdout).toContain('    stored: the object is stored although the client is told otherwise\n');
    expect(stdout).toMatch(/^ {4}解释: /m);
    expect(stdout).toMatch(/^ {4}source: /m);
  });

  it('a message that was supplied is marked', async () => {
    const { stdout } = await runCli(['catalog', '--provider', 'huawei-obs', 'SlowDown']);
    expect(stdout).toContain('message: Please reduce your request rate. (assumed: not in the source)');
  });

  it('every variant of a code is shown', async () => {
    const { stdout } = await runCli(['catalog', '--provider', 'aws-s3', 'SlowDown']);
    const titles = stdout.split('\n').filter((line) => /^ {2}\S/.test(line));
    expect(titles).toEqual([
      '  503 SlowDown, variant general',
      '  200 SlowDown, variant embedded-complete',
      '  200 SlowDown, variant embedded-copy',
      '  200 SlowDown, variant embedded-part-copy',
    ]);
  });

  it('--json has every field of every row', async () => {
    const { code, stdout } = await runCli(['catalog', '--json', '--provider', 'jd-jss', 'InvalidCallback']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { provider: 'jd-jss', code: 'InvalidCallback', status: 567, stored: true, aliases: ['CallbackFailed'] },
    ]);
    const all: unknown = JSON.parse((await runCli(['catalog', '--json'])).stdout);
    expect(all).toHaveLength(
      providerNames().reduce((sum, name) => sum + loadProvider(name).entries.length, 0),
    );
  });

  it.each([
    [['Slowdown'], 'error: no provider documents the code "Slowdown". did you mean "SlowDown"?\n'],
    [['--provider', 'aws-s3', 'InvalidCallback'], 'error: aws-s3 documents no code "InvalidCallback"'],
    [['--json', 'Xyzzy'], 'error: no provider documents the code "Xyzzy"\n'],
  ])('%j is unknown: exit code 1, with a suggestion if there is one', async (args, sentence) => {
    const { code, stdout, stderr } = await runCli(['catalog', ...args]);
    expect(stderr.slice(0, sentence.length)).toBe(sentence);
    expect([code, stdout]).toEqual([1, '']);
  });
});
