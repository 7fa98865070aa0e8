import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { codeBlocks, tableRows } from '../support/pages.ts';
import { runCli, startCli } from '../support/run-cli.ts';

const folderOf = (name: string) => `examples/reproduce/${name}`;
const read = (name: string, file: string) => readFileSync(`${folderOf(name)}/${file}`, 'utf8');

/** Runs a client of a case behind a proxy with these of its rules. */
async function run(name: string, client: string, rules: string): Promise<string> {
  const proxy = await startProxy({ upstream: 'memory:', rules: [`${folderOf(name)}/${rules}`] });
  onTestFinished(() => proxy.close());
  await fetch(`${proxy.url}/photos`, { method: 'PUT' });
  const { upload } = await import(pathToFileURL(resolve(folderOf(name), client)).href);
  return upload(proxy.url).catch((error: unknown) => String(error));
}

/** Types a command that a README shows. */
async function type(line: string) {
  const [, command = ''] = /^\$ brownout (reproduce report\.txt .*)$/.exec(line) ?? [];
  const cli = startCli(command.split(' '));
  const { code } = await cli.ended;
  return { code, lines: cli.output().split('\n') };
}

describe.each([
  {
    name: 'throttled-backup',
    before: 'Error: SlowDown',
    after: 'stored',
    rulesAfter: 'rules-that-end.yaml',
    codes: [0, 0],
  },
  {
    name: 'callback-failed',
    before: 'stored, and the application knows',
    after: 'stored, and the application has to be told: CallbackFailed',
    rulesAfter: 'rules.yaml',
    codes: [1, 0],
  },
  {
    name: 'error-inside-200',
    before: 'completed',
    after: 'to be sent again: InternalError',
    rulesAfter: 'rules.yaml',
    codes: [1, 0],
  },
])('examples/reproduce/$name', ({ name, before, after, rulesAfter, codes }) => {
  it('has the rule file that its report makes', () => {
    expect(ruleFile(findErrors(read(name, 'report.txt')), 'report.txt')).toBe(read(name, 'rules.yaml'));
  });

  it('has a client that is wrong before, and right after', async () => {
    expect(await run(name, 'before.mjs', 'rules.yaml')).toBe(before);
    expect(await run(name, 'after.mjs', rulesAfter)).toBe(after);
  });

  it('has a README whose commands print what it shows: --verify tells the clients apart', async () => {
    const shown = codeBlocks(`${folderOf(name)}/README.md`, 'console').map((block) =>
      block.trimEnd().split('\n'),
    );
    const root = process.cwd();
    onTestFinished(() => process.chdir(root));
    process.chdir(folderOf(name));
    const runs = await Promise.all(shown.map(([line = '']) => type(line)));
    expect(runs.map(({ code }) => code)).toEqual(codes);
    // Which of the two outputs comes first is up to the pipes.
    shown.forEach(([, ...lines], i) => {
      expect(runs[i]?.lines).toEqual(expect.arrayContaining(lines));
    });
  });
});

describe('examples/reproduce/throttled-backup', () => {
  it('has rules that end which are its rules with a limit, and nothing else', () => {
    const limited = read('throttled-backup', 'rules.yaml').replace(
      /^( +)fault:/m,
      '$1trigger: { limit: 3 }\n$1fault:',
    );
    expect(read('throttled-backup', 'rules-that-end.yaml')).toBe(limited);
  });
});

describe('docs/reproduce.md', () => {
  it('has each option of the command in its table', async () => {
    const { stdout: help } = await runCli(['reproduce', '--help']);
    const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => `\`${name}\``);
    const rows = tableRows('docs/reproduce.md', 'option | type | default | meaning');
    expect(rows.map(([option]) => option).sort()).toEqual(
      options.filter((name) => name !== '`--help`').sort(),
    );
  });
});
