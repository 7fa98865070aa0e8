import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageText, root } from '../support/pages.ts';

const FAULT = 'src/faults/skew.ts';
const LIST = 'src/faults/index.ts';
const TEST = 'test/faults/skew.test.ts';
/** Sources that import the list of kinds, its JSON Schema included. */
const CHECKED = ['src/faults', 'src/rules', 'test/faults'];
const HELPERS = ['support', 'faults/faulty.ts', 'rules/rule-set.ts'].map((name) => join('test', name));

/** Returns the blocks of CONTRIBUTING.md that are marked with a file's name. */
function blocksOf(file: string): string[] {
  const blocks = pageText('CONTRIBUTING.md').matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms);
  return [...blocks].filter(([, name]) => name === file).map(([, , text = '']) => text);
}

describe('the fault that CONTRIBUTING.md grows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-fault-'));
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  const run = async (...args: string[]) => {
    const done = promisify(execFile)(process.execPath, args, { cwd: folder });
    return done.then(
      () => 'ok',
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    );
  };
  const typeCheck = () => run(join(root, 'node_modules/typescript/bin/tsc'), '--noEmit');

  beforeAll(() => {
    for (const name of ['src', 'catalog', 'schema', 'package.json', ...HELPERS])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    write('tsconfig.json', JSON.stringify({ extends: join(root, 'tsconfig.json'), include: CHECKED }));
    write('vitest.config.ts', 'export default {};\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has three steps, one line in the list, and a test', () => {
    expect([FAULT, LIST, TEST].map((file) => blocksOf(file).length)).toEqual([3, 1, 1]);
  });

  it.each([0, 1, 2])('compiles at step %i, in the list of all kinds', async (step) => {
    write(FAULT, blocksOf(FAULT)[step] ?? '');
    const lines = (blocksOf(LIST)[0] ?? '').split('\n');
    const [imported, listed] = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
    const removed = lines.find((line) => line.startsWith('-'))?.slice(1) ?? '';
    const list = readFileSync(join(root, LIST), 'utf8');
    expect(list).toContain(`\n${removed}\n`);
    write(LIST, `${imported}\n${list.replace(removed, listed ?? '')}`);
    expect(await typeCheck()).toBe('ok');
  });

  it('passes its own test when it is whole', async () => {
    write(TEST, blocksOf(TEST)[0] ?? '');
    expect(await typeCheck()).toBe('ok');
    expect(await run(join(root, 'node_modules/vitest/vitest.mjs'), 'run', TEST)).toBe('ok');
  });
});
