import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { formatSize } from '../notation/units.ts';
import type { JournalEntry } from './journal.ts';
import { AppendedFile } from './rotating-file.ts';

/** How a journal file is kept; sizes in bytes. */
interface JournalFileOptions {
  /** Before the file would grow larger than this it is put aside: FILE becomes FILE.1, FILE.1 becomes FILE.2. */
  readonly maxBytes: number;
  /** Number of files put aside that are kept, at least 1. */
  readonly keep: number;
  /** What may wait to be written; 8 MiB if left out. */
  readonly maxWaiting?: number;
  /** Told once per stretch of trouble; left out: a warning of the process. */
  readonly warn?: ((message: string) => void) | undefined;
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
    return new JournalFile(path, await AppendedFile.open(path), options);
  } catch (cause) {
    throw new Error(`the journal file "${path}" cannot be opened: ${reason(cause, path)}`, { cause });
  }
}

const SLOW = 'it is written more slowly than exchanges end';

/**
 * Writes entries down, one JSON line each, and keeps nobody waiting: there is one write at a time, what comes meanwhile
 * waits, and what is more than may wait is dropped and counted. What cannot be written is tried again until it can be.
 */
export class JournalFile {
  readonly #path: string;
  readonly #file: AppendedFile;
  readonly #maxBytes: number;
  readonly #keep: number;
  readonly #maxWaiting: number;
  readonly #warn: (message: string) => void;
  /** Lines that wait, oldest first; and those being written, with how many of their bytes are. */
  #lines: Buffer[] = [];
  #batch: Buffer = Buffer.alloc(0);
  #done = 0;
  #waiting = 0;
  #dropped = 0;
  /** Why the latest were dropped. */
  #why = '';
  #writing: Promise<void> | undefined;
  /** What is wrong, while something is. */
  #trouble: string | undefined;
  /** When to give up, in ms of `performance.now()`. */
  #deadline = Number.POSITIVE_INFINITY;

  constructor(path: string, file: AppendedFile, options: JournalFileOptions) {
    this.#path = path;
    this.#file = file;
    this.#maxBytes = options.maxBytes;
    this.#keep = options.keep;
    this.#maxWaiting = options.maxWaiting ?? 8 * 1024 ** 2;
    this.#warn = options.warn ?? ((message) => process.emitWarning(message));
  }

  /** Entries that were not written and will not be. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What is missing in it and why, in a sentence; `undefined` while nothing is. */
  get loss(): string | undefined {
    if (this.#dropped === 0) return undefined;
    const entries = this.#dropped === 1 ? '1 entry was' : `${this.#dropped} entries were`;
    return `${entries} not written to ${this.#path}: ${this.#why}`;
  }

  /** Writes an entry as soon as may be; returns at once. */
  write(entry: JournalEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    const why = this.#whyNot(line.length);
    if (why !== undefined) {
      this.#drop(1, this.#trouble ?? why);
      this.#sayTrouble(why);
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
    await this.#file.close();
  }

  #whyNot(bytes: number): string | undefined {
    if (this.#deadline < Number.POSITIVE_INFINITY) return 'it was being closed';
    if (bytes > this.#maxWaiting)
      return `an entry of ${formatSize(bytes)} is more than may wait to be written`;
    return this.#waiting + bytes > this.#maxWaiting ? SLOW : undefined;
  }

  async #writeAll(): Promise<void> {
    // What ends in the same turn goes into one write.
    await nextTurn();
    while (this.#lines.length > 0 || this.#done < this.#batch.length) {
      try {
        await this.#writeSome();
      } catch (error) {
        // A full pipe is no failure: its reader is slow, and nothing is lost yet.
        const isSlow = hasCode(error, 'EAGAIN');
        const why = isSlow ? SLOW : error instanceof Error ? error.message : String(error);
        if (performance.now() > this.#deadline) this.#giveUp(why);
        if (!isSlow) this.#sayTrouble(why);
        await sleep(RETRY);
      }
    }
    this.#trouble = undefined;
    this.#writing = undefined;
  }

  async #writeSome(): Promise<void> {
    if (await this.#file.follow()) this.#beginLineAgain();
    if (this.#done === this.#batch.length) {
      const { size } = this.#file;
      const next = this.#lines[0]?.length ?? 0;
      if (size !== undefined && size > 0 && size + next > this.#maxBytes) {
        await this.#file.putAside(this.#keep);
      }
      this.#batch = this.#take();
      this.#done = 0;
    }
    const bytes = await this.#file.write(this.#batch.subarray(this.#done));
    this.#done += bytes;
    this.#waiting -= bytes;
  }

  /** The beginning of a line that is being written is in a file that is not this one any more. */
  #beginLineAgain(): void {
    const begin = this.#done === 0 ? 0 : this.#batch.lastIndexOf(NEWLINE, this.#done - 1) + 1;
    this.#waiting += this.#done - begin;
    this.#done = begin;
  }

  /** As many of the lines that wait as the file has room for, one in any case. */
  #take(): Buffer {
    const { size } = this.#file;
    const room = size === undefined ? BATCH : Math.min(BATCH, this.#maxBytes - size);
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#lines) {
      if (count > 0 && bytes + length > room) break;
      count += 1;
      bytes += length;
    }
    return Buffer.concat(this.#lines.splice(0, count), bytes);
  }

  #giveUp(why: string): void {
    this.#drop(this.#lines.length + linesIn(this.#batch.subarray(this.#done)), why);
    this.#lines = [];
    this.#done = this.#batch.length;
  }

  #drop(count: number, why: string): void {
    if (count > 0) this.#why = why;
    this.#dropped += count;
  }

  #sayTrouble(why: string): void {
    if (this.#trouble !== undefined) return;
    this.#trouble = why;
    const waits = `up to ${formatSize(this.#maxWaiting)} of entries wait, what is more is dropped and counted`;
    this.#warn(`the journal file "${this.#path}" cannot be written as it should: ${why}. ${waits}`);
  }
}

const NEWLINE = 0x0a;

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
  if (path === '') return 'it has no name';
  if (hasCode(cause, 'ENOENT')) return `there is no folder "${dirname(path)}"`;
  if (hasCode(cause, 'EISDIR')) return 'it is a folder';
  if (hasCode(cause, 'ENXIO')) return 'it is a pipe that nobody reads';
  if (hasCode(cause, 'EACCES') || hasCode(cause, 'EPERM')) return 'no permission to write it';
  return cause instanceof Error ? cause.message : String(cause);
}
