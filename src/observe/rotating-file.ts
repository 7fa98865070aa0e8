import { constants, fstatSync, type Stats } from 'node:fs';
import { access, type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';

/** Time in ms between two checks that a name still leads to the open file. */
const CHECK_INTERVAL = 1000;

const NEWLINE = 0x0a;

/** Open file with what was found out about it when it was opened. */
interface Opened {
  readonly handle: FileHandle;
  readonly about: Stats;
  /** Real path, with links followed; `undefined` if it cannot be rotated: a pipe, or the file of standard output. */
  readonly place: string | undefined;
  /** True if the file ends in the middle of a line, as a killed process leaves it. */
  readonly isTorn: boolean;
}

/** File that lines are appended to, and that is rotated under numbered names. */
export class RotatingFile {
  readonly #name: string;
  #opened: Opened;
  #size: number;
  #isTorn: boolean;
  /** Time of the latest check, in ms of `performance.now()`. */
  #checkedAt = performance.now();

  /** Opens a file, or throws the error of the system. */
  static async open(name: string): Promise<RotatingFile> {
    return new RotatingFile(name, await openAt(name));
  }

  private constructor(name: string, opened: Opened) {
    this.#name = name;
    this.#opened = opened;
    this.#size = opened.about.size;
    this.#isTorn = opened.isTorn;
  }

  /** Size in bytes; `undefined` if the file cannot be rotated. */
  get size(): number | undefined {
    return this.#opened.place === undefined ? undefined : this.#size;
  }

  /**
   * Opens the name again if it leads to another file now, or to none: somebody has removed or renamed the file. Checks at
   * most once a second. Resolves to true if the file was opened again.
   */
  async reopenIfMoved(): Promise<boolean> {
    const { about, place } = this.#opened;
    if (place === undefined || performance.now() < this.#checkedAt + CHECK_INTERVAL) return false;
    const current = await stat(this.#name).catch(() => undefined);
    const isMoved = current === undefined || !isSame(current, about);
    if (isMoved) await this.#reopen();
    this.#checkedAt = performance.now();
    return isMoved;
  }

  /** Writes some of these bytes and resolves with their number. They start a new line if the file ends in mid-line. */
  async write(bytes: Buffer): Promise<number> {
    const { handle } = this.#opened;
    if (this.#isTorn) {
      await handle.write('\n');
      this.#isTorn = false;
      this.#size += 1;
    }
    const { bytesWritten } = await handle.write(bytes);
    this.#size += bytesWritten;
    return bytesWritten;
  }

  /** Renames the file to NAME.1, NAME.1 to NAME.2 and so on up to `keep`, and begins a new file. */
  async rotate(keep: number): Promise<void> {
    const { place } = this.#opened;
    if (place === undefined) return;
    await moveUp(place, 0, keep);
    await this.#reopen();
  }

  async close(): Promise<void> {
    // Some file systems report only at close that they are gone. Nothing can be saved then.
    await this.#opened.handle.close().catch(() => {});
  }

  async #reopen(): Promise<void> {
    const opened = await openAt(this.#name);
    await this.close();
    this.#opened = opened;
    this.#size = opened.about.size;
    this.#isTorn = opened.isTorn;
  }
}

async function openAt(name: string): Promise<Opened> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK = 0 } = constants; // Windows has no O_NONBLOCK
  // A pipe without a reader, or a full one, must not block one of the few threads for files.
  const handle = await open(name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK);
  const about = await handle.stat();
  const place = about.isFile() && !isOutput(about) ? await realpath(name) : undefined;
  return { handle, about, place, isTorn: about.isFile() && (await endsTorn(name, about.size)) };
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

/** Tells whether standard output or error go to this file. It cannot be rotated: they would keep the old file. */
function isOutput(about: Stats): boolean {
  return [1, 2].some((descriptor) => {
    try {
      return isSame(fstatSync(descriptor), about);
    } catch {
      return false;
    }
  });
}

/** Tells whether a file ends in the middle of a line; false if it may not be read. */
async function endsTorn(name: string, size: number): Promise<boolean> {
  const handle = size === 0 ? undefined : await open(name, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return bytesRead === 1 && buffer[0] !== NEWLINE;
  } finally {
    await handle.close();
  }
}

/**
 * Gives a file the next number (0 is the file without one). The file that has this number moves up first, and the last
 * one is overwritten. Files after a gap stay: otherwise a rotation that fails again and again would push all of them out.
 */
async function moveUp(path: string, number: number, keep: number): Promise<void> {
  const from = number === 0 ? path : `${path}.${number}`;
  if (number === keep || !(await exists(from))) return;
  await moveUp(path, number + 1, keep);
  await rename(from, `${path}.${number + 1}`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
