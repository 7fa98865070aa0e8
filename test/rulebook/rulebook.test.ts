import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BadRules, UnknownRule } from '../../src/diagnostics/diagnostic.ts';
import { type Reload, RuleBook } from '../../src/rulebook/rulebook.ts';
import { decide } from '../../src/rules/decide.ts';
import { request } from '../rules/rule-set.ts';

/** Makes a rule file; each rule is one line of YAML flow. */
const text = (...rules: string[]) =>
  `provider: aws-s3\nseed: 7\nrules:${rules.length === 0 ? ' []' : rules.map((rule) => `\n  - ${rule}`).join('')}\n`;
const A = '{ name: a, match: { operation: GetObject }, fault: { error: SlowDown } }';
const B = '{ name: b, match: { operation: PutObject }, fault: { error: SlowDown } }';
const OTHER_A = A.replace('SlowDown', 'InternalError');

const get = request('GET /photos/k');
const put = request('PUT /photos/k');

async function bookOf(...rules: string[]) {
  return RuleBook.open({
    rules: [{ name: 'rules.yaml', text: text(...rules) }],
    seed: undefined,
    provider: undefined,
  });
}

/** Opens a book of a file that a test can overwrite. */
async function bookOfFile(...rules: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-book-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rules.yaml');
  const write = (...now: string[]) => writeFileSync(file, text(...now));
  write(...rules);
  const book = await RuleBook.open({ rules: [file], seed: undefined, provider: undefined });
  return { book, write, file };
}

/** Writes each rule as `name origin matched/fired`, with a minus before a disabled one. */
function pages(book: RuleBook): string[] {
  return book.entries.map(({ rule: { name, counts }, origin, enabled }) => {
    return `${enabled ? '' : '-'}${name} ${origin} ${counts.matched}/${counts.fired}`;
  });
}

const inForce = (book: RuleBook) => book.set.rules.map(({ name }) => name);
const codeOf = (book: RuleBook, name: string) => book.entry(name).rule.settings;

/** Returns all that a refused change must not change. */
const stateOf = (book: RuleBook) => [pages(book), inForce(book), book.set, book.seed, [...book.set.seeds]];

