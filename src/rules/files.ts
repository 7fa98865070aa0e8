import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { aboutFile, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { ProblemKind } from '../diagnostics/problem.ts';
import type { Source } from '../diagnostics/source.ts';
import { LARGEST_FILE } from '../diagnostics/source.ts';
import { formatSize } from '../notation/units.ts';

/** Name of a rule file in a folder. Hidden files are locks and half-written copies of editors. */
export const RULE_FILE = /^[^.].*\.ya?ml$/i;

/** Reads rule files and the rule files of folders, in the order given and by name within a folder. */
export async function readSources(
  paths: readonly string[],
): Promise<{ sources: Source[]; diagnostics: Diagnostic[] }> {
  const sources: Source[] = [];
  const diagnostics: Diagnostic[] = [];
  const known = new Map<string, string>();
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      const read = typeof file === 'string' ? await readOnce(file, known) : file;
      if ('problem' in read) diagnostics.push(aboutFile(read.file, read.kind, read.problem));
      else sources.push(read);
    }
  }
  return { sources, diagnostics };
}

interface Unreadable {
  readonly file: string;
  readonly kind: ProblemKind;
  readonly problem: string;
}

async function filesAt(path: string): Promise<readonly (string | Unreadable)[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const inside = (await readdir(path, { withFileTypes: true })).filter((entry) => !entry.isDirectory());
    const names = inside
      .map(({ name }) => name)
      .filter((name) => RULE_FILE.test(name))
      .sort();
    if (names.length > 0) return names.map((name) => join(path, name));
    const problem = 'there are no rule files in this folder. their names end in .yaml or .yml';
    return [{ file: path, kind: 'bad-file', problem }];
  } catch (error) {
    return [{ file: path, kind: 'bad-file', problem: failure(error) }];
  }
}

/** Reads a file, unless it was read under another name: its rules would be asked twice. */
async function readOnce(file: string, known: Map<string, string>): Promise<Source | Unreadable> {
  const real = await realpath(file).catch(() => file);
  const earlier = known.get(real);
  if (earlier !== undefined) {
    const also = earlier === file ? '' : `, first as ${earlier}`;
    return { file, kind: 'bad-file', problem: `this file is given twice${also}. leave one out` };
  }
  known.set(real, file);
  return readText(file);
}

async function readText(file: string): Promise<Source | Unreadable> {
  try {
    const about = await stat(file);
    if (!about.isFile()) return { file, kind: 'bad-file', problem: 'this is not a file' };
    if (about.size > LARGEST_FILE) {
      const problem = `a rule file may have ${formatSize(LARGEST_FILE)}, which is ${LARGEST_FILE} bytes, but this one has ${about.size}`;
      return { file, kind: 'too-large', problem };
    }
    return {
      name: file,
      folder: dirname(file),
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file)),
    };
  } catch (error) {
    const problem = error instanceof TypeError ? 'this is not UTF-8 text' : failure(error);
    return { file, kind: 'bad-file', problem };
  }
}

function failure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it';
  return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
