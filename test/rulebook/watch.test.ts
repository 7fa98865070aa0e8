import { spawnSync } from 'node:child_process';
import fs, {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  type WatchListener,
  type WatchOptions,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { watchFiles as watchFilesEach } from '../../src/rulebook/watch.ts';
import { eventually } from '../support/proxy.ts';

const OUT_OF_WATCHES = 'out-of-watches';

// All processes share the limit of the system, so no test may use it up.
// They import `watch` by its name, which `syncBuiltinESMExports` replaces.
const { watch } = fs;
fs.watch = ((path: string, options: WatchOptions, listener: WatchListener<string>) => {
  if (path.includes(OUT_OF_WATCHES)) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  return watch(path, options, listener);
}) as typeof watch;
syncBuiltinESMExports();
afterAll(() => {
  fs.watch = watch;
  syncBuiltinESMExports();
});

// Polling mostly waits, so these tests run at the same time.
vi.setConfig({ maxConcurrency: 20 });

const root = mkdtempSync(join(realpathSync(tmpdir()), 'brownout-watch-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Makes a new folder with these files. */
function folderWith(files: Record<string, string> = {}, name = 'rules'): string {
  const folder = join(mkdtempSync(join(root, 'x-')), name);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Reads a path as a reload does. */
function contentOf(path: string): string {
  try {
    if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8');
    const names = readdirSync(path).filter((name) => /^[^.].*\.yaml$/.test(name));
    return names
      .sort()
      .map((name) => `${name}: ${contentOf(join(path, name))}`)
      .join(', ');
  } catch {
    return 'nothing';
  }
}

type How = 'events' | 'poll';

/** Polls more often than each second, so that the tests take less time. */
const watchFiles = (paths: readonly string[], how: How, changed: () => void) =>
  watchFilesEach(paths, how, changed, 150);

interface Watched {
  calls: number;
  close(): void;
  /** Waits for a callback after which a reload reads this text. */
  shows(content: string): Promise<void>;
}

/** Watches a path and reads it at each callback, as a reload does; ready when the first one has come. */
async function watched(
  how: How,
  path: string,
  finished: (close: () => void) => void = onTestFinished,
): Promise<Watched> {
  let seen = 'not read';
  const watcher = watchFiles([path], how, () => {
    state.calls += 1;
    seen = contentOf(path);
  });
  const state: Watched = {
    calls: 0,
    close: watcher.close,
    shows: (content) => eventually(`${path} shows ${content}, not ${seen}`, () => seen === content),
  };
  finished(watcher.close);
  await state.shows(contentOf(path));
  return state;
}

/**
 * Waits until watchers of the same kind have got all events so far: a later change of another file is noticed after
 * them. It makes two changes, because a renewed watch may report the first events again.
 */
async function allEventsCame(how: How = 'events'): Promise<void> {
  const marker = join(folderWith({ marker: '' }), 'marker');
  const { shows, close } = await watched(how, marker);
  for (const text of ['later', 'last']) {
    writeFileSync(marker, text);
    await shows(text);
  }
  close();
}

/** Saves like an editor: writes the text to another name and renames it over the file. */
function renameSave(file: string, text: string): void {
  const copy = join(dirname(file), `.${text}.tmp`);
  writeFileSync(copy, text);
  renameSync(copy, file);
}

/** Updates a mounted ConfigMap like the kubelet: makes a new folder, then replaces one link. */
function publish(volume: string, version: string, files: Record<string, string>): void {
  const data = join(volume, '..data');
  const before = readdirSync(volume).includes('..data') ? readlinkSync(data) : undefined;
  mkdirSync(join(volume, `..${version}`));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(volume, `..${version}`, name), text);
  symlinkSync(`..${version}`, join(volume, '..data_tmp'));
  renameSync(join(volume, '..data_tmp'), data);
  const shown = readdirSync(volume).filter((name) => !name.startsWith('..'));
  for (const name of Object.keys(files)) {
    if (!shown.includes(name)) symlinkSync(join('..data', name), join(volume, name));
  }
  for (const name of shown) if (!(name in files)) unlinkSync(join(volume, name));
  if (before !== undefined) rmSync(join(volume, before), { recursive: true });
}

describe.concurrent.each<How>(['events', 'poll'])('%s', (how) => {
  test('a file that is written in place is noticed each time', async ({ onTestFinished }) => {
    const file = join(folderWith({ 'rules.yaml': 'one' }), 'rules.yaml');
    const watcher = await watched(how, file, onTestFinished);
    writeFileSync(file, 'two');
    await watcher.shows('two');
    appendFileSync(file, '!');
    await watcher.shows('two!');
  });

  test('a file that an editor replaces by a rename is noticed each time', async ({ onTestFinished }) => {
    const file = join(folderWith({ 'rules.yaml': 'one' }), 'rules.yaml');
    const watcher = await watched(how, file, onTestFinished);
    renameSave(file, 'two');
    await watcher.shows('two');
    renameSave(file, 'three');
    await watcher.shows('three');
    spawnSync('sed', ['-i.bak', 's/three/four/', file]);
    await watcher.shows('four');
    writeFileSync(file, 'five');
    await watcher.shows('five');
  });

  test('a file that is moved aside, as vim does for its backup, is noticed', async ({ onTestFinished }) => {
    const file = join(folderWith({ 'rules.yaml': 'one' }), 'rules.yaml');
    const watcher = await watched(how, file, onTestFinished);
    renameSync(file, `${file}~`);
    writeFileSync(file, 'two');
    unlinkSync(`${file}~`);
    await watcher.shows('two');
    writeFileSync(file, 'three');
    await watcher.shows('three');
  });

  test('a file that is deleted and made again is noticed both times', async ({ onTestFinished }) => {
    const file = join(folderWith({ 'rules.yaml': 'one' }), 'rules.yaml');
    const watcher = await watched(how, file, onTestFinished);
    unlinkSync(file);
    await watcher.shows('nothing');
    writeFileSync(file, 'two');
    await watcher.shows('two');
    writeFileSync(file, 'three');
    await watcher.shows('three');
  });

  test('files that are added to a folder, changed, renamed and removed are noticed', async ({
    onTestFinished,
  }) => {
    const folder = folderWith({ 'a.yaml': 'one' });
    const watcher = await watched(how, folder, onTestFinished);
    writeFileSync(join(folder, 'b.yaml'), 'two');
    await watcher.shows('a.yaml: one, b.yaml: two');
    writeFileSync(join(folder, 'b.yaml'), 'three');
    await watcher.shows('a.yaml: one, b.yaml: three');
    renameSync(join(folder, 'b.yaml'), join(folder, 'c.yaml'));
    await watcher.shows('a.yaml: one, c.yaml: three');
    renameSave(join(folder, 'c.yaml'), 'four');
    await watcher.shows('a.yaml: one, c.yaml: four');
    unlinkSync(join(folder, 'a.yaml'));
    await watcher.shows('c.yaml: four');
  });

  test('a ConfigMap that is mounted as a folder is noticed at each update', async ({ onTestFinished }) => {
    const volume = folderWith();
    publish(volume, '2026_1', { 'a.yaml': 'one' });
    const watcher = await watched(how, volume, onTestFinished);
    publish(volume, '2026_2', { 'a.yaml': 'two' });
    await watcher.shows('a.yaml: two');
    publish(volume, '2026_3', { 'a.yaml': 'three', 'b.yaml': 'new' });
    await watcher.shows('a.yaml: three, b.yaml: new');
    publish(volume, '2026_4', { 'b.yaml': 'last' });
    await watcher.shows('b.yaml: last');
  });

  test('a single file of a ConfigMap is noticed at each update', async ({ onTestFinished }) => {
    const volume = folderWith();
    publish(volume, '2026_1', { 'rules.yaml': 'one' });
    const watcher = await watched(how, join(volume, 'rules.yaml'), onTestFinished);
    publish(volume, '2026_2', { 'rules.yaml': 'two' });
    await watcher.shows('two');
    publish(volume, '2026_3', { 'rules.yaml': 'three' });
    await watcher.shows('three');
  });

  test('the target of a link is noticed in its own folder, and every link on the way to it', async ({
    onTestFinished,
  }) => {
    const [target, middle, folder] = [folderWith({ old: 'one', new: 'three' }), folderWith(), folderWith()];
    symlinkSync(join(target, 'old'), join(middle, 'current'));
    symlinkSync(`../../${middle.slice(root.length + 1)}/current`, join(folder, 'rules.yaml'));
    const file = await watched(how, join(folder, 'rules.yaml'), onTestFinished);
    const all = await watched(how, folder, onTestFinished);
    writeFileSync(join(target, 'old'), 'two');
    await Promise.all([file.shows('two'), all.shows('rules.yaml: two')]);
    unlinkSync(join(middle, 'current'));
    symlinkSync(join(target, 'new'), join(middle, 'current'));
    await Promise.all([file.shows('three'), all.shows('rules.yaml: three')]);
    writeFileSync(join(target, 'new'), 'four');
    await Promise.all([file.shows('four'), all.shows('rules.yaml: four')]);
  });

  test('a link that is set to another folder is noticed', async ({ onTestFinished }) => {
    const releases = folderWith();
    for (const name of ['v1', 'v2']) {
      mkdirSync(join(releases, name));
      writeFileSync(join(releases, name, 'rules.yaml'), name);
    }
    symlinkSync('v1', join(releases, 'current'));
    const watcher = await watched(how, join(releases, 'current', 'rules.yaml'), onTestFinished);
    symlinkSync('v2', join(releases, 'next'));
    renameSync(join(releases, 'next'), join(releases, 'current'));
    await watcher.shows('v2');
  });

  // To the system, a bind mount of one file is a second name of the same inode in another folder.
  test('a file that is written to under another name is noticed, also once it was replaced', async ({
    onTestFinished,
  }) => {
    const [inside, outside] = [folderWith({ 'rules.yaml': 'one' }), folderWith()];
    const file = join(inside, 'rules.yaml');
    linkSync(file, join(outside, 'first'));
    const one = await watched(how, file, onTestFinished);
    const all = await watched(how, inside, onTestFinished);
    writeFileSync(join(outside, 'first'), 'two');
    await Promise.all([one.shows('two'), all.shows('rules.yaml: two')]);
    renameSave(file, 'three');
    await Promise.all([one.shows('three'), all.shows('rules.yaml: three')]);
    linkSync(file, join(outside, 'second'));
    writeFileSync(join(outside, 'second'), 'four');
    await Promise.all([one.shows('four'), all.shows('rules.yaml: four')]);
  });

  test('a path that does not exist yet is noticed when it appears', async ({ onTestFinished }) => {
    const folder = join(folderWith(), 'etc', 'brownout');
    const file = await watched(how, join(folder, 'rules.yaml'), onTestFinished);
    const all = await watched(how, folder, onTestFinished);
    mkdirSync(folder, { recursive: true });
    await all.shows('');
    writeFileSync(join(folder, 'rules.yaml'), 'one');
    await Promise.all([file.shows('one'), all.shows('rules.yaml: one')]);
  });

  test('a parent folder that disappears is noticed, and so is the one that replaces it', async ({
    onTestFinished,
  }) => {
    const folder = join(folderWith(), 'brownout');
    mkdirSync(folder);
    writeFileSync(join(folder, 'rules.yaml'), 'one');
    const file = await watched(how, join(folder, 'rules.yaml'), onTestFinished);
    const all = await watched(how, folder, onTestFinished);
    renameSync(dirname(folder), `${dirname(folder)}-moved`);
    await Promise.all([file.shows('nothing'), all.shows('nothing')]);
    renameSync(`${dirname(folder)}-moved`, dirname(folder));
    await Promise.all([file.shows('one'), all.shows('rules.yaml: one')]);
    rmSync(dirname(folder), { recursive: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'rules.yaml'), 'two');
    await Promise.all([file.shows('two'), all.shows('rules.yaml: two')]);
    writeFileSync(join(folder, 'rules.yaml'), 'three');
    await Promise.all([file.shows('three'), all.shows('rules.yaml: three')]);
  });

  test('other files are noticed beside links that lead in a circle or nowhere', async ({
    onTestFinished,
  }) => {
    const folder = folderWith({ 'z.yaml': 'one' });
    symlinkSync('a.yaml', join(folder, 'a.yaml'));
    symlinkSync('.', join(folder, 'b.yaml'));
    symlinkSync('c.yaml/c.yaml', join(folder, 'c.yaml'));
    symlinkSync('missing', join(folder, 'd.yaml'));
    let seen = '';
    const watcher = watchFiles([folder], how, () => {
      seen = `${contentOf(join(folder, 'd.yaml'))} ${contentOf(join(folder, 'z.yaml'))}`;
    });
    onTestFinished(watcher.close);
    await eventually('the first callback', () => seen === 'nothing one');
    writeFileSync(join(folder, 'z.yaml'), 'two');
    await eventually('the file', () => seen === 'nothing two');
    writeFileSync(join(folder, 'missing'), 'three');
    await eventually("the link's target", () => seen === 'three two');
  });

  test('several paths are watched at once, files and folders', async ({ onTestFinished }) => {
    const [folder, file] = [folderWith(), join(folderWith(), 'rules.yaml')];
    let seen = '';
    const watcher = watchFiles([folder, file], how, () => {
      seen = `${contentOf(folder)} ${contentOf(file)}`;
    });
    onTestFinished(watcher.close);
    writeFileSync(file, 'one');
    await eventually('the file', () => seen === ' one');
    writeFileSync(join(folder, 'a.yaml'), 'two');
    await eventually('the folder', () => seen === 'a.yaml: two one');
  });
});

describe('a burst', () => {
  test('is reported once', async () => {
    const folder = folderWith({ 'a.yaml': 'one' });
    const watcher = await watched('events', folder);
    await allEventsCame();
    const before = watcher.calls;
    for (let i = 0; i < 50; i++) renameSave(join(folder, `${i % 5}.yaml`), `text ${i}`);
    writeFileSync(join(folder, 'a.yaml'), 'two');
    await eventually('a callback', () => watcher.calls > before);
    await allEventsCame();
    expect(watcher.calls).toBe(before + 1);
  });

  test('that does not end is reported while it lasts', async () => {
    const file = join(folderWith({ 'rules.yaml': '' }), 'rules.yaml');
    const watcher = await watched('events', file);
    const before = watcher.calls;
    const writing = setInterval(() => appendFileSync(file, '!'), 5);
    onTestFinished(() => clearInterval(writing));
    await eventually('two callbacks', () => watcher.calls >= before + 2);
  });
});

test('other files beside a rule file, and hidden ones in a folder, are no change', async () => {
  const folder = folderWith({ 'rules.yaml': 'one', 'journal.ndjson': '' });
  const watchers = [await watched('events', folder), await watched('events', join(folder, 'rules.yaml'))];
  const journal = await watched('events', join(folder, 'journal.ndjson'));
  const hidden = await watched('events', join(folder, '.rules.yaml.swp'));
  await allEventsCame();
  const before = watchers.map(({ calls }) => calls);
  appendFileSync(join(folder, 'journal.ndjson'), 'an entry');
  writeFileSync(join(folder, '.rules.yaml.swp'), 'a copy');
  // Both are watched in the same way, so the watchers of the rules have handled these events by then.
  await journal.shows('an entry');
  await hidden.shows('a copy');
  await allEventsCame();
  expect(watchers.map(({ calls }) => calls)).toEqual(before);
});

test('a path without events of the system is polled, and the user is warned once', async () => {
  const warnings: string[] = [];
  const warn = ({ message }: Error) => void warnings.push(message);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const [one, two] = [OUT_OF_WATCHES, 'rules'].map((name) => folderWith({ 'a.yaml': 'one' }, name));
  if (one === undefined || two === undefined) throw new Error('two folders were made');
  let seen = '';
  const watcher = watchFiles([one, join(one, 'a.yaml'), two], 'events', () => {
    seen = `${contentOf(one)} ${contentOf(two)}`;
  });
  onTestFinished(watcher.close);
  await eventually('the first callback', () => seen === 'a.yaml: one a.yaml: one');
  for (const text of ['two', 'three']) {
    writeFileSync(join(one, 'a.yaml'), text);
    await eventually(text, () => seen.startsWith(`a.yaml: ${text} `));
    writeFileSync(join(two, 'a.yaml'), text);
    await eventually(text, () => seen === `a.yaml: ${text} a.yaml: ${text}`);
  }
  expect(warnings).toEqual([
    `there are no events for changes of ${one}, so it is checked each second (ENOSPC)`,
  ]);
});

describe.each<How>(['events', 'poll'])('a watcher by %s', (how) => {
  test('does not keep a process alive', async () => {
    // A separate process that waits for nothing else.
    const url = new URL('../../dist/rulebook/watch.js', import.meta.url);
    const script = `(await import(${JSON.stringify(url)})).watchFiles(['.'], '${how}', () => console.log('told'));
      setTimeout(() => {}, 300);`;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: folderWith({ 'a.yaml': 'one' }),
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect([status, stdout]).toEqual([0, 'told\n']);
  });

  test('leaves nothing behind when it is closed, and calls back no more', async () => {
    const folder = folderWith({ 'a.yaml': 'one' });
    const other = await watched(how, folder);
    const before = inotifyWatches();
    const watcher = await watched(how, folderWith({ 'a.yaml': 'one' }));
    const closed = await watched(how, folder);
    const calls = closed.calls;
    const atOnce = vi.fn();
    watchFiles([folder], how, atOnce).close();
    writeFileSync(join(folder, 'a.yaml'), 'two');
    closed.close();
    closed.close();
    watcher.close();
    expect(inotifyWatches()).toBe(before);
    await other.shows('a.yaml: two');
    await allEventsCame(how);
    expect(closed.calls).toBe(calls);
    expect(atOnce).not.toHaveBeenCalled();
  });
});

/** Counts the files and folders that Linux watches for this process; 0 on other systems. */
function inotifyWatches(): number {
  if (process.platform !== 'linux') return 0;
  const infos = readdirSync('/proc/self/fdinfo').map((fd) => contentOf(join('/proc/self/fdinfo', fd)));
  return infos.join('\n').match(/^inotify wd:/gm)?.length ?? 0;
}
