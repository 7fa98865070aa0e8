import { constants, existsSync } from 'node:fs';
import { access, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RuleText } from './rule-text.ts';

/** What we have written, in this run or an earlier one. */
const OURS = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-.*\.(?:yaml|body)$/;

/** The folder that errors are recorded in, and how much of it is used up. */
export class Folder {
  readonly path: string;
  /** Rule files that are ours, and bytes of them with the files of their bodies. */
  rules: number;
  bytes: number;
  /** Of the last rule file of this run. */
  #number = 0;

  constructor(path: string, used: { readonly rules: number; readonly bytes: number }) {
    this.path = path;
    this.rules = used.rules;
    this.bytes = used.bytes;
  }

  /** Writes a rule under a name that begins so and that nothing has yet; `write` is given the name. */
  async add(beginning: string, write: (name: string) => RuleText): Promise<void> {
    for (;;) {
      this.#number += 1;
      const name = `${beginning}-${this.#number}`;
      const { text, body } = write(name);
      // The body first: a rule that can be read is whole.
      const files = [...(body ? [[`${name}.body`, body] as const] : []), [`${name}.yaml`, text] as const];
      if (!(await this.#create(files))) continue;
      this.rules += 1;
      this.bytes += Buffer.byteLength(text) + (body?.length ?? 0);
      return;
    }
  }

  /** Creates all of them or none; whether none of their names was taken. */
  async #create(files: readonly (readonly [name: string, content: string | Buffer])[]): Promise<boolean> {
    const begun: string[] = [];
    try {
      for (const [name, content] of files) {
        const path = join(this.path, name);
        // Never over what is there, and not through a link either.
        await writeFile(path, content, { flag: 'wx' }).catch((error) => {
          if (!hasCode(error, 'EEXIST')) begun.push(path);
          throw error;
        });
        begun.push(path);
      }
      return true;
    } catch (error) {
      for (const path of begun) await rm(path, { force: true }).catch(() => {});
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  }
}

/** Opens a folder, made if it is missing, that is none of those that `rules` are read from; throws an Error with a sentence. */
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

/** Makes a folder, and those above it. In some places (/proc) Node's own way of doing so tries for ever. */
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

/** What is recorded next to rules would be one of them, and be injected instead of being met. */
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

/** Why something could not be written, in words. */
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
