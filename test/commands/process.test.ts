import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

/** Starts the program like a user; needs a build. */
const brownout = (...args: readonly string[]) =>
  spawn(process.execPath, ['dist/cli.js', ...args], { stdio: 'pipe' });

it.each([
  [['check', 'rules/slow-down.yaml'], 0, '1 rule in 1 file: no problems\n', ''],
  [['check', 'no/such.yaml'], 1, '', 'no/such.yaml: there is no such file or folder [bad-file]\n'],
  [['check', '--provider', 'oss', 'rules'], 2, '', 'error: unknown provider "oss"'],
])('%j as a process exits with %d and prints to the right output', async (args, code, stdout, stderr) => {
  const child = brownout(...args);
  const printed = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect(printed.slice(0, 2)).toEqual([stdout, expect.stringContaining(stderr)]);
  expect([child.exitCode, printed[1] === '']).toEqual([code, stderr === '']);
});

it('a process reads its standard input', async () => {
  const child = brownout('reproduce', '-');
  child.stdin.write('upload of a failed: NoSu');
  child.stdin.end('chUpload\n');
  expect(await text(child.stdout)).toContain('error: NoSuchUpload');
});

it('a process whose output is closed exits with 0 and prints nothing', async () => {
  const child = brownout('catalog', '--json');
  child.stdout.destroy();
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect([child.exitCode, stderr]).toEqual([0, '']);
});
