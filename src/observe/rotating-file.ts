import { constants, fstatSync, type Stats } from 'node:fs';
import { access, type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';

/** ms between two looks at whether a file is still what its name leads to. */
const LOOK = 1000;

const NEWLINE = 0x0a;

/** A file as it was opened. */
interface Opened {
  readonly handle: FileHandle;
  readonly about: Stats;
  /** Where it is, links followed; `undefined` for what keeps its name: a pipe, and what standard output goes to. */
  readonly place: string | undefined;
  /** Whoever wrote last was killed in the middle of a line. */
  readonly isTorn: boolean;
}

/** A file that lines are written to, behind those that it has, and that is put aside under numbered names. */
export class AppendedFile {
  readonly #name: string;
  #opened: Opened;
  #size: number;
  #isTorn: boolean;
  /** In ms of `performance.now()`. */
  #lookedAt = performance.now();

  /** Opens it, or throws what the system says. */
  static async open(name: string): Promise<AppendedFile> {
    return new AppendedFile(name, await openAt(name));
  }

  private constructor(name: string, opened: Opened) {
    this.#name = name;
    this.#opened = opened;
    this.#size = opened.about.size;
    this.#isTorn = opened.isTorn;
  }

  /** Bytes it has, where it is one that can be put aside. */
  get size(): number | undefined {
    return this.#opened.place === undefined ? undefined : this.#size;
  }

  /**
   * Opens its name anew where that leads to another file by now, or to none: somebody has removed it, or put it aside.
   * Looks once a second at most; whether that was so.
   */
  async follow(): Promise<boolean> {
    const { about, place } = this.#opened;
    if (place === undefined || performance.now() < this.#lookedAt + LOOK) return false;
    const there = await stat(this.#name).catch(() => undefined);
    const isOther = there === undefined || !isSame(there, about);
    if (isOther) await this.#reopen();
    this.#lookedAt = performance.now();
    return isOther;
  }

  /** Writes some of these bytes, and gives how many; they begin a line of their own. */
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

  /** Puts it aside as NAME.1, NAME.1 as NAME.2 and so on up to `keep`, and begins a new one. */
  async putAside(keep: number): Promise<void> {
    const { place } = this.#opened;
    if (place === undefined) return;
    await moveOn(place, 0, keep);
    await this.#reopen();
  }

  async close(): Promise<void> {
    // There is nothing left to lose; a file system may say only now that it has gone.
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
  // A pipe that nobody reads must not keep one of the few threads for files waiting, neither now nor when it is full.
  const handle = await open(name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK);
  const about = await handle.stat();
  const place = about.isFile() && !isOutput(about) ? await realpath(name) : undefined;
  return { handle, about, place, isTorn: about.isFile() && (await endsTorn(name, about.size)) };
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

/** Whether standard output or error go there: to put it aside would leave them behind, and `/dev/stdout` is no name to take. */
function isOutput(about: Stats): boolean {
  return [1, 2].some((descriptor) => {
    try {
      return isSame(fstatSync(descriptor), about);
    } catch {
      return false;
    }
  });
}

/** Whether the file ends in the middle of a line; one that may not be read is taken for whole. */
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
