import { type FSWatcher, readdirSync, readlinkSync, watch } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, parse, sep } from 'node:path';
import { RULE_FILE } from '../rules/files.ts';

/** Ms without a further event that end a burst, such as the steps of an editor's save. */
const QUIET = 100;

/** Ms after which a burst that does not end is told of nevertheless. */
const LATEST = 1000;

/** Ms between two looks at files that are polled. */
const INTERVAL = 1000;

/** Codes of what is not there yet, or not as what it was taken for: EINVAL is that a file is no link. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL']);

interface Watch {
  /** Watches what the path leads to by now. */
  renew(): void;
  close(): void;
}

/**
 * Calls back when rule files or folders may have changed, and once soon after the start, for what changed between
 * their being read and watched. Paths may be missing. With `events` the system tells; `poll` looks each second, for
 * file systems of other machines, of which it does not. Does not keep the process alive.
 */
export function watchFiles(
  paths: readonly string[],
  how: 'events' | 'poll',
  changed: () => void,
): { close(): void } {
  let first = 0;
  let timer: NodeJS.Timeout | undefined;
  const told = () => {
    timer = undefined;
    for (const each of watches) each.renew();
    changed();
  };
  const hint = () => {
    if (timer === undefined) {
      first = performance.now();
      timer = setTimeout(told, QUIET).unref();
    } else if (performance.now() - first < LATEST - QUIET) timer.refresh();
  };
  let warned = false;
  const warn = (path: string, error: unknown) => {
    if (warned) return;
    warned = true;
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`no events tell of changes of ${path}, so it is looked at each second (${why})`);
  };
  const watches = paths.map((path) => (how === 'poll' ? poll(path, hint) : byEvents(path, hint, warn)));
  for (const each of watches) each.renew();
  hint();
  return {
    close() {
      clearTimeout(timer);
      for (const each of watches) each.close();
    },
  };
}

function byEvents(path: string, hint: () => void, warn: (path: string, error: unknown) => void): Watch {
  let watchers: FSWatcher[] = [];
  let polled: Watch | undefined;
  const start = process.cwd();
  const fallBack = (error: unknown) => {
    if (polled !== undefined) return;
    for (const each of watchers) each.close();
    warn(path, error);
    polled = poll(path, hint);
  };
  const watchAll = () => {
    const names = new Set<string>();
    const places = new Set<string>();
    const see = (place: string, name?: string) => {
      if (name !== undefined) names.add(name);
      if (places.has(place)) return;
      places.add(place);
      const watcher = watch(place, { persistent: false }, (_event, of) => {
        if (of === null || names.has(of) || RULE_FILE.test(of)) hint();
      });
      watchers.push(watcher.on('error', fallBack));
    };
    const real = unlessAbsent(() => follow(start, path, see));
    if (real === undefined) return;
    const inside = unlessAbsent(() => readdirSync(real)) ?? [];
    for (const name of inside.filter((each) => RULE_FILE.test(each))) {
      unlessAbsent(() => follow(real, name, see));
    }
  };
  return {
    renew() {
      if (polled !== undefined) return;
      // A watch outlives what it was set on, and a new file may get the old one's inode: all are set again.
      const before = watchers;
      watchers = [];
      try {
        watchAll();
      } catch (error) {
        fallBack(error);
      }
      for (const each of before) each.close();
    },
    close() {
      for (const each of watchers) each.close();
      polled?.close();
    },
  };
}

/**
 * Where a path leads to. Shows every folder with the name that is looked up in it, before it is, so that a watch on it
 * misses nothing, and at last the place itself: a file that is mounted alone is written to under another name.
 */
function follow(from: string, path: string, see: (place: string, name?: string) => void, links = 0): string {
  // As many as Linux follows.
  if (links > 40) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
  const { root } = parse(path);
  let at = isAbsolute(path) ? root : from;
  for (const name of path.slice(root.length).split(sep)) {
    if (name === '' || name === '.') continue;
    see(at, name);
    const next = join(at, name);
    const target = unlessAbsent(() => readlinkSync(next));
    at = target === undefined ? next : follow(at, target, see, links + 1);
  }
  see(at);
  return at;
}

function poll(path: string, hint: () => void): Watch {
  let before: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async () => {
    const now = await signature(path);
    if (closed) return;
    if (now !== before) hint();
    before = now;
    timer = setTimeout(look, INTERVAL).unref();
  };
  void look();
  return {
    renew() {},
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** A text that is another one when a file, or a rule file of a folder, or where it really is, has changed. */
async function signature(path: string, depth = 0): Promise<string> {
  try {
    const real = await realpath(path);
    const about = await stat(real, { bigint: true });
    if (!about.isDirectory()) {
      return [real, about.ino, about.size, about.mtimeNs, about.ctimeNs].join(' ');
    }
    const lines = [real];
    const inside = depth === 0 ? await readdir(real) : [];
    for (const name of inside.filter((each) => RULE_FILE.test(each)).sort()) {
      lines.push(name, await signature(join(real, name), depth + 1));
    }
    return lines.join('\n');
  } catch (error) {
    return codeOf(error) ?? String(error);
  }
}

function unlessAbsent<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (ABSENT.has(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
