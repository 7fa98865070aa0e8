import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/run-cli.ts';

/** Writes a line of a journal: an upload that got SlowDown, or one without a fault. */
function line(id: number, key: string, isFaulted = false): string {
  const fault = { fault: 'error', code: 'SlowDown', provider: 'aws-s3', settings: { error: 'SlowDown' } };
  const time = `2026-11-20T05:36:0${id}.000Z`;
  const request = { method: 'PUT', target: `/b/${key}`, operation: 'PutObject', bucket: 'b', key };
  return `${JSON.stringify({ id, arrival: id, time, client: '::1', ...request, ...(isFaulted && fault), outcome: 'injected' })}\n`;
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brownout-replay-'));
  const remove = folder;
  onTestFinished(() => rm(remove, { recursive: true, force: true }));
});

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('brownout replay', () => {
  it('writes rules in which brownout check finds no problem', async () => {
    const journal = await file('journal.ndjson', line(1, 'a') + line(2, 'a', true) + line(3, '你', true));
    const { code, stdout, stderr } = await runCli(['replay', journal]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('trigger: { after: 1, first: 1, per: key }\n');
    expect(stdout).toContain('key: 你\n');
    const checked = await runCli(['check', await file('rules.yaml', stdout)]);
    expect(checked).toEqual({ code: 0, stdout: '2 rules in 1 file: no problems\n', stderr: '' });
  });

  it('takes several files as one journal', async () => {
    const older = await file('journal.ndjson.1', line(1, 'a') + line(2, 'a'));
    const journal = await file('journal.ndjson', line(3, 'a', true));
    const { stdout, stderr } = await runCli(['replay', older, journal]);
    expect(stderr).toBe('');
    expect(stdout).toContain('after: 2');
    const alone = await runCli(['replay', journal]);
    expect(alone.code).toBe(0);
    expect(alone.stderr).toMatch(/^warning: 2 exchanges of the run are not in the journal/);
  });

  it('reads standard input as -', async () => {
    const { code, stdout } = await runCli(['replay', '-'], {}, [line(1, 'a', true)]);
    expect(code).toBe(0);
    expect(stdout).toContain('# Repeats 1 fault of 1 exchange');
  });

  it('leaves out lines that were cut off, with a warning', async () => {
    const cut = line(2, 'b', true).slice(0, 150);
    const journal = await file('journal.ndjson', `${line(1, 'a', true)}${cut}\n\n${line(3, 'c')}{"id":4,"t`);
    const { code, stdout, stderr } = await runCli(['replay', journal]);
    expect(code).toBe(0);
    expect(stderr.split('\n')).toEqual([
      `warning: ${journal}:2: the line is cut short or broken, and left out`,
      `warning: ${journal}:5: the line is cut short or broken, and left out`,
      expect.stringMatching(/^warning: 1 exchange of the run is not in the journal/),
      '',
    ]);
    expect(stdout).toContain('# Repeats 1 fault of 2 exchanges');
  });

  it('leaves out a line that was cut off after a brace, and two lines that became one', async () => {
    const whole = line(2, 'b', true).trimEnd();
    const cut = `${whole.slice(0, whole.indexOf('}') + 1)}\n`;
    const glued = `${line(3, 'c').slice(0, 50)}${line(4, 'd')}`;
    const journal = await file('journal.ndjson', `${line(1, 'a', true)}${cut}${glued}${line(5, 'e')}`);
    const { code, stdout, stderr } = await runCli(['replay', journal]);
    expect(code).toBe(0);
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      `warning: ${journal}:2: the line is cut short or broken, and left out`,
      `warning: ${journal}:3: the line is cut short or broken, and left out`,
    ]);
    expect(stdout).toContain('# Repeats 1 fault of 2 exchanges');
  });

  it('reads a last line without a line break', async () => {
    const journal = await file('journal.ndjson', line(1, 'a', true).trimEnd());
    expect((await runCli(['replay', journal])).stdout).toContain('# Repeats 1 fault of 1 exchange');
  });

  it('warns of more rules than a rule file may have', async () => {
    const lines = Array.from({ length: 2500 }, (_, i) => line(1, `${i}-${'k'.repeat(500)}`, true));
    const { code, stderr } = await runCli(['replay', await file('journal.ndjson', lines.join(''))]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: the rules have 1\.\d+MiB, and a rule file may have 1MiB: /m);
  });
});

describe('brownout replay refuses', () => {
  it.each([
    [
      'a line that is not JSON',
      'PUT /b/k\n',
      'this is not a journal entry, which is a JSON object in one line',
    ],
    [
      'JSON of another kind',
      '{"level":"info"}\n',
      'this is not a journal entry. id: Invalid input: expected number',
    ],
    [
      'an unknown operation',
      line(2, 'a').replace('PutObject', 'PutObjekt'),
      'this is not a journal entry. operation: unknown operation "PutObjekt". did you mean "PutObject"?',
    ],
    [
      'an unknown provider',
      line(2, 'a', true).replace('aws-s3', 'aws-s4'),
      'this is not a journal entry. provider: unknown provider "aws-s4"',
    ],
    [
      'an invalid part number',
      line(2, 'a').replace('"key"', '"part":-1,"key"'),
      'this is not a journal entry. part: Too small',
    ],
    [
      'settings that are nested too deep',
      line(2, 'a', true).replace('"SlowDown"}', `${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
      'this is not a journal entry. settings: nested too deep for a rule',
    ],
    ['a list', '[]\n', 'this is not a journal entry. Invalid input: expected object'],
    [
      'a fault that has no settings',
      line(2, 'a').replace('}', ',"fault":"error"}'),
      'this is not a journal entry. its fault is without "provider" and "settings", and so cannot be repeated',
    ],
  ])('%s, with its place', async (_, text, sentence) => {
    const journal = await file('journal.ndjson', line(1, 'a', true) + text);
    const { code, stdout, stderr } = await runCli(['replay', journal]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`error: ${journal}:2: ${sentence}`);
  });

  it('faults that no rule can have, with the diagnostic of the rule', async () => {
    const text = line(1, 'a', true).replace('{"error":"SlowDown"}', '{"error":"SlowDwon"}');
    const journal = await file('journal.ndjson', text);
    const { code, stdout, stderr } = await runCli(['replay', journal]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('error: no rules that load can be made of this journal: rules:');
    expect(stderr).toContain('SlowDwon');
  });

  it('no journal whose rules name a missing file', async () => {
    const settings = '{"respond":{"status":200,"bodyFile":"answer.xml"}}';
    const text = line(1, 'a', true).replace('{"error":"SlowDown"}', settings);
    const { code, stdout } = await runCli(['replay', await file('journal.ndjson', text)]);
    expect(code).toBe(0);
    expect(stdout).toContain('bodyFile: answer.xml');
  });

  it('a line without an end', async () => {
    const journal = await file('journal.ndjson', 'x'.repeat(9 * 1024 ** 2));
    const { code, stderr } = await runCli(['replay', journal]);
    expect(code).toBe(1);
    expect(stderr).toBe(`error: ${journal}:1: this is not a journal entry: the line does not end\n`);
  });

  it('files that cannot be read', async () => {
    const missing = await runCli(['replay', join(folder, 'no')]);
    expect(missing).toEqual({ code: 1, stdout: '', stderr: `error: ${folder}/no: there is no such file\n` });
    expect((await runCli(['replay', folder])).stderr).toBe(`error: ${folder}: this is a folder\n`);
    const { code, stderr } = await runCli(['replay']);
    expect([code, stderr]).toEqual([2, "error: missing required argument 'files'\n"]);
  });
});
