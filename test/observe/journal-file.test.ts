import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { JournalEntry } from '../../src/observe/journal.ts';
import { type JournalFile, openJournalFile } from '../../src/observe/journal-file.ts';
import { eventually } from '../support/proxy.ts';

/** Makes a part of an entry that is enough to tell lines apart; some 100 bytes with the padding. */
function entry(id: number, key = 'k'.repeat(80)): JournalEntry {
  return { id, key } as JournalEntry; // the file takes entries as they come
}

let folder: string;
let path: string;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brownout-journal-'));
  path = join(folder, 'journal.ndjson');
  warnings = [];
  const remove = folder;
  onTestFinished(() => rm(remove, { recursive: true, force: true }));
});

async function opened(at: string, options: Partial<Parameters<typeof openJournalFile>[1]> = {}) {
  const warn = (message: string) => void warnings.push(message);
  const file = await openJournalFile(at, { maxBytes: 1024 ** 2, keep: 3, warn, ...options });
  onTestFinished(() => file.close());
  return file;
}

function writeMany(file: JournalFile, from: number, to: number): void {
  for (let id = from; id <= to; id += 1) file.write(entry(id));
}

/** Returns the ids in a file. Each line must be a whole entry. */
async function ids(at: string): Promise<number[]> {
  const text = await readFile(at, 'utf8');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).id);
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a journal file', () => {
  it('has a line for each entry, in order, and all of them once it is closed', async () => {
    const file = await opened(path);
    writeMany(file, 1, 5000);
    await file.close();
    expect(await ids(path)).toEqual(upTo(5000));
    expect([file.dropped, warnings]).toEqual([0, []]);
  });

  it('is written while it is open', async () => {
    const file = await opened(path);
    file.write(entry(1));
    await eventually('the line is there', async () => (await readFile(path, 'utf8')).endsWith('\n'));
    file.write(entry(2));
    await eventually('so is the next', async () => (await ids(path)).length === 2);
  });

  it('leaves fields that do not apply out of a line', async () => {
    const file = await opened(path);
    file.write({ ...entry(1, 'a\nb \u2028 你'), bucket: undefined });
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('{"id":1,"key":"a\\nb \u2028 你"}\n');
  });

  it('appends to the lines of an earlier run', async () => {
    for (const [from, to] of [
      [1, 3],
      [4, 6],
    ] as const) {
      const file = await opened(path);
      writeMany(file, from, to);
      await file.close();
    }
    expect(await ids(path)).toEqual(upTo(6));
  });

  it('begins a new line after a line that a killed run left unfinished', async () => {
    await writeFile(path, '{"id":1}\n{"id":2,"ke');
    const file = await opened(path);
    writeMany(file, 3, 4);
    await file.close();
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines.map((line) => line.slice(0, 8))).toEqual([
      '{"id":1}',
      '{"id":2,',
      '{"id":3,',
      '{"id":4,',
      '',
    ]);
  });

  it('drops entries that are written after it was closed', async () => {
    const file = await opened(path);
    await file.close();
    expect(file.loss).toBeUndefined();
    file.write(entry(1));
    expect([await ids(path), file.dropped]).toEqual([[], 1]);
    expect(file.loss).toBe(`1 entry was not written to ${path}: it was being closed`);
  });

  it('drops a line that is larger than all that may wait, and says so', async () => {
    const file = await opened(path, { maxWaiting: 5000 });
    file.write(entry(1, 'k'.repeat(6000)));
    expect(file.dropped).toBe(1);
    expect(warnings[0]).toMatch(
      /: an entry of 5\.88KiB is more than may wait to be written\. up to 4\.88KiB /,
    );
    file.write(entry(2));
    await file.close();
    expect(await ids(path)).toEqual([2]);
  });
});

