import { agreeOn, codeOf, defined } from './agree.ts';
import type { ErrorFields } from './error-match.ts';
import { messageKey } from './known.ts';
import type { MergedError } from './merge.ts';

/** Merges an error that follows itself: it was retried. */
export function withoutRepeats(all: readonly MergedError[]): MergedError[] {
  const kept: MergedError[] = [];
  for (const each of all) {
    const last = kept.at(-1);
    if (last === undefined || !isRepeat(last.error, each.error)) {
      kept.push(each);
      continue;
    }
    const formats = [...new Set([...last.formats, ...each.formats])];
    const retries = [last.error.retries, each.error.retries].filter((count) => count !== undefined);
    const error = {
      ...defined(each.error),
      ...defined(last.error),
      retries: retries.length === 0 ? undefined : Math.max(...retries),
    };
    kept[kept.length - 1] = {
      ...last,
      to: each.to,
      formats: formats,
      error: error,
      times: last.times + each.times,
    };
  }
  return kept;
}

function isRepeat(a: ErrorFields, b: ErrorFields): boolean {
  return (
    (a.code === undefined) === (b.code === undefined) &&
    (a.code === undefined || b.code === undefined || codeOf(a.code) === codeOf(b.code)) &&
    agreeOn(a.status, b.status) &&
    agreeOn(a.message, b.message, messageKey) &&
    agreeOn(a.operation, b.operation) &&
    agreeOn(a.bucket, b.bucket) &&
    agreeOn(a.key, b.key) &&
    agreeOn(a.part, b.part) &&
    agreeOn(a.network?.phase, b.network?.phase) &&
    (a.network === undefined) === (b.network === undefined)
  );
}
