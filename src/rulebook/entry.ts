import type { Rule } from '../rules/rule.ts';
import type { Read } from './carry-over.ts';

/** A rule of a running proxy, in force or not. */
export interface Page extends Read {
  /** It stands in a file, or was added or put in the place of one while the proxy runs. */
  readonly origin: 'file' | 'added' | 'replaced';
  readonly enabled: boolean;
}

/** What was changed of a rule since the start. */
export interface Edit {
  readonly instead?: Rule;
  readonly isRemoved?: boolean;
  readonly isDisabled?: boolean;
}

/** All rules that a running proxy has, in the order in which they are asked: those that were added, then those of files. */
export function pagesOf(
  added: readonly Read[],
  files: readonly Read[],
  edits: ReadonlyMap<string, Edit>,
): readonly Page[] {
  const enabled = ({ id }: Read) => !edits.get(id)?.isDisabled;
  return [
    ...added.map((read): Page => ({ ...read, origin: 'added', enabled: enabled(read) })),
    ...files
      .filter(({ id }) => !edits.get(id)?.isRemoved)
      .map((read): Page => {
        const instead = edits.get(read.id)?.instead;
        return instead
          ? { id: read.id, rule: instead, origin: 'replaced', enabled: enabled(read) }
          : { ...read, origin: 'file', enabled: enabled(read) };
      }),
  ];
}