describe('a journal file that has grown', () => {
  it('is rotated before it is too large, keeps that many files, and never splits a line', async () => {
    const file = await opened(path, { maxBytes: 1000, keep: 2 });
    writeMany(file, 1, 50);
    await file.close();
    expect((await readdir(folder)).sort()).toEqual([
      'journal.ndjson',
      'journal.ndjson.1',
      'journal.ndjson.2',
    ]);
    const kept: number[] = [];
    for (const name of ['.2', '.1', '']) {
      expect((await readFile(path + name)).length).toBeLessThanOrEqual(1000);
      kept.push(...(await ids(path + name)));
    }
    expect(kept).toEqual(upTo(50, 51 - kept.length));
    expect(kept.length).toBeGreaterThan(20);
    expect([file.dropped, warnings]).toEqual([0, []]);
  });

  it('is rotated by the next run, if that finds it full', async () => {
    await writeFile(path, `${JSON.stringify(entry(1, 'k'.repeat(990)))}\n`);
    const file = await opened(path, { maxBytes: 1000 });
    file.write(entry(2));
    await file.close();
    expect([await ids(`${path}.1`), await ids(path)]).toEqual([[1], [2]]);
  });

  it('has a file for a single line that is larger than a whole file', async () => {
    const file = await opened(path, { maxBytes: 50, keep: 3 });
    writeMany(file, 1, 3);
    await file.close();
    expect([await ids(`${path}.2`), await ids(`${path}.1`), await ids(path)]).toEqual([[1], [2], [3]]);
  });

  it('loses no older file if it cannot be rotated, and goes on when it can', async () => {
    await writeFile(`${path}.1`, '{"id":-1}\n');
    await writeFile(`${path}.2`, '{"id":-2}\n');
    // A file cannot replace a folder.
    await mkdir(join(`${path}.3`, 'full'), { recursive: true });
    const file = await opened(path, { maxBytes: 1000, keep: 3 });
    writeMany(file, 1, 20);
    await eventually('it has said so', () => warnings.length === 1);
    expect(warnings[0]).toMatch(/^the journal file ".*" cannot be written as it should: E[A-Z]+: /);
    expect([await ids(`${path}.1`), await ids(`${path}.2`)]).toEqual([[-1], [-2]]);
    await rm(`${path}.3`, { recursive: true });
    await eventually('the rest is there', async () => (await ids(path)).at(-1) === 20);
    expect([file.dropped, warnings.length]).toEqual([0, 1]);
    expect([await ids(`${path}.2`), await ids(`${path}.3`)]).toEqual([[-1], [-2]]);
  });

  it('is created again if somebody has removed it', async () => {
    const file = await opened(path, { maxBytes: 500 });
    writeMany(file, 1, 3);
    await eventually('it is written', async () => (await ids(path)).length === 3);
    await rm(path);
    writeMany(file, 4, 8);
    await file.close();
    expect((await ids(path)).at(-1)).toBe(8);
    expect(await readdir(folder)).toEqual(['journal.ndjson']);
  });
});

describe('a journal file whose name leads to another file', () => {
  it('is opened again within about a second if it was removed', async () => {
    const file = await opened(path);
    writeMany(file, 1, 3);
    await eventually('it is written', async () => (await ids(path)).length === 3);
    await rm(path);
    let id = 3;
    await eventually('it is there again', async () => {
      id += 1;
      file.write(entry(id));
      return (await readdir(folder)).length === 1;
    });
    await file.close();
    const found = await ids(path);
    expect(found).toEqual(upTo(id, found[0]));
    expect(warnings).toEqual([]);
  });

  it('leaves the earlier lines in the renamed file, and loses none', async () => {
    const file = await opened(path);
    writeMany(file, 1, 3);
    await eventually('it is written', async () => (await ids(path)).length === 3);
    await rename(path, `${path}.old`);
    let id = 3;
    await eventually('it is there again', async () => {
      id += 1;
      file.write(entry(id));
      return (await readdir(folder)).length === 2;
    });
    await file.close();
    expect([...(await ids(`${path}.old`)), ...(await ids(path))]).toEqual(upTo(id));
  });

  it('begins a new line if the other file ends in the middle of a line', async () => {
    const file = await opened(path);
    writeMany(file, 1, 1);
    await eventually('it is written', async () => (await ids(path)).length === 1);
    await writeFile(`${path}.torn`, '{"id":-1');
    await rename(`${path}.torn`, path);
    let id = 1;
    await eventually('it is taken for its own', async () => {
      id += 1;
      file.write(entry(id));
      return (await readFile(path, 'utf8')).includes('\n');
    });
    await file.close();
    expect((await readFile(path, 'utf8')).split('\n').slice(0, 2)).toEqual([
      '{"id":-1',
      expect.stringMatching(/^\{"id":\d+,.*\}$/),
    ]);
  });

  it('is rotated beside the file that its name links to', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(join(elsewhere, 'j'), path);
    const file = await opened(path, { maxBytes: 500 });
    writeMany(file, 1, 6);
    await file.close();
    expect([await readdir(folder), await readdir(elsewhere)]).toEqual([
      ['elsewhere', 'journal.ndjson'],
      ['j', 'j.1'],
    ]);
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect([...(await ids(join(elsewhere, 'j.1'))), ...(await ids(path))]).toEqual(upTo(6));
  });
});

