import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { parseRules } from '../../src/rules/load.ts';
import type { RuleFile, RuleObject } from '../../src/rules/rule-schema.ts';
import { writeRuleFile } from '../../src/rules/write.ts';

/** Texts that YAML could read as another type, or that lines, comments and indents can break. */
const NASTY = [
  '',
  'a',
  '慢é🪣',
  '\u2028',
  '\u0085',
  '\u007f',
  '\0',
  '\r',
  '\n',
  ' ',
  '\t',
  '#',
  ' #',
  ': ',
  '- ',
  '---\n',
  '...',
  '%',
  '!',
  '&a',
  '*a',
  '|',
  '>',
  "'",
  '"',
  '\\n',
  '{}',
  '[]',
  ',',
  '? ',
  '<<',
  '0x1',
  '007',
  '1_0',
  'null',
  '~',
  'true',
  'no',
  '1e3',
  '.inf',
  '2026-11-20',
  '__proto__',
];

/** Joins some of the texts; every run makes the same texts. */
function* texts(count: number): Generator<string> {
  let state = 7;
  const next = (below: number) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  yield* NASTY;
  for (let i = 0; i < count; i++)
    yield Array.from({ length: next(6) }, () => NASTY[next(NASTY.length)]).join('');
}

/** Writes the rules to a file, and loads it again. */
function again(file: RuleFile, comments: readonly string[] = []): unknown[] {
  const text = writeRuleFile(file, { head: comments, rules: file.rules.map(() => comments) });
  const loaded = parseRules([{ name: 'r', text }]);
  if ('diagnostics' in loaded) throw new Error(`${loaded.diagnostics.map(formatDiagnostic)}\n${text}`);
  return loaded.ok.rules.map(({ spec }) => spec);
}

describe('a rule file that is written', () => {
  it('loads to the same rules for any texts', () => {
    const rules = [...texts(150)].map((text): RuleObject => {
      const glob = `k${text}`;
      return {
        match: {
          operation: ['GetObject', 'HeadObject'],
          key: [text || 'k', glob],
          part: 3,
          query: { prefix: glob, [`q${text}`]: [text || 'v', 'w'], marker: false },
          headers: { 'x-a': text || true, 'x-b': false },
        },
        trigger: { probability: 0.25, limit: 3, per: 'key' },
        fault: { delay: '20ms', respond: { status: 404, headers: { A: ['b', 'c'] }, body: text } },
      };
    });
    expect(again({ provider: 'aws-s3', seed: '42', rules })).toEqual(rules);
  });

  it('keeps its rules for any comments', () => {
    const rules: RuleObject[] = [{ fault: { error: 'SlowDown' } }, { fault: { error: 'InternalError' } }];
    const comments = [...texts(200), 'x'.repeat(10_000)];
    expect(again({ provider: 'aws-s3', rules }, comments)).toEqual(rules);
  });

  it('is one that people can read and change', () => {
    const error = { code: 'SlowDown', headers: { 'x-a': '1' } };
    const file: RuleFile = {
      provider: 'aws-s3',
      rules: [
        {
          name: 'first',
          match: { operation: ['GetObject', 'HeadObject'], key: 'true', query: { versionId: false } },
          trigger: { after: 1, first: 2 },
          fault: { error },
        },
        { fault: { respond: { status: 500, body: '<a>\n  1: # "x"\n</a>\n' } } },
        { fault: { error } },
      ],
    };
    const comments = {
      head: ['Head.', '', '  Indented\nin one line.'],
      rules: [['1'], [], ['3', '\u202eabc']],
    };
    expect(writeRuleFile(file, comments)).toBe(`# Head.

#   Indented in one line.

provider: aws-s3
rules:
  # 1
  - name: first
    match:
      operation:
        - GetObject
        - HeadObject
      key: "true"
      query: { versionId: false }
    trigger: { after: 1, first: 2 }
    fault:
      error:
        code: SlowDown
        headers:
          x-a: "1"
  - fault:
      respond:
        status: 500
        body: |
          <a>
            1: # "x"
          </a>
  # 3
  #  abc
  - fault:
      error:
        code: SlowDown
        headers:
          x-a: "1"
`);
  });
});