describe('a rulebook', () => {
  it('adds rules before those of files and after those added earlier', async () => {
    const book = await bookOf(A, B);
    book.add(text('{ name: c, fault: { error: SlowDown } }', '{ name: d, fault: { error: SlowDown } }'));
    book.add('{"provider": "jd-jss", "rules": [{"name": "e", "fault": {"error": "SlowDown"}}]}');
    expect(inForce(book)).toEqual(['c', 'd', 'e', 'a', 'b']);
    expect(book.entry('e').rule.provider.name).toBe('jd-jss');
  });

  it('gives a name to a rule that was added without one, and finds it by that name', async () => {
    const book = await bookOf();
    const [page] = book.add(text('{ fault: { error: SlowDown } }'));
    expect(page?.rule.name).toBe('added-1#1');
    book.enable('added-1#1', false);
    expect(pages(book)).toEqual(['-added-1#1 added 0/0']);
  });

  it('keeps text of requests as it was written', async () => {
    const book = await bookOf();
    book.add(text('{ name: c, match: { query: { id: 007, on: true } }, fault: { error: SlowDown } }'));
    decide(book.set, request('GET /photos/k?id=7&on'));
    decide(book.set, request('GET /photos/k?id=007&on'));
    expect(pages(book)).toEqual(['c added 1/1']);
  });

  it('keeps the counts of a rule when other rules change', async () => {
    const { book, write } = await bookOfFile(A, B);
    const started = book.entry('a').rule.counts.since;
    decide(book.set, get);
    book.add(text('{ name: c, match: { key: x }, fault: { error: SlowDown } }'));
    book.enable('c', false);
    book.replace('b', text(B.replace('SlowDown', 'InternalError')));
    book.remove('c');
    write(B, A);
    await book.reload();
    decide(book.set, get);
    expect(pages(book)).toEqual(['b replaced 0/0', 'a file 2/2']);
    expect(book.entry('a').rule.counts.since).toBe(started);
  });

  it('starts the counts of a rule again when its text changes', async () => {
    const { book, write } = await bookOfFile(A);
    decide(book.set, get);
    write(OTHER_A);
    await book.reload();
    expect(pages(book)).toEqual(['a file 0/0']);
    decide(book.set, get);
    book.replace('a', text(A));
    expect(pages(book)).toEqual(['a replaced 0/0']);
    decide(book.set, get);
    book.replace('a', text(A));
    expect(pages(book)).toEqual(['a replaced 1/1']);
  });

  it('keeps counting attempts after a change', async () => {
    const book = await bookOf('{ name: a, match: { attempt: 2 }, fault: { error: SlowDown } }');
    decide(book.set, put);
    book.add(text(B.replace('name: b', 'name: c').replace('PutObject', 'CopyObject')));
    expect(decide(book.set, put).fired?.rule.name).toBe('a');
  });

  it('keeps the counts of a disabled rule until it is enabled', async () => {
    const book = await bookOf(A);
    decide(book.set, get);
    book.enable('a', false);
    expect(decide(book.set, get).fired).toBeUndefined();
    expect(pages(book)).toEqual(['-a file 1/1']);
    book.enable('a', true);
    decide(book.set, get);
    expect(pages(book)).toEqual(['a file 2/2']);
  });

  it('keeps its changes when files are read again', async () => {
    const { book, write } = await bookOfFile(A, B, '{ name: c, fault: { error: SlowDown } }');
    book.replace('a', text(OTHER_A));
    book.remove('b');
    book.enable('c', false);
    book.add(text('{ name: d, fault: { error: SlowDown } }'));
    write(B, '{ name: c, fault: { error: AccessDenied } }', A.replace('SlowDown', 'AccessDenied'));
    await book.reload();
    expect(pages(book)).toEqual(['d added 0/0', '-c file 0/0', 'a replaced 0/0']);
    expect(codeOf(book, 'a')).toEqual({ error: 'InternalError' });
    // A rule that the files have lost is gone, and comes back unchanged.
    write(B);
    await book.reload();
    expect(pages(book)).toEqual(['d added 0/0']);
    write(A, B);
    await book.reload();
    expect(codeOf(book, 'a')).toEqual({ error: 'InternalError' });
    book.reset();
    expect(pages(book)).toEqual(['a file 0/0', 'b file 0/0']);
  });

  it('lets an added rule take the name of a removed one, and gives it back', async () => {
    const book = await bookOf(A, B);
    book.remove('a');
    book.add(text(OTHER_A));
    expect(pages(book)).toEqual(['a added 0/0', 'b file 0/0']);
    book.replace('a', text(A));
    expect(pages(book)).toEqual(['a added 0/0', 'b file 0/0']);
    book.remove('a');
    expect(pages(book)).toEqual(['b file 0/0']);
    book.reset();
    expect(pages(book)).toEqual(['a file 0/0', 'b file 0/0']);
  });

  it('forgets that a rule was disabled when it is removed', async () => {
    const book = await bookOf();
    book.add(text(A));
    book.enable('a', false);
    book.remove('a');
    book.add(text(A));
    expect(pages(book)).toEqual(['a added 0/0']);
  });

  it.each<[string, (book: RuleBook) => unknown, RegExp]>([
    [
      'an addition with a typo',
      (book) => book.add(text('{ name: x, fault: { error: SlowDwon } }')),
      /did you mean "SlowDown"/,
    ],
    [
      'an addition with one good and one bad rule',
      (book) => book.add(text(OTHER_A.replace('name: a', 'name: x'), A)),
      /name "a" is taken by rules\.yaml:4/,
    ],
    ['an addition that is no rule file', (book) => book.add('[]'), /./],
    ['an addition of nothing', (book) => book.add(''), /./],
    [
      'an addition that reads a file',
      (book) => book.add(text('{ name: x, fault: { respond: { status: 200, bodyFile: rules.yaml } } }')),
      /bodyFile/,
    ],
    [
      'a replacement by another name',
      (book) => book.replace('a', text(A.replace('name: a', 'name: x'))),
      /one rule of the same name/,
    ],
    ['a replacement by no rule', (book) => book.replace('a', text()), /one rule of the same name|rules/],
    [
      'a replacement by two rules',
      (book) => book.replace('a', text(A, B.replace('name: b', 'name: x'))),
      /one rule of the same name/,
    ],
    [
      'a replacement that takes the name of another rule',
      (book) => book.replace('a', text(A, B)),
      /name "b" is taken/,
    ],
  ])('refuses %s, and changes nothing', async (_, change, message) => {
    const book = await bookOf(A, B);
    decide(book.set, get);
    const before = stateOf(book);
    const { set } = book;
    expect(() => change(book)).toThrow(BadRules);
    expect(() => change(book)).toThrow(message);
    expect(stateOf(book)).toEqual(before);
    expect(book.set).toBe(set);
  });

  it.each<[string, (book: RuleBook) => unknown]>([
    ['replace', (book) => book.replace('partz', text(A))],
    ['remove', (book) => book.remove('partz')],
    ['disable', (book) => book.enable('partz', false)],
    ['show', (book) => book.entry('partz')],
  ])('does not %s a rule that does not exist', async (_, change) => {
    const book = await bookOf(A.replace('name: a', 'name: parts'), B);
    expect(() => change(book)).toThrow(UnknownRule);
    expect(() => change(book)).toThrow('there is no rule "partz". did you mean "parts"?');
  });

  it('refuses files that take the name of a rule that was added', async () => {
    const { book, write } = await bookOfFile(B);
    book.add(text(A));
    write(A, B);
    const before = stateOf(book);
    await expect(book.reload()).rejects.toThrow(/rules\.yaml:4:\d+: rule name "a" is taken by added-1:/);
    expect(stateOf(book)).toEqual(before);
    expect(book.lastReload?.diagnostics).toMatchObject([{ place: { line: 4 } }]);
    book.remove('a');
    await book.reload();
    expect(pages(book)).toEqual(['a file 0/0', 'b file 0/0']);
    expect(book.lastReload?.diagnostics).toEqual([]);
  });

  it('ends with the latest files, even if many reload at once', async () => {
    const { book, write } = await bookOfFile(A);
    const reloads: Reload[] = [];
    book.subscribe((reload) => reloads.push(reload));
    const asked: Promise<unknown>[] = [];
    for (let nth = 1; nth <= 20; nth += 1) {
      write(A, `{ name: rule ${nth}, ${nth % 2 ? 'fault: { error: SlowDown }' : 'falt: {}'} }`);
      asked.push(book.reload().catch(() => 'bad'));
      decide(book.set, get);
    }
    await Promise.all(asked);
    write(A, B);
    await book.reload();
    expect(inForce(book)).toEqual(['a', 'b']);
    expect(reloads).toHaveLength(21);
    expect(pages(book)).toEqual(['a file 20/20', 'b file 0/0']);
  });

  it('reads files again on refresh, and does nothing if they have not changed', async () => {
    const { book, write } = await bookOfFile(A);
    const reloads: Reload[] = [];
    book.subscribe((reload) => reloads.push(reload));
    await book.refresh();
    write(A);
    await book.refresh();
    expect(reloads).toEqual([]);
    write(A, B);
    await book.refresh();
    expect(inForce(book)).toEqual(['a', 'b']);
    write('[]');
    await expect(book.refresh()).rejects.toThrow(BadRules);
    await book.refresh();
    // The files are as when they last loaded, but not as when they were last read.
    write(A, B);
    await book.refresh();
    expect(reloads.map(({ diagnostics }) => diagnostics.length)).toEqual([0, 1, 0]);
  });

  it('keeps a change that is made while files are read', async () => {
    const { book, write } = await bookOfFile(A);
    write(A, B);
    const reloading = book.reload();
    book.add(text('{ name: c, fault: { error: SlowDown } }'));
    book.enable('a', false);
    await reloading;
    expect(pages(book)).toEqual(['c added 0/0', '-a file 0/0', 'b file 0/0']);
  });

  it('gives rules of files and added rules another seed until it is reset', async () => {
    const book = await bookOf(A);
    book.add(text(B).replace('seed: 7', 'seed: mine'));
    expect([...book.set.seeds]).toEqual([
      ['rules.yaml', 7],
      ['added-1', 'mine'],
    ]);
    decide(book.set, get);
    book.reseed('x');
    expect(new Set(book.set.seeds.values())).toEqual(new Set(['x']));
    expect(book.entry('a').rule.trigger.seed).toBe('x');
    expect(pages(book)).toEqual(['b added 0/0', 'a file 0/0']);
    book.reset();
    expect([...book.set.seeds]).toEqual([['rules.yaml', 7]]);
  });

  it('reports the drawn seed of rules that were added without one', async () => {
    const book = await bookOf();
    book.add(text(A).replace('seed: 7\n', ''));
    expect(typeof book.set.seeds.get('added-1')).toBe('number');
  });

  it('recognises a rule without a name by its text after it has moved', async () => {
    const { book, write } = await bookOfFile('{ match: { key: old }, fault: { error: SlowDown } }');
    decide(book.set, request('GET /photos/old'));
    book.enable('rules#1', false);
    write(
      '{ match: { key: new }, fault: { error: SlowDown } }',
      '{ match: { key: old }, fault: { error: SlowDown } }',
    );
    await book.reload();
    expect(pages(book)).toEqual(['rules#1 file 0/0', '-rules#2 file 1/1']);
  });

  it('lists the removed rules of files', async () => {
    const { book, write } = await bookOfFile(A, B);
    book.remove('a');
    write(OTHER_A, B);
    await book.reload();
    expect(book.removed.map(({ name, settings }) => [name, settings])).toEqual([
      ['a', { error: 'InternalError' }],
    ]);
    expect(inForce(book)).toEqual(['b']);
  });

  it('changes one rule without reading the others again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-book-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'rules.yaml');
    writeFileSync(join(folder, 'body.txt'), 'one');
    writeFileSync(file, text('{ name: said, fault: { respond: { status: 200, bodyFile: body.txt } } }', B));
    const book = await RuleBook.open({ rules: [file], seed: undefined, provider: undefined });
    const said = book.entry('said').rule;
    rmSync(join(folder, 'body.txt'));
    book.enable('b', false);
    book.add(text(A));
    expect(book.entry('said').rule).toBe(said);
    book.reseed(1);
    book.reset();
    expect(inForce(book)).toEqual(['said', 'b']);
    await expect(book.reload()).rejects.toThrow('there is no file "body.txt"');
  });
});
