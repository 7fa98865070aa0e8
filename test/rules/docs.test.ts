import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { FAULT_KINDS } from '../../src/faults/index.ts';
import { rulesSchema } from '../../src/rules/json-schema.ts';
import { parseRules } from '../../src/rules/load.ts';
import { docsPages, pageText, tableRows } from '../support/pages.ts';

const rule = JSON.parse(rulesSchema()).properties.rules.items.properties;

/** Finds the YAML blocks of a page that are rule files, with the line on which they begin. */
function ruleFiles(path: string): [place: string, text: string][] {
  const page = pageText(path);
  return [...page.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .filter(([, text = '']) => /^rules:/m.test(text))
    .map(({ 1: text = '', index }) => [`${path}:${page.slice(0, index).split('\n').length + 1}`, text]);
}

describe('the rules in the documentation', () => {
  it.each(['README.md', ...docsPages].flatMap(ruleFiles))('at %s load', (name, text) => {
    const loaded = parseRules([{ name, text }]);
    expect('ok' in loaded ? [] : loaded.diagnostics.map(formatDiagnostic)).toEqual([]);
  });

  it('are explained key by key in docs/rules.md', () => {
    const file = JSON.parse(rulesSchema());
    const maps = [file.properties, rule, rule.match.properties, rule.trigger.properties];
    const keys = maps.flatMap((properties) => Object.keys(properties));
    const rows = tableRows('docs/rules.md', 'option | type | default | meaning');
    expect(rows.map(([option]) => option).sort()).toEqual(keys.map((key) => `\`${key}\``).sort());
    expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
  });
});

const kinds = FAULT_KINDS.map(({ name }) => name);

describe('docs/faults.md', () => {
  it('lists each kind of fault in the order in which they act, and links to its page', () => {
    const rows = tableRows('docs/faults.md', 'kind | does | page');
    expect(rows.map(([kind, , page]) => [kind, page])).toEqual(
      kinds.map((name) => [`\`${name}\``, `[${name}](faults/${name}.md)`]),
    );
  });

  it('has a page for each kind, and no other page below it', () => {
    const pages = docsPages.filter((page) => page.startsWith('docs/faults/'));
    expect(pages).toEqual(kinds.map((name) => `docs/faults/${name}.md`).sort());
  });

  it('is no longer than two screens', () => {
    expect(pageText('docs/faults.md').split('\n').length).toBeLessThan(60);
  });
});

/** Returns the settings of a kind of fault in its map form, from the JSON Schema that editors use. */
function settingsOf(kind: string): { properties: object; required?: string[] } {
  const schema = rule.fault.properties[kind];
  return [schema, ...(schema.anyOf ?? [])].find(({ properties }) => properties !== undefined);
}

describe('the page of a fault', () => {
  it.each(kinds)('%s: its table has the options of the schema, in the same order', (kind) => {
    const { properties, required = [] } = settingsOf(kind);
    const rows = tableRows(`docs/faults/${kind}.md`, 'option | type | default | meaning');
    const named = rows.map(([option, , byDefault]) => [option, byDefault === 'required']);
    expect(named).toEqual(Object.keys(properties).map((name) => [`\`${name}\``, required.includes(name)]));
    expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
  });

  it.each(kinds)('%s: says the same things in the same order as the others', (kind) => {
    const page = pageText(`docs/faults/${kind}.md`);
    expect(page).toMatch(new RegExp(`^# ${kind}\n`));
    expect([...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
      'What the client sees',
      'What the journal and the metrics say',
      'Caveats',
    ]);
  });
});
