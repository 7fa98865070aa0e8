import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { codeBlocks, tableRows } from '../support/pages.ts';

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

/** Types a command that a README shows, in the folder of its case. */
async function type(name: string, line: string) {
  const [, command = ''] = /^\$ brownout (reproduce report\.txt .*)$/.exec(line) ?? [];
  const args = [resolve('dist/cli.js'), ...command.split(' ')];
  const child = spawn(process.execPath, args, { cwd: folderOf(name) });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
  const [code] = await once(child, 'close');
  return { code, lines: printed.split('\n') };
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
    const runs = await Promise.all(shown.map(([line = '']) => type(name, line)));
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
    const child = spawn(process.execPath, [resolve('dist/cli.js'), 'reproduce', '--help']);
    let help = '';
    child.stdout.on('data', (chunk) => (help += chunk));
    await once(child, 'close');
    const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => `\`${name}\``);
    const rows = tableRows('docs/reproduce.md', 'option | type | default | meaning');
    expect(rows.map(([option]) => option).sort()).toEqual(
      options.filter((name) => name !== '`--help`').sort(),
    );
  });
});
