import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAULT_KINDS } from '../../src/faults/index.ts';
import { runCli } from '../support/run-cli.ts';

const SERVE = ['serve', '--upstream', 'memory:'];

describe('the command line', () => {
  it('--version is the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('--help names every command and what exit codes mean', async () => {
    const { code, stdout, stderr } = await runCli(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['serve', 'check', 'catalog', 'explain', 'reproduce']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} \\[options\\]`, 'm'));
    }
    expect(stdout).toContain('Exit codes: 0 fine, 1 something was found to be wrong,\n2 the command line');
  });

  it.each(['serve', 'check', 'catalog', 'explain', 'replay', 'reproduce'])(
    '%s --help explains it',
    async (command) => {
      const { code, stdout } = await runCli([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: brownout ${command} `));
      expect(stdout).toMatch(new RegExp(`^Examples?:\n  brownout ${command} `, 'm'));
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
      expect(stdout).not.toContain('(default: [])');
    },
  );

  it('serve --help names the variable of each flag', async () => {
    const { stdout } = await runCli(['serve', '--help']);
    const flags = [...stdout.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name ?? '');
    expect(flags.length).toBeGreaterThanOrEqual(18);
    for (const name of flags) {
      expect(stdout.replace(/\s+/g, ' ')).toContain(
        `env: BROWNOUT_${name.replaceAll('-', '_').toUpperCase()}`,
      );
    }
  });

  it('serve --help says what each kind of fault does', async () => {
    const { stdout } = await runCli(['serve', '--help']);
    const text = stdout.replace(/\s+/g, ' ');
    for (const { name, summary } of FAULT_KINDS) expect(text).toContain(` ${name} ${summary}`);
  });

  it('without a command it prints its help and exits with 2', async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: brownout/);
  });
});

describe('misuse exits with 2 and a sentence', () => {
  it.each<[readonly string[], string]>([
    [['serv'], "error: unknown command 'serv'\n(Did you mean serve?)"],
    [['--nope'], "error: unknown option '--nope'"],
    [['serve'], 'say where to forward to: --upstream http://host:port, or --upstream memory: to try it out'],
    [['serve', '--upstream'], "error: option '--upstream <url>' argument missing"],
    [
      ['serve', '--upstream', 'minio:9000'],
      '"minio:9000" is no upstream; it is written http://host:port, https://host:port or memory:',
    ],
    [
      ['serve', '--upstream', 'http://h/p'],
      'the upstream "http://h/p" has more than scheme, host and port; targets are forwarded as they come',
    ],
    [[...SERVE, '--ports', '1'], "error: unknown option '--ports'\n(Did you mean --port?)"],
    [[...SERVE, 'extra'], "error: too many arguments for 'serve'. Expected 0 arguments but got 1."],
    [[...SERVE, '--port', 'abc'], "argument 'abc' is invalid. A whole number is needed."],
    [[...SERVE, '--port', '-1'], "argument '-1' is invalid. A whole number is needed."],
    [[...SERVE, '--admin-port', '65536'], "argument '65536' is invalid. Ports are numbers from 0 to 65535."],
    [[...SERVE, '--upstream-timeout', '5'], '"5" has no unit; durations are written 200ms, 2s, 1m or 1h'],
    [[...SERVE, '--idle-timeout', 'soon'], '"soon" is not a duration; durations are written'],
    [[...SERVE, '--memory-limit', '1 parsec'], 'unknown unit "parsec"; sizes are written'],
    [[...SERVE, '--journal-size', '0'], "argument '0' is invalid. At least 1 is needed."],
    [[...SERVE, '--journal-keep', '0'], "argument '0' is invalid. At least 1 is needed."],
    [[...SERVE, '--journal-max-size', '9 lines'], 'unknown unit "lines"; sizes are written'],
    [[...SERVE, '--log', 'loud'], "argument 'loud' is invalid. Allowed choices are all, faults, none."],
    [[...SERVE, '--cname', 'cdn.example'], '--cname is written HOST=BUCKET, not "cdn.example"'],
    [[...SERVE, '--cname', '=b'], '--cname is written HOST=BUCKET, not "=b"'],
    [[...SERVE, '--provider', 'aws'], 'unknown provider "aws". did you mean "aws-s3"?'],
    [['check'], "error: missing required argument 'paths'"],
    [['check', '--provider', 'oss', 'rules'], 'unknown provider "oss"'],
    [['catalog', '--provider', 'aws_s3'], 'unknown provider "aws_s3". did you mean "aws-s3"?'],
    [['catalog', 'SlowDown', 'NoSuchKey'], "error: too many arguments for 'catalog'."],
    [['explain'], "error: missing required argument 'paths'"],
    [
      ['explain', 'rules/slow-down.yaml'],
      "give rule files and a request: brownout explain FILES… 'PUT /bucket/key'",
    ],
    [
      ['explain', 'rules', 'GET: /b'],
      '"GET: /b" is not a request; it is written \'PUT /bucket/key?partNumber=3&uploadId=x\'',
    ],
    [['explain', 'rules', 'GET /b', '--cname', 'h'], '--cname is written HOST=BUCKET, not "h"'],
    [['explain', 'rules', 'GET /b', '-H', 'nope'], '"nope" is not a header; it is written \'name: value\''],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('the sentence about a bad variable names the variable', async () => {
    const { code, stderr } = await runCli(SERVE, { BROWNOUT_PORT: 'abc' });
    expect(stderr).toContain("value 'abc' from env 'BROWNOUT_PORT' is invalid. A whole number is needed.");
    expect(code).toBe(2);
  });

  it.each([
    ['serve', '--upstream', 'memory:'],
    ['explain', 'rules', 'GET /b'],
  ])('a switch of %s whose variable is neither true nor false is refused', async (...args) => {
    expect(await runCli(args, { BROWNOUT_PATH_STYLE: 'maybe' })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: BROWNOUT_PATH_STYLE is "maybe", which is neither true nor false\n',
    });
  });
});

describe('serve exits with 1 and a sentence', () => {
  it.each<[readonly string[], string]>([
    [
      [...SERVE, '--host', '203.0.113.7'],
      'error: 203.0.113.7 is not an address of this machine; 127.0.0.1 is one, and 0.0.0.0 stands for all\n',
    ],
    [
      [...SERVE, '--port', '0', '--admin-host', 'nowhere.invalid'],
      'error: the name nowhere.invalid does not resolve\n',
    ],
    [[...SERVE, '--rules', 'no/such.yaml'], 'no/such.yaml: there is no such file or folder [bad-file]\n'],
    [
      [...SERVE, '--ca', 'no/such.pem'],
      'error: the certificate authority\'s file "no/such.pem" cannot be read: ENOENT',
    ],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr.slice(0, sentence.length)).toBe(sentence);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect([code, stdout]).toEqual([1, '']);
  });
});