/** Makes a pipe with a reader that does not read yet. */
async function pipe() {
  execFileSync('mkfifo', [path]);
  // Opened for writing as well, or the open would wait for a writer.
  const reader = await open(path, 'r+');
  onTestFinished(() => reader.close().catch(() => {}));
  return reader;
}

/** Reads a pipe until `stop` is called; the read ends with the next bytes. */
function reading(reader: FileHandle) {
  let text = '';
  let isStopped = false;
  const read = async () => {
    while (!isStopped) {
      const { buffer, bytesRead } = await reader.read(Buffer.alloc(PIPE));
      text += buffer.toString('utf8', 0, bytesRead);
    }
  };
  const ended = read();
  const stop = () => {
    isStopped = true;
    return ended;
  };
  return { text: () => text, stop };
}

/** Capacity of a pipe on Linux, in bytes. */
const PIPE = 65_536;

describe.skipIf(process.platform !== 'linux')('a journal file that cannot be written', () => {
  it('because nobody reads the pipe lets 20 KiB wait, drops and counts the rest, and warns once', async () => {
    const reader = await pipe();
    await reader.write(Buffer.alloc(PIPE));
    const file = await opened(path, { maxWaiting: 20 * 1024 });
    const lines = 10_000;
    for (let id = 1; id <= lines; id += 1) {
      file.write(entry(id));
      if (id % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const { dropped } = file;
    expect(dropped).toBeGreaterThan(lines - 250);
    expect(warnings).toEqual([
      `the journal file "${path}" cannot be written as it should: it is written more slowly than exchanges end. up to 20KiB of entries wait, what is more is dropped and counted`,
    ]);
    await file.close();
    expect(dropped).toBeLessThan(lines);
    expect(file.dropped).toBe(lines);
  });

  it('gets each line that was not dropped, whole, once the pipe is read again', async () => {
    const reader = await pipe();
    const file = await opened(path, { maxWaiting: 200_000 });
    writeMany(file, 1, 3000);
    await eventually('some are dropped', () => file.dropped > 0);
    const { text, stop } = reading(reader);
    const expected = 3000 - file.dropped;
    await eventually('they have come', () => text().split('\n').length > expected);
    const read = text().trimEnd().split('\n');
    expect(read.map((line) => JSON.parse(line).id)).toEqual(upTo(expected));
    writeMany(file, 3001, 3001);
    await eventually('it goes on', () => text().includes('"id":3001'));
    const stopped = stop();
    // The pending read has to end, or the file would not close.
    writeMany(file, 3002, 3002);
    await stopped;
  });

  it('because the disk is full waits, then drops and counts, and closes soon', async () => {
    const file = await opened('/dev/full', { maxWaiting: 5000 });
    writeMany(file, 1, 10);
    await eventually('it has said so', () => warnings.length === 1);
    expect(warnings[0]).toMatch(/^the journal file "\/dev\/full" .*: ENOSPC: no space left on device/);
    expect(file.dropped).toBe(0);
    writeMany(file, 11, 100);
    expect(file.dropped).toBeGreaterThan(40);
    await file.close();
    expect([file.dropped, warnings.length]).toEqual([100, 1]);
    expect(file.loss).toBe(
      '100 entries were not written to /dev/full: ENOSPC: no space left on device, write',
    );
  });
});

describe('a journal file that cannot be opened is refused with the reason', () => {
  it('in a missing folder', async () => {
    await expect(opened(join(folder, 'no/j'))).rejects.toThrow(
      `the journal file "${folder}/no/j" cannot be opened: there is no folder "${folder}/no"`,
    );
  });

  it('that has no name', async () => {
    await expect(opened('')).rejects.toThrow('the journal file "" cannot be opened: it has no name');
  });

  it('that is a folder', async () => {
    await expect(opened(folder)).rejects.toThrow('cannot be opened: it is a folder');
  });

  it('that is a pipe without a reader', async () => {
    execFileSync('mkfifo', [path]);
    await expect(opened(path)).rejects.toThrow('cannot be opened: it is a pipe that nobody reads');
  });

  it('that may not be written', async () => {
    await appendFile(path, '');
    await chmod(path, 0o400);
    // Root may write anything, so it becomes `nobody` during the test.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      await expect(opened(path)).rejects.toThrow('cannot be opened: no permission to write it');
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});
