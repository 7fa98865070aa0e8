import { formatDuration, formatSize } from '../notation/units.ts';
import type { RuleEntry } from '../rulebook/entry.ts';
import type { JournalEntry } from './journal.ts';

/** An exchange in one line: `PUT /b/k part 3 attempt 2 → 503 SlowDown (rule "…") in 3ms`. */
export function describeEntry(entry: JournalEntry): string {
  const what = [entry.operation, place(entry)];
  if (entry.part !== undefined) what.push(`part ${entry.part}`);
  if (entry.attempt !== undefined && entry.attempt > 1) what.push(`attempt ${entry.attempt}`);
  const moved = entry.bytesIn > 0 ? `${formatSize(entry.bytesIn)} in` : `${formatSize(entry.bytesOut)} out`;
  return `${what.join(' ')} → ${result(entry)} (${moved}, ${formatDuration(Math.round(entry.duration))})`;
}

function place({ bucket, key, target }: JournalEntry): string {
  if (bucket === undefined) return printable(target);
  return printable(key === undefined ? bucket : `${bucket}/${key}`);
}

function result(entry: JournalEntry): string {
  const status = entry.status ?? 'no answer';
  switch (entry.outcome) {
    case 'injected':
      return `${entry.status ?? 'no answer:'} ${entry.code ?? entry.fault}, injected by "${entry.rule}"${truth(entry)}`;
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

function truth({ upstreamStatus }: JournalEntry): string {
  return upstreamStatus === undefined ? '' : `; the upstream said ${upstreamStatus}`;
}

/** Text as a terminal may be given it: a key may hold anything, commands to it too. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

/** A rule, where it stands, and how many requests it matched and fired on since it was loaded. */
export interface RuleInForce {
  readonly name: string;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly origin: RuleEntry['origin'];
  readonly enabled: boolean;
  readonly matched: number;
  readonly fired: number;
}

/** What can be told of a rule: a copy, which later requests do not change. */
export function ruleInForce({ rule, origin, enabled }: RuleEntry): RuleInForce {
  const { name, file, line, counts } = rule;
  return { name, file, line, origin, enabled, matched: counts.matched, fired: counts.fired };
}

/** What came of a run: a line for each rule that matched, how many did not, and what its journal file lacks. */
export function summarise(
  exchanges: number,
  rules: readonly Pick<RuleInForce, 'name' | 'matched' | 'fired'>[],
  loss?: string,
): string {
  const asked = rules.filter(({ matched }) => matched > 0);
  const lines = asked.map(({ name, matched, fired }) => `  ${name}: matched ${matched}, fired ${fired}`);
  const idle = rules.length - asked.length;
  if (idle > 0) lines.push(`  ${counted(idle, 'rule')} never matched`);
  if (loss !== undefined) lines.push(loss);
  return [counted(exchanges, 'exchange'), ...lines].join('\n');
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
