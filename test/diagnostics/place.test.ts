import { expect, it } from 'vitest';
import { parseRules } from '../../src/rules/load.ts';

it.each([
  ['a word', 'provider: aws\nrules: []', [1, 11, 1, 14]],
  ['a quoted text of two lines', 'provider: "aws\n  s3"\nrules: []', [1, 11, 2, 6]],
  ['a word behind characters of two code units', '{ provider: aws, seed: "🐈🐈", ruls: [] }', [1, 13, 1, 16]],
  ['a word at the end of a line with CRLF', 'rules: []\r\nprovider: aws\r\n', [2, 11, 2, 14]],
  ['a word at the end of the text', 'rules: []\nprovider: aws', [2, 11, 2, 14]],
])('a place ends after the last character of %s', (_, text, expected) => {
  const loaded = parseRules([{ name: 'r.yaml', text }]);
  const found = 'ok' in loaded ? [] : loaded.diagnostics.filter(({ kind }) => kind === 'unknown-provider');
  expect(found.map(({ place }) => place && Object.values(place))).toEqual([expected]);
});

it('columns count characters', () => {
  const loaded = parseRules([{ name: 'r.yaml', text: '{ seed: "🐈🐈", provider: aws, rules: [] }' }]);
  expect('ok' in loaded ? [] : loaded.diagnostics.map(({ place }) => place)).toEqual([
    { line: 1, column: 25, endLine: 1, endColumn: 28 },
  ]);
});
