// Folders for what a measurement needs on disk, gone when it ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder, removed when this process ends. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
