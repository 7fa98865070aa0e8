import { printable } from '../notation/text.ts';
import { formatDuration, formatSize } from '../notation/units.ts';
import type { JournalEntry } from './journal.ts';

/**
 * Describes an exchange in one line.
 *
 * @example
 * ```ts
 * const lines = proxy.journal().map(describeEntry);
 * // UploadPart demo/holiday.mp4 part 2 → 503 SlowDown, injected by "slow down" (258B out, 1ms)
 * ```
 */
export function describeEntry(entry: JournalEntry): string {
  const request = [entry.operation, place(entry)];
  if (entry.part !== undefined) request.push(`part ${entry.part}`);
  if (entry.attempt !== undefined && entry.attempt > 1) request.push(`attempt ${entry.attempt}`);
  const moved = entry.bytesIn > 0 ? `${formatSize(entry.bytesIn)} in` : `${formatSize(entry.bytesOut)} out`;
  return `${request.join(' ')} → ${result(entry)} (${moved}, ${formatDuration(Math.round(entry.duration))})`;
}

function place({ bucket, key, target }: JournalEntry): string {
  if (bucket === undefined) return printable(target);
  return printable(key === undefined ? bucket : `${bucket}/${key}`);
}

function result(entry: JournalEntry): string {
  const status = entry.status ?? 'no answer';
  switch (entry.outcome) {
    case 'injected':
      return `${entry.status ?? 'no answer:'} ${entry.code ?? entry.fault}, injected by "${entry.rule}"${upstreamNote(entry)}`;
    case 'refused':
      return `${status}, refused: ${printable(entry.reason ?? '')}`;
    case 'upstream-failed':
      return `${status}, the upstream failed: ${entry.failure}`;
    case 'client-left':
      return `${status}, the client left`;
    default:
      return entry.upstreamCode === undefined
        ? `${status}`
        : `${status} ${entry.upstreamCode}, the upstream's own`;
  }
}

function upstreamNote({ upstreamStatus }: JournalEntry): string {
  return upstreamStatus === undefined ? '' : `; the upstream said ${upstreamStatus}`;
}
