import { readFileSync } from 'node:fs';
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
    return { title: part.slice(3, part.indexOf('\n')), report, rules, before, after };
  });

/** Runs a client of the page behind a proxy with these rules. */
async function run(client: string, rules: string): Promise<string> {
  const proxy = await startProxy({ upstream: 'memory:', rules: [{ name: 'rules.yaml', text: rules }] });
  onTestFinished(() => proxy.close());
  await fetch(`${proxy.url}/photos`, { method: 'PUT' });
  const { upload } = await import(`data:text/javascript,${encodeURIComponent(client)}`);
  return upload(proxy.url).catch((error: unknown) => String(error));
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
    [1, 'stored, and the application knows', 'stored, and the application has to be told'],
    [2, 'completed', 'to be sent again: InternalError'],
  ])('case %i: the client is wrong before and right after', async (which, before, after) => {
    const found = cases[which]!;
    expect(await run(found.before, found.rules)).toBe(before);
    expect(await run(found.after, which === 0 ? WITH_LIMIT(found.rules) : found.rules)).toBe(after);
  });
});
