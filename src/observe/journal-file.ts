import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { formatSize } from '../notation/units.ts';
import type { JournalEntry } from './journal.ts';
import { RotatingFile } from './rotating-file.ts';

/** Settings of a journal file; sizes in bytes. */
interface JournalFileOptions {
  /** Largest size of the file. Before it would grow larger it is rotated: FILE becomes FILE.1, FILE.1 becomes FILE.2. */
  readonly maxBytes: number;
  /** Number of rotated files that are kept, at least 1. */
  readonly keep: number;
  /** Bytes that may wait to be written; 8 MiB if left out. */
  readonly maxWaiting?: number;
  /** Called once per period of trouble; a warning of the process if left out. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** Largest single write, in bytes. It is in memory twice. */
const BATCH = 1024 ** 2;

/** Time in ms between two attempts to write to a file that fails. */
const RETRY_INTERVAL = 100;

/** Time in ms that closing waits for a file that cannot be written to. */
const CLOSE_TIMEOUT = 1000;

/** Opens a file for the lines of a journal (NDJSON), to append to it. Throws an Error with the reason if it cannot. */
export async function openJournalFile(path: string, options: JournalFileOptions): Promise<JournalFile> {
  try {
    return new JournalFile(path, await RotatingFile.open(path), options);
  } catch (cause) {
    throw new Error(`the journal file "${path}" cannot be opened: ${openFailure(cause, path)}`, { cause });
  }
}

const TOO_SLOW = 'it is written more slowly than exchanges end';

/**
 * Writes entries to a file, one JSON line each, and never blocks the caller. There is one write at a time. Entries that
 * come meanwhile wait; entries beyond `maxWaiting` are dropped and counted. A failed write is tried again until it works.
 */
export class JournalFile {
  readonly #path: string;
  readonly #file: RotatingFile;
  readonly #maxBytes: number;
  readonly #keep: number;
  readonly #maxWaiting: number;
  readonly #warn: (message: string) => void;
  /** Waiting lines, oldest first. */
  #lines: Buffer[] = [];
  /** Lines that are being written, and how many of their bytes have been. */
  #batch: Buffer = Buffer.alloc(0);
  #written = 0;
  #waitingBytes = 0;
  #dropped = 0;
  /** Reason why the latest entries were dropped. */
  #dropReason = '';
  #writing: Promise<void> | undefined;
  /** Reason why writing fails, while it does. */
  #trouble: string | undefined;
  /** Time to give up, in ms of `performance.now()`. */
  #deadline = Number.POSITIVE_INFINITY;

  constructor(path: string, file: RotatingFile, options: JournalFileOptions) {
    this.#path = path;
    this.#file = file;
    this.#maxBytes = options.maxBytes;
    this.#keep = options.keep;
    this.#maxWaiting = options.maxWaiting ?? 8 * 1024 ** 2;
    this.#warn = options.warn ?? ((message) => process.emitWarning(message));
  }

  /** Number of entries that were not written and will not be. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sentence that says how many entries are missing and why; `undefined` while none is. */
  get loss(): string | undefined {
    if (this.#dropped === 0) return undefined;
    const entries = this.#dropped === 1 ? '1 entry was' : `${this.#dropped} entries were`;
    return `${entries} not written to ${this.#path}: ${this.#dropReason}`;
  }

  /** Queues an entry to be written, and returns at once. */
  write(entry: JournalEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    const reason = this.#refusalReason(line.length);
    if (reason !== undefined) {
      this.#drop(1, this.#trouble ?? reason);
      this.#reportTrouble(reason);
      return;
    }
    this.#lines.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Writes the waiting entries, gives up after a second if that fails, and closes the file. */
  async close(): Promise<void> {
    this.#deadline = performance.now() + CLOSE_TIMEOUT;
    await this.#writing;
    await this.#file.close();
  }

  #refusalReason(bytes: number): string | undefined {
    if (this.#deadline < Number.POSITIVE_INFINITY) return 'it was being closed';
    if (bytes > this.#maxWaiting)
      return `an entry of ${formatSize(bytes)} is more than may wait to be written`;
    return this.#waitingBytes + bytes > this.#maxWaiting ? TOO_SLOW : undefined;
  }

  async #writeAll(): Promise<void> {
    // Exchanges that end in the same turn of the event loop go into one write.
    await nextTurn();
    while (this.#lines.length > 0 || this.#written < this.#batch.length) {
      try {
        await this.#writeSome();
      } catch (error) {
        // A full pipe is not a failure: its reader is slow, and nothing is lost yet.
        const isSlow = hasCode(error, 'EAGAIN');
        const reason = isSlow ? TOO_SLOW : error instanceof Error ? error.message : String(error);
        if (performance.now() > this.#deadline) this.#giveUp(reason);
        if (!isSlow) this.#reportTrouble(reason);
        await sleep(RETRY_INTERVAL);
      }
    }
    this.#trouble = undefined;
    this.#writing = undefined;
  }

  async #writeSome(): Promise<void> {
    if (await this.#file.reopenIfMoved()) this.#restartLine();
    if (this.#written === this.#batch.length) {
      const { size } = this.#file;
      const next = this.#lines[0]?.length ?? 0;
      if (size !== undefined && size > 0 && size + next > this.#maxBytes) {
        await this.#file.rotate(this.#keep);
      }
      this.#batch = this.#nextBatch();
      this.#written = 0;
    }
    const bytes = await this.#file.write(this.#batch.subarray(this.#written));
    this.#written += bytes;
    this.#waitingBytes -= bytes;
  }

  /** Goes back to the beginning of the current line: the part that was written is in another file. */
  #restartLine(): void {
    const begin = this.#written === 0 ? 0 : this.#batch.lastIndexOf(NEWLINE, this.#written - 1) + 1;
    this.#waitingBytes += this.#written - begin;
    this.#written = begin;
  }

  /** Takes as many waiting lines as the file has room for, but at least one. */
  #nextBatch(): Buffer {
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

  #giveUp(reason: string): void {
    this.#drop(this.#lines.length + linesIn(this.#batch.subarray(this.#written)), reason);
    this.#lines = [];
    this.#written = this.#batch.length;
  }

  #drop(count: number, reason: string): void {
    if (count > 0) this.#dropReason = reason;
    this.#dropped += count;
  }

  #reportTrouble(reason: string): void {
    if (this.#trouble !== undefined) return;
    this.#trouble = reason;
    const limit = `up to ${formatSize(this.#maxWaiting)} of entries wait, what is more is dropped and counted`;
    this.#warn(`the journal file "${this.#path}" cannot be written as it should: ${reason}. ${limit}`);
  }
}

const NEWLINE = 0x0a;

/** Counts the lines whose content is not yet written. A lone line break belongs to a line that is. */
function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE, 1); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function openFailure(cause: unknown, path: string): string {
  if (path === '') return 'it has no name';
  if (hasCode(cause, 'ENOENT')) return `there is no folder "${dirname(path)}"`;
  if (hasCode(cause, 'EISDIR')) return 'it is a folder';
  if (hasCode(cause, 'ENXIO')) return 'it is a pipe that nobody reads';
  if (hasCode(cause, 'EACCES') || hasCode(cause, 'EPERM')) return 'no permission to write it';
  return cause instanceof Error ? cause.message : String(cause);
}
