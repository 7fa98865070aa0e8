import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { FAULT_KINDS } from '../../src/faults/index.ts';
import { rulesSchema } from '../../src/rules/json-schema.ts';
import { parseRules } from '../../src/rules/load.ts';

const pages = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith('.md') && existsSync(path),
);

/** The YAML blocks of a page that are rule files, by the line they begin on. */
function ruleFiles(path: string): [place: string, text: string][] {
  const page = readFileSync(path, 'utf8');
  return [...page.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .filter(([, text = '']) => /^rules:/m.test(text))
    .map(({ 1: text = '', index }) => [`${path}:${page.slice(0, index).split('\n').length + 1}`, text]);
}

describe('the rules in the documentation', () => {
  it.each(pages.flatMap(ruleFiles))('at %s load', (name, text) => {
    const loaded = parseRules([{ name, text }]);
    expect('ok' in loaded ? [] : loaded.diagnostics.map(formatDiagnostic)).toEqual([]);
  });

  it('are explained key by key in docs/rules.md', () => {
    const page = readFileSync('docs/rules.md', 'utf8');
    const schema = JSON.parse(rulesSchema());
    const rule = schema.properties.rules.items.properties;
    const keys = [schema, ...['match', 'trigger'].map((name) => rule[name])].flatMap((map) =>
      Object.keys(map.properties),
    );
    const missing = [...keys, ...FAULT_KINDS.map(({ name }) => name)].filter(
      (key) => !page.includes(`\`${key}\``),
    );
    expect(missing).toEqual([]);
  });

  it('have a section on each kind of fault in docs/faults.md', () => {
    const page = readFileSync('docs/faults.md', 'utf8');
    const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(FAULT_KINDS.map(({ name }) => name));
  });
});
