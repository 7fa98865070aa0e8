import { isRuleMethod } from '../rules/rule-schema.ts';
import type { Finding } from './finding.ts';

/** Characters of a glob in a rule file. */
const LONGEST = 1024;
/** Highest part number of any store. A rule for a higher one would never match. */
const MOST_PARTS = 10_000;

/** Makes the match of the facts that the report contains. */
export function matchOf({ operations, method, bucket, key, part }: Finding) {
  return {
    ...(operations.length > 0 ? { operation: operations.length === 1 ? operations[0] : operations } : {}),
    ...(operations.length === 0 && isRuleMethod(method) ? { method } : {}),
    ...(isMatched(bucket) ? { bucket } : {}),
    ...(isMatched(key) ? { key } : {}),
    // A body may name a part that is not that of the request.
    ...(part !== undefined &&
    part > 0 &&
    part <= MOST_PARTS &&
    operations.every((name) => name.startsWith('UploadPart'))
      ? { part }
      : {}),
  };
}

function isMatched(text: string | undefined): text is string {
  // A request contains no half of a character.
  return text !== undefined && text !== '' && text.length <= LONGEST && !/\p{Cs}/u.test(text);
}

/** Tells whether a rule can match this text as it is: it has no `*` or `?`, which globs read as signs. */
export function isMatchedLiterally(text: string | undefined): boolean {
  return isMatched(text) && !/[*?]/.test(text ?? '');
}
