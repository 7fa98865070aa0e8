import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';

const page = readFileSync('docs/reproduce.md', 'utf8');

/** The parts of the page that begin with a report: the report, the rule file, the client before and after. */
const cases = page
  .split(/^(?=## )/m)
  .filter((part) => part.includes('```text'))
  .map((part) => {
    const block = (language: string) =>
      [...part.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
    const [[report = ''], [rules = ''], [before = '', after = '']] = [
      block('text'),
      block('yaml'),
      block('js'),
    ];
    const walks = block('console').map((text) => text.trimEnd().split('\n'));
    return { title: part.slice(3, part.indexOf('\n')), report, rules, before, after, walks };
  });

/** Runs a client of the page behind a proxy with these rules. */
async function run(client: string, rules: string): Promise<string> {
  const proxy = await startProxy({ upstream: 'memory:', rules: [{ name: 'rules.yaml', text: rules }] });
  onTestFinished(() => proxy.close());
  await fetch(`${proxy.url}/photos`, { method: 'PUT' });
  const { upload } = await import(`data:text/javascript,${encodeURIComponent(client)}`);
  return upload(proxy.url).catch((error: unknown) => String(error));
}

/** Types what a console block of the page shows, in a folder with the files of its case. */
async function type(line: string, { report, rules, before, after }: (typeof cases)[number]) {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [, command = '', name = ''] = /^\$ brownout (reproduce (\S+)\.txt .*)$/.exec(line) ?? [];
  const files = {
    [`${name}.txt`]: report,
    [`${name}.yaml`]: WITH_LIMIT(rules),
    'run.mjs': /^```js\n(const \{ upload \}.*?)^```$/ms.exec(page)?.[1] ?? '',
    'before.mjs': before,
    'after.mjs': after,
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const child = spawn(process.execPath, [resolve('dist/cli.js'), ...command.split(' ')], { cwd: folder });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
  const [code] = await once(child, 'close');
  return { code, lines: printed.split('\n') };
}

const WITH_LIMIT = (rules: string) => rules.replace(/^( +)fault:/m, '$1trigger: { limit: 3 }\n$1fault:');

describe('docs/reproduce.md', () => {
  it('has three cases', () => {
    expect(cases.map(({ before, after }) => before !== '' && after !== '')).toEqual([true, true, true]);
  });

  it.each(cases)('$title: the report makes that rule file', ({ report, rules }) => {
    const source = /^# Reproduces (.*)\.$/m.exec(rules)?.[1] ?? '';
    expect(ruleFile(findErrors(report), source)).toBe(rules);
  });

  it.each([
    [0, 'Error: SlowDown', 'stored'],
    [1, 'stored, and the application knows', 'stored, and the application has to be told: CallbackFailed'],
    [2, 'completed', 'to be sent again: InternalError'],
  ])('case %i: the client is wrong before and right after', async (which, before, after) => {
    const found = cases[which]!;
    expect(await run(found.before, found.rules)).toBe(before);
    expect(await run(found.after, which === 0 ? WITH_LIMIT(found.rules) : found.rules)).toBe(after);
  });

  it.each([
    [0, [0, 0]],
    [1, [1, 0]],
    [2, [1, 0]],
  ])('case %i: --verify tells the clients apart', async (which, codes) => {
    const found = cases[which]!;
    const runs = await Promise.all(found.walks.map(([line = '']) => type(line, found)));
    expect(runs.map(({ code }) => code)).toEqual(codes);
    // Which of the two outputs comes first is up to the pipes.
    found.walks.forEach(([, ...shown], i) => {
      expect(runs[i]?.lines).toEqual(expect.arrayContaining(shown));
    });
  });
});
