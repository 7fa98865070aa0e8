import { type FSWatcher, readdirSync, readlinkSync, watch } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, parse, sep } from 'node:path';
import { RULE_FILE } from '../rules/files.ts';

/** Time in ms without an event that ends a burst, such as the steps of an editor's save. */
const QUIET = 100;

/** Longest burst in ms; after that time a change is reported although events still come. */
const LONGEST_BURST = 1000;

/** Interval in ms at which files are polled. */
const POLL_INTERVAL = 1000;

/** Error codes of a path that is missing or of another kind than expected: EINVAL says that a file is not a link. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL']);

interface Watch {
  /** Watches the place that the path leads to now. */
  renew(): void;
  close(): void;
}

/**
 * Calls back when rule files or folders may have changed, and once soon after the start, for changes between the reading
 * and the watching. Paths may be missing. `events` uses events of the system. `poll` checks each second, for file systems
 * of other machines, which send no events; `interval` is how often, in ms. Does not keep the process alive.
 */
export function watchFiles(
  paths: readonly string[],
  how: 'events' | 'poll',
  changed: () => void,
  interval = POLL_INTERVAL,
): { close(): void } {
  let first = 0;
  let timer: NodeJS.Timeout | undefined;
  const endBurst = () => {
    timer = undefined;
    for (const watched of watches) watched.renew();
    changed();
  };
  const hint = () => {
    if (timer === undefined) {
      first = performance.now();
      timer = setTimeout(endBurst, QUIET).unref();
    } else if (performance.now() - first < LONGEST_BURST - QUIET) timer.refresh();
  };
  let warned = false;
  const warn = (path: string, error: unknown) => {
    if (warned) return;
    warned = true;
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`there are no events for changes of ${path}, so it is checked each second (${why})`);
  };
  const pollFile = (path: string) => poll(path, hint, interval);
  const watches = paths.map((path) =>
    how === 'poll' ? pollFile(path) : byEvents(path, hint, warn, pollFile),
  );
  for (const watched of watches) watched.renew();
  hint();
  return {
    close() {
      clearTimeout(timer);
      for (const watched of watches) watched.close();
    },
  };
}

function byEvents(
  path: string,
  hint: () => void,
  warn: (path: string, error: unknown) => void,
  pollFile: (path: string) => Watch,
): Watch {
  let watchers: FSWatcher[] = [];
  let polled: Watch | undefined;
  const start = process.cwd();
  const fallBack = (error: unknown) => {
    if (polled !== undefined) return;
    for (const watcher of watchers) watcher.close();
    warn(path, error);
    polled = pollFile(path);
  };
  const watchAll = () => {
    const names = new Set<string>();
    const places = new Set<string>();
    const watchPlace = (place: string, name?: string) => {
      if (name !== undefined) names.add(name);
      if (places.has(place)) return;
      places.add(place);
      const watcher = watch(place, { persistent: false }, (_event, changed) => {
        if (changed === null || names.has(changed) || RULE_FILE.test(changed)) hint();
      });
      watchers.push(watcher.on('error', fallBack));
    };
    const real = unlessAbsent(() => followLinks(start, path, watchPlace));
    if (real === undefined) return;
    const inside = unlessAbsent(() => readdirSync(real)) ?? [];
    for (const name of inside.filter((each) => RULE_FILE.test(each))) {
      unlessAbsent(() => followLinks(real, name, watchPlace));
    }
  };
  return {
    renew() {
      if (polled !== undefined) return;
      // A watch stays on a file that is gone, and a new file may get the inode of the old one. So all are set again.
      const old = watchers;
      watchers = [];
      try {
        watchAll();
      } catch (error) {
        fallBack(error);
      }
      for (const watcher of old) watcher.close();
    },
    close() {
      for (const watcher of watchers) watcher.close();
      polled?.close();
    },
  };
}

/**
 * Returns the place that a path leads to. Calls `visit` with every folder and the name that is looked up in it, before
 * the look-up, so that a watch misses nothing. The last call is for the place itself: a single file that is mounted is
 * written to under another name.
 */
function followLinks(
  from: string,
  path: string,
  visit: (place: string, name?: string) => void,
  links = 0,
): string {
  // The limit of Linux.
  if (links > 40) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
  const { root } = parse(path);
  let at = isAbsolute(path) ? root : from;
  for (const name of path.slice(root.length).split(sep)) {
    if (name === '' || name === '.') continue;
    visit(at, name);
    const next = join(at, name);
    const target = unlessAbsent(() => readlinkSync(next));
    at = target === undefined ? next : followLinks(at, target, visit, links + 1);
  }
  visit(at);
  return at;
}

function poll(path: string, hint: () => void, interval: number): Watch {
  let before: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const check = async () => {
    const now = await signature(path);
    if (closed) return;
    if (now !== before) hint();
    before = now;
    timer = setTimeout(check, interval).unref();
  };
  void check();
  return {
    renew() {},
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Returns a text that changes with a file, with a rule file of a folder, or with the place that the path leads to. */
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
