import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LineCounter } from 'yaml';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { parseYaml } from '../../src/diagnostics/parse-yaml.ts';
import { LARGEST_FILE } from '../../src/diagnostics/source.ts';
import { type Loaded, loadRules, parseRules } from '../../src/rules/load.ts';
import { expectLinear, repeated } from '../support/linear.ts';

const fixtures = new URL('../fixtures/rules/', import.meta.url);

function yamlFiles(folder: string): string[] {
  return readdirSync(new URL(folder, fixtures)).filter((name) => name.endsWith('.yaml'));
}

function load(folder: string, name: string): Loaded {
  const text = readFileSync(new URL(`${folder}/${name}`, fixtures), 'utf8');
  return parseRules([{ name, text, folder: '.' }]);
}

/** Returns the text that a user would read; '' if there are no problems. */
function complaints(loaded: Loaded): string {
  return 'ok' in loaded ? '' : loaded.diagnostics.map((each) => `${formatDiagnostic(each)}\n`).join('');
}

function folderOf(files: Record<string, string | Buffer>): string {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-rules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const rule = (name: string) => `provider: aws-s3\nrules: [{ name: ${name}, fault: { error: SlowDown } }]\n`;

describe('a rule file', () => {
  it.each(yamlFiles('ok'))('ok/%s loads', (name) => {
    expect(complaints(load('ok', name))).toBe('');
  });

  it.each(yamlFiles('err'))(
    'err/%s is refused with exactly the sentences of its golden file',
    async (name) => {
      const expected = new URL(`err/${name.replace(/yaml$/, 'out')}`, fixtures);
      // Without the file, the test would write it, and any text would pass.
      expect(existsSync(expected), 'there is no such file').toBe(true);
      await expect(complaints(load('err', name))).toMatchFileSnapshot(expected.pathname);
    },
  );
});

describe('the text that aliases repeat', () => {
  const text = (times: number) =>
    `provider: aws-s3\nrules:\n  - fault: &fault { respond: { status: 200, body: ${'x'.repeat(12_000)} } }\n${'  - fault: *fault\n'.repeat(times)}`;

  it('counts each time, as in a list of rules', () => {
    expect(complaints(parseRules([{ name: 'a.yaml', text: text(80) }]))).toBe('');
    expect(complaints(parseRules([{ name: 'a.yaml', text: text(90) }]))).toBe(
      'a.yaml:1:1: references to anchors repeat so much that the text has more than 1MiB. write less, or refer to it less often [too-large]\nprovider: aws-s3\n^\n',
    );
  });

  it('does not limit a longer text that repeats nothing', () => {
    const long = `provider: aws-s3\nrules: [{ fault: { respond: { status: 200, body: ${'x'.repeat(1024 ** 2)} } } }]`;
    expect(complaints(parseRules([{ name: 'a.yaml', text: long }]))).toBe('');
  });
});

describe('several rule files', () => {
  it('are asked in the order given, those of a folder by name, without hidden and other files', async () => {
    const folder = folderOf({
      'b.yml': rule('third'),
      'a.yaml': rule('second'),
      'C.YAML': rule('first of the folder'),
      '.a.yaml': 'a lock',
      'notes.txt': 'not rules',
    });
    mkdirSync(join(folder, 'below.yaml'));
    const first = join(folderOf({ 'z.yaml': rule('first') }), 'z.yaml');
    const loaded = await loadRules([first, folder]);
    expect(complaints(loaded)).toBe('');
    expect('ok' in loaded && loaded.ok.rules.map(({ name }) => name)).toEqual([
      'first',
      'first of the folder',
      'second',
      'third',
    ]);
  });

  it('may not be the same file twice, even under another name', async () => {
    const folder = folderOf({ 'a.yaml': rule('slow') });
    const file = join(folder, 'a.yaml');
    symlinkSync(file, join(folder, 'b.yaml'));
    expect(complaints(await loadRules([file, file, folder]))).toBe(
      `${file}: this file is given twice. leave one out [bad-file]
${file}: this file is given twice. leave one out [bad-file]
${folder}/b.yaml: this file is given twice, first as ${file}. leave one out [bad-file]
`,
    );
  });

  it('report the problems of all of them at once', async () => {
    const folder = folderOf({ 'a.yaml': 'rules: 1\n', 'b.yaml': 'provider: aws-s4\nrules: []\n' });
    expect(complaints(await loadRules([folder, join(folder, 'c.yaml')]))).toBe(
      `${folder}/c.yaml: there is no such file or folder [bad-file]
${folder}/a.yaml:1:8: rules must be a list [wrong-type]
rules: 1
       ^
${folder}/b.yaml:1:11: unknown provider "aws-s4". did you mean "aws-s3"? [unknown-provider]
provider: aws-s4
          ^^^^^^
`,
    );
  });

  it('may not share a rule name', async () => {
    const folder = folderOf({ 'a.yaml': rule('slow'), 'b.yaml': rule('slow') });
    expect(complaints(await loadRules([folder]))).toBe(
      `${folder}/b.yaml:2:17: rule name "slow" is taken by ${folder}/a.yaml:2. names must differ in all files [duplicate-name]
rules: [{ name: slow, fault: { error: SlowDown } }]
                ^^^^
`,
    );
  });

  it('give rules without a name the name of the file and a number', () => {
    const loaded = parseRules([
      { name: 'rules/slow.yaml', text: 'provider: aws-s3\nrules: [{ fault: { error: SlowDown } }]' },
    ]);
    expect('ok' in loaded && loaded.ok.rules.map(({ name, line }) => [name, line])).toEqual([['slow#1', 2]]);
  });
});

describe('a text that is no rule file', () => {
  it.each([
    [
      'an empty folder',
      {},
      '.',
      'there are no rule files in this folder. their names end in .yaml or .yml',
      'bad-file',
    ],
    ['a file that is not there', {}, 'x.yaml', 'there is no such file or folder', 'bad-file'],
    [
      'a file one byte too large',
      { 'x.yaml': Buffer.alloc(1024 ** 2 + 1, '#') },
      'x.yaml',
      'a rule file may have 1MiB, which is 1048576 bytes, but this one has 1048577',
      'too-large',
    ],
    [
      'a file that is not UTF-8',
      { 'x.yaml': Buffer.from([0xb7, 0xd6]) },
      'x.yaml',
      'this is not UTF-8 text',
      'bad-file',
    ],
  ])('%s is refused with a sentence', async (_, files, name, sentence, kind) => {
    const path = join(folderOf(files), name);
    expect(complaints(await loadRules([path]))).toBe(`${path}: ${sentence} [${kind}]\n`);
  });

  it.each(['[]', '{}', '}', '*a ', '"" ', '!!x ', '&a &b ', '%Y\n', '- [] []\n', '- ]\n'])(
    '%j again and again is refused with one sentence, long before all that is wrong with it was collected',
    (piece) => {
      const text = piece.repeat(100_000 / piece.length);
      expect(complaints(parseRules([{ name: 'x.yaml', text }]))).toMatch(
        /^x\.yaml:\d+:\d+: .+\n.*\n *\^+\n$/,
      );
      expect(parseYaml(text, new LineCounter()).errors.length).toBeLessThan(110);
    },
  );

  it.each([
    ['', '*a '],
    ['', '"" '],
    ['', '&a &b '],
    ['', '? a\n'],
    ['', '"'],
    ['', '# x\n'],
    ['provider: aws-s3\nrules: [', '{ falt: 1 }, '],
    ['provider: aws-s3\n', 'rules:\n  - fault: { error: SlowDown }\n'],
  ])('%j and then %j again and again is read in linear time', (begin, piece) => {
    expectLinear(repeated(piece, begin), (text) => parseRules([{ name: 'x.yaml', text }]), LARGEST_FILE);
  });

  it('a file that is nested too deep is refused with a sentence', () => {
    const [first] = complaints(parseRules([{ name: 'x.yaml', text: '['.repeat(100_000) }])).split('\n');
    expect(first).toMatch(
      /^x\.yaml:1:\d+: maps and lists are nested too deep for a rule file \[too-large\]$/,
    );
  });

  it('a file with thousands of problems is refused with the first 500', () => {
    const text = `provider: aws-s3\nrules: [${'{ falt: 1 }, '.repeat(5000)}]`;
    const sentences = complaints(parseRules([{ name: 'x.yaml', text }])).match(/^x\.yaml.*$/gm);
    expect(sentences).toHaveLength(501);
    expect(sentences?.at(-1)).toBe('x.yaml: only 500 of the problems of this file are shown [too-large]');
  });

  it('a device is refused and not read', async () => {
    expect(complaints(await loadRules(['/dev/zero']))).toBe('/dev/zero: this is not a file [bad-file]\n');
  });
});

describe('the seed of a file', () => {
  const source = (name: string, seed: string) => ({ name, text: `${seed}\nrules: []` });
  const seedsOf = (loaded: Loaded) => ('ok' in loaded ? [...loaded.ok.seeds.values()] : []);

  it('is its own, or else that of the run', () => {
    const sources = [source('a', 'seed: 7'), source('b', 'seed: nightly'), source('c', '')];
    expect(seedsOf(parseRules(sources, { runSeed: 99 }))).toEqual([7, 'nightly', 99]);
  });

  it('is overridden by the seed that the run was started with', () => {
    expect(seedsOf(parseRules([source('a', 'seed: 7'), source('b', '')], { seed: '5' }))).toEqual(['5', '5']);
  });

  it('is drawn once for all files that state none', () => {
    const [a, b] = seedsOf(parseRules([source('a', ''), source('b', '')]));
    expect(a).toBeTypeOf('number');
    expect(b).toBe(a);
  });
});

describe('the provider of a rule', () => {
  it('is that of the rule, or else of the file, or else of the run', () => {
    const rules = 'rules: [{ fault: { error: SlowDown } }, { provider: jd-jss, fault: { error: SlowDown } }]';
    const loaded = parseRules(
      [
        { name: 'a', text: `provider: huawei-obs\n${rules}` },
        { name: 'b', text: rules },
      ],
      { provider: 'aws-s3' },
    );
    expect('ok' in loaded && loaded.ok.rules.map((each) => each.provider.name)).toEqual([
      'huawei-obs',
      'jd-jss',
      'aws-s3',
      'jd-jss',
    ]);
  });
});
