import { constants } from 'node:fs';
import { access, type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from './journal.ts';
import { formatSize } from './units.ts';

/** How a journal file is kept; sizes in bytes. */
interface JournalFileOptions {
  /** Before the file would grow larger than this it is put aside: FILE becomes FILE.1, FILE.1 becomes FILE.2. */
  readonly maxBytes: number;
  /** Number of files put aside that are kept, at least 1. */
  readonly keep: number;
  /** What may wait to be written; 8 MiB if left out. */
  readonly maxWaiting?: number;
  /** Told once per stretch of trouble; left out: a warning of the process. */
  readonly warn?: (message: string) => void;
}

/** What is written in one go, at most; in memory it is there twice. */
const BATCH = 1024 ** 2;

/** ms between two attempts to write to what cannot be written to. */
const RETRY = 100;

/** ms that closing waits for what cannot be written to. */
const PATIENCE = 1000;

/** Opens a file for the lines of a journal (NDJSON), behind those that it has; throws an Error with a sentence if it cannot be. */
export async function openJournalFile(path: string, options: JournalFileOptions): Promise<JournalFile> {
  try {
    const handle = await openToAppend(path);
    const about = await handle.stat();
    const isTorn = about.isFile() && about.size > 0 && (await endsTorn(path, about.size));
    const state = { handle, size: about.size, isFile: about.isFile(), isTorn };
    return new JournalFile(path, state, options);
  } catch (cause) {
    throw new Error(`the journal file "${path}" cannot be opened: ${reason(cause, path)}`, { cause });
  }
}

/**
 * Writes entries down, one JSON line each, and keeps nobody waiting: there is one write at a time, what comes meanwhile
 * waits, and what is more than may wait is dropped and counted. What cannot be written is tried again until it can be.
 */
export class JournalFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #keep: number;
  readonly #maxWaiting: number;
  readonly #warn: (message: string) => void;
  #handle: FileHandle;
  #size: number;
  /** Anything else (a pipe, /dev/stdout) has no size to go by, and no second name. */
  readonly #isFile: boolean;
  /** Lines that wait, oldest first; and the bytes of those being written that are still to be. */
  #lines: Buffer[] = [];
  #rest: Buffer;
  #waiting = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #inTrouble = false;
  /** When to give up, in ms of `performance.now()`. */
  #deadline = Number.POSITIVE_INFINITY;

  constructor(
    path: string,
    state: {
      readonly handle: FileHandle;
      readonly size: number;
      readonly isFile: boolean;
      readonly isTorn: boolean;
    },
    options: JournalFileOptions,
  ) {
    this.#path = path;
    this.#handle = state.handle;
    this.#size = state.size;
    this.#isFile = state.isFile;
    // Whoever wrote last was killed in the middle of a line.
    this.#rest = Buffer.from(state.isTorn ? '\n' : '');
    this.#maxBytes = options.maxBytes;
    this.#keep = options.keep;
    this.#maxWaiting = options.maxWaiting ?? 8 * 1024 ** 2;
    this.#warn = options.warn ?? ((message) => process.emitWarning(message));
  }

  /** Entries that were not written and will not be. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes an entry as soon as may be; returns at once. */
  write(entry: JournalEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    if (this.#deadline < Number.POSITIVE_INFINITY || this.#waiting + line.length > this.#maxWaiting) {
      this.#dropped += 1;
      this.#sayTrouble('it is written more slowly than exchanges end');
      return;
    }
    this.#lines.push(line);
    this.#waiting += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Writes what waits, gives up after a second where that cannot be, and closes the file. */
  async close(): Promise<void> {
    this.#deadline = performance.now() + PATIENCE;
    await this.#writing;
    // There is nothing left to lose; a file system may say only now that it has gone.
    await this.#handle.close().catch(() => {});
  }

  async #writeAll(): Promise<void> {
    // What ends in the same turn goes into one write.
    await nextTurn();
    while (this.#lines.length > 0 || this.#rest.length > 0) {
      try {
        await this.#writeSome();
      } catch (error) {
        if (performance.now() > this.#deadline) this.#giveUp();
        // A full pipe is no failure: its reader is slow, and nothing is lost yet.
        if (!hasCode(error, 'EAGAIN'))
          this.#sayTrouble(error instanceof Error ? error.message : String(error));
        await sleep(RETRY);
      }
    }
    this.#inTrouble = false;
    this.#writing = undefined;
  }

  async #writeSome(): Promise<void> {
    if (this.#rest.length === 0) {
      const next = this.#lines[0]?.length ?? 0;
      if (this.#isFile && this.#size > 0 && this.#size + next > this.#maxBytes) await this.#rotate();
      this.#rest = this.#take();
    }
    const { bytesWritten } = await this.#handle.write(this.#rest);
    this.#rest = this.#rest.subarray(bytesWritten);
    this.#size += bytesWritten;
    this.#waiting -= bytesWritten;
  }

  /** As many of the lines that wait as the file has room for, one in any case. */
  #take(): Buffer {
    const room = this.#isFile ? Math.min(BATCH, this.#maxBytes - this.#size) : BATCH;
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#lines) {
      if (count > 0 && bytes + length > room) break;
      count += 1;
      bytes += length;
    }
    return Buffer.concat(this.#lines.splice(0, count), bytes);
  }

  async #rotate(): Promise<void> {
    await moveOn(this.#path, 0, this.#keep);
    const handle = await openToAppend(this.#path);
    await this.#handle.close().catch(() => {});
    this.#handle = handle;
    this.#size = (await handle.stat()).size;
  }

  #giveUp(): void {
    this.#dropped += this.#lines.length + linesIn(this.#rest);
    this.#lines = [];
    this.#rest = Buffer.alloc(0);
  }

  #sayTrouble(why: string): void {
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    const waits = `up to ${formatSize(this.#maxWaiting)} of entries wait, what is more is dropped and counted`;
    this.#warn(`the journal file "${this.#path}" cannot be written as it should: ${why}. ${waits}`);
  }
}

const NEWLINE = 0x0a;

/** A pipe that nobody reads must not keep one of the few threads for files waiting, neither now nor when it is full. */
function openToAppend(path: string): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK = 0 } = constants; // Windows has no O_NONBLOCK
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK);
}

/** Whether the file ends in the middle of a line; one that may not be read is taken for whole. */
async function endsTorn(path: string, size: number): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return bytesRead === 1 && buffer[0] !== NEWLINE;
  } finally {
    await handle.close();
  }
}

/**
 * Gives a file the next number, 0 being the one without; what has that number moves on before it, and the last is
 * overwritten. Nothing moves beyond a gap: a move that fails again and again would push every file out otherwise.
 */
async function moveOn(path: string, number: number, keep: number): Promise<void> {
  const from = number === 0 ? path : `${path}.${number}`;
  if (number === keep || !(await exists(from))) return;
  await moveOn(path, number + 1, keep);
  await rename(from, `${path}.${number + 1}`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A line that lacks nothing but its end is one already. */
function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE, 1); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function reason(cause: unknown, path: string): string {
  if (hasCode(cause, 'ENOENT')) return `there is no folder "${dirname(path)}"`;
  if (hasCode(cause, 'EISDIR')) return 'it is a folder';
  if (hasCode(cause, 'ENXIO')) return 'it is a pipe that nobody reads';
  if (hasCode(cause, 'EACCES') || hasCode(cause, 'EPERM')) return 'no permission to write it';
  return cause instanceof Error ? cause.message : String(cause);
}
