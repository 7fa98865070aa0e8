import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PROBLEM_KINDS } from '../../src/diagnostics/problem.ts';
import { parseRules } from '../../src/rules/load.ts';
import { runCli } from '../support/run-cli.ts';

const page = readFileSync('docs/diagnostics.md', 'utf8');

const sections = page
  .split(/^## /m)
  .slice(1)
  .map((section) => ({ name: section.split('\n')[0] ?? '', text: section }))
  .filter(({ name }) => name !== 'JSON');

function block(text: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? '';
}

function kindsIn(text: string): string[] {
  const loaded = parseRules([{ name: 'r.yaml', text }]);
  return 'ok' in loaded ? [] : [...new Set(loaded.diagnostics.map(({ kind }) => kind))];
}

describe('docs/diagnostics.md', () => {
  it('has a section on each kind of problem, and no other section', () => {
    expect(sections.map(({ name }) => name)).toEqual(PROBLEM_KINDS);
  });

  it.each(sections)('$name: the bad example has only that problem, and the good one has none', (section) => {
    expect(kindsIn(block(section.text, 'yaml bad'))).toEqual([section.name]);
    expect(block(section.text, 'yaml')).not.toBe('');
    expect(kindsIn(block(section.text, 'yaml'))).toEqual([]);
  });

  it('shows the text and the JSON of a problem as `check` prints them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-diagnostics-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'slow.yaml');
    writeFileSync(file, block(sections.find(({ name }) => name === 'unknown-code')?.text ?? '', 'yaml bad'));
    const { code, stdout, stderr } = await runCli(['check', '--json', file]);
    expect([code, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout.replaceAll(file, 'slow.yaml'))).toEqual(JSON.parse(block(page, 'json')));
    const text = await runCli(['check', file]);
    expect(text.stderr.replaceAll(file, 'slow.yaml')).toBe(block(page, ''));
  });
});

it('each kind of problem has a fixture', () => {
  const said = ['rules/err', 'sessions'].flatMap((folder) =>
    readdirSync(`test/fixtures/${folder}`)
      .filter((name) => name.endsWith('.out'))
      .map((name) => readFileSync(`test/fixtures/${folder}/${name}`, 'utf8')),
  );
  const kinds = said.flatMap((text) =>
    [...text.matchAll(/^\S+: .* \[([a-z-]+)\]$/gm)].map(([, kind]) => kind),
  );
  expect([...new Set(kinds)].sort()).toEqual([...PROBLEM_KINDS].sort());
});
