import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BadRules } from '../../src/diagnostics/diagnostic.ts';
import { DEEPEST, valueSource } from '../../src/diagnostics/plain-value.ts';
import { readYaml } from '../../src/diagnostics/yaml.ts';
import { type Loaded, parseRules } from '../../src/rules/load.ts';

const fixtures = new URL('../fixtures/rules/', import.meta.url);
const files = ['ok', 'err'].flatMap((folder) =>
  readdirSync(new URL(folder, fixtures))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${folder}/${name}`),
);

/** Returns the rules without their places. */
function outcome(loaded: Loaded) {
  if ('ok' in loaded) {
    return loaded.ok.rules.map(({ name, spec, settings, faults }) => {
      return { name, spec, settings, faults: faults.map(({ summary }) => summary) };
    });
  }
  // The places of the rules differ.
  const where = /taken by \S+\.|which \S+ is too/g;
  return loaded.diagnostics.map(({ kind, message }) => `${message.replace(where, '')} [${kind}]`).sort();
}

describe('rules as an object', () => {
  it.each(files)('%s are the same as those in its JSON', (name) => {
    const { read } = readYaml({ name, text: readFileSync(new URL(name, fixtures), 'utf8') });
    if (read === undefined) return; // it is no YAML, so there is no object
    const text = JSON.stringify(read.value);
    const source = valueSource('x', read.value);
    expect(outcome(parseRules([source], { seed: 1 }))).toEqual(
      outcome(parseRules([{ name: 'x', text }], { seed: 1 })),
    );
  });

  it('may have one object in several places, and undefined values', () => {
    const error = { code: 'SlowDown', message: undefined };
    const given = { provider: 'aws-s3', rules: [{ fault: { error } }, { fault: { error } }] };
    const loaded = parseRules([valueSource('x', given)]);
    expect('ok' in loaded && loaded.ok.rules.map(({ settings }) => settings)).toEqual(
      Array(2).fill({ error: { code: 'SlowDown' } }),
    );
  });

  it.each([
    ['a URL', { error: { code: 'TemporaryRedirect', location: new URL('http://127.0.0.1/b') } }],
    ['a date', { error: { code: 'SlowDown', message: new Date(0) } }],
    ['an object that says what it is in JSON', { error: { toJSON: () => 'SlowDown' } }],
    ['a list with a hole', { respond: { status: 200, headers: Array(1) } }],
  ])('with %s come to the same as their JSON', (_, fault) => {
    const given = { provider: 'aws-s3', rules: [{ fault }] };
    const text = JSON.stringify(given);
    expect(outcome(parseRules([valueSource('x', given)], { seed: 1 }))).toEqual(
      outcome(parseRules([{ name: 'x', text }], { seed: 1 })),
    );
  });

  const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)]);
  const circle: Record<string, unknown> = {};
  circle['x-a'] = { circle };

  it.each([
    [
      'a function',
      { rules: [() => {}] },
      'x:rules[0]: a function is not a text, number, list or map [wrong-type]',
    ],
    ['itself', circle, 'x:["x-a"].circle: this has a map or a list that contains itself [bad-yaml]'],
    [
      'no key',
      JSON.parse('{"__proto__":1}'),
      'x: no key of a rule file can be called "__proto__" [unknown-key]',
    ],
    ['too much', { a: deep(DEEPEST) }, /^x:a(\[0\])+.*…: maps and lists are nested too deep for a rule file/],
  ])('cannot hold %s', (_, given, sentence) => {
    expect(() => valueSource('x', given)).toThrow(sentence);
    expect(() => valueSource('x', given)).toThrow(BadRules);
  });
});
