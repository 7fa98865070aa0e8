import { agreeOn, codeOf, defined } from './agree.ts';
import type { ErrorFields } from './error-match.ts';
import { messageKey } from './known.ts';
import type { MergedError } from './merge.ts';

/** An error that follows itself is one that was tried again. */
export function withoutRepeats(all: readonly MergedError[]): MergedError[] {
  const kept: MergedError[] = [];
  for (const each of all) {
    const last = kept.at(-1);
    if (last === undefined || !isRepeat(last.told, each.told)) {
      kept.push(each);
      continue;
    }
    const shapes = [...new Set([...last.shapes, ...each.shapes])];
    const retries = [last.told.retries, each.told.retries].filter((count) => count !== undefined);
    const told = {
      ...defined(each.told),
      ...defined(last.told),
      retries: retries.length === 0 ? undefined : Math.max(...retries),
    };
    kept[kept.length - 1] = { ...last, to: each.to, shapes, told, times: last.times + each.times };
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
