import { constants, existsSync } from 'node:fs';
import { access, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RuleText } from './rule-text.ts';

/** Names of files that a recorder has written, in this run or an earlier one. */
const OURS = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-.*\.(?:yaml|body)$/;

/** Folder that errors are recorded in, with its use. */
export class Folder {
  readonly path: string;
  /** Number of recorded rule files, and their bytes with the files of their bodies. */
  rules: number;
  bytes: number;
  /** Number in the name of the latest rule file of this run. */
  #number = 0;

  constructor(path: string, used: { readonly rules: number; readonly bytes: number }) {
    this.path = path;
    this.rules = used.rules;
    this.bytes = used.bytes;
  }

  /** Writes a rule under a new name with this beginning. `write` makes the rule of the name. */
  async add(beginning: string, write: (name: string) => RuleText): Promise<void> {
    for (;;) {
      this.#number += 1;
      const name = `${beginning}-${this.#number}`;
      const { text, body } = write(name);
      // The body is written first, so that a rule file that exists is complete.
      const files = [...(body ? [[`${name}.body`, body] as const] : []), [`${name}.yaml`, text] as const];
      if (!(await this.#create(files))) continue;
      this.rules += 1;
      this.bytes += Buffer.byteLength(text) + (body?.length ?? 0);
      return;
    }
  }

  /** Creates all files or none. Resolves to false if one of their names was taken. */
  async #create(files: readonly (readonly [name: string, content: string | Buffer])[]): Promise<boolean> {
    const created: string[] = [];
    try {
      for (const [name, content] of files) {
        const path = join(this.path, name);
        // `wx` overwrites no file and follows no link.
        await writeFile(path, content, { flag: 'wx' }).catch((error) => {
          if (!hasCode(error, 'EEXIST')) created.push(path);
          throw error;
        });
        created.push(path);
      }
      return true;
    } catch (error) {
      for (const path of created) await rm(path, { force: true }).catch(() => {});
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  }
}

/** Opens a folder, and creates it if it is missing. Rejects with the reason if it cannot, or if `rules` are read from it. */
export async function openFolder(path: string, rules: readonly string[]): Promise<Folder> {
  try {
    await makeFolder(path);
    await access(path, constants.W_OK | constants.X_OK);
    const names = (await readdir(path)).filter((name) => OURS.test(name));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
    await refuseRules(path, rules);
    return new Folder(path, {
      rules: names.filter((name) => name.endsWith('.yaml')).length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
    });
  } catch (cause) {
    throw new Error(`errors cannot be recorded in "${path}": ${reasonOf(cause)}`, { cause });
  }
}

/** Creates a folder and its parents. Node's recursive mkdir tries for ever in some places, such as /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (hasCode(error, 'EEXIST') && (await stat(path)).isDirectory()) return;
    const above = dirname(path);
    if (!hasCode(error, 'ENOENT') || above === path || existsSync(above)) throw error;
    await makeFolder(above);
    await makeFolder(path);
  }
}

/** Throws an Error if rules are read from the folder: recorded errors would become rules and be injected. */
async function refuseRules(path: string, rules: readonly string[]): Promise<void> {
  const real = await realpath(path);
  for (const each of rules) {
    if ((await realpath(each).catch(() => undefined)) === real) {
      throw new Error(
        'rules are read from there, and what is recorded would be injected. name another folder',
      );
    }
  }
}

/** Returns in words why something could not be written. */
export function reasonOf(cause: unknown): string {
  if (hasCode(cause, 'EEXIST') || hasCode(cause, 'ENOTDIR')) return 'a file stands where a folder is needed';
  if (hasCode(cause, 'ENOENT')) return 'the folder is gone';
  if (hasCode(cause, 'EACCES') || hasCode(cause, 'EPERM')) return 'no permission to write there';
  if (hasCode(cause, 'EROFS')) return 'the file system is read-only';
  if (hasCode(cause, 'ENOSPC')) return 'the disk is full';
  return cause instanceof Error ? cause.message : String(cause);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
