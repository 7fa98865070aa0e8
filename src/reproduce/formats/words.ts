import { type ErrorMatch, MOST_PLACES, type ReportFormat, statusOf } from '../error-match.ts';
import { rowsOfCode } from '../known.ts';

/** Documented codes as plain words: `(CallbackFailed)`, `error=NoSuchUpload`, `SLOW_DOWN`. */
export const words: ReportFormat = {
  name: 'documented codes as words',
  find(text) {
    const found: ErrorMatch[] = [];
    for (const { 0: word, index } of text.matchAll(/[A-Za-z][A-Za-z0-9_.]*/g)) {
      // One hump alone is a word of English.
      if (word.length < 6 || word.length > 80 || !/[a-z0-9][A-Z]|[A-Z]_[A-Z]/.test(word)) continue;
      if (rowsOfCode(word.replace(/\.$/, '')).length === 0) continue;
      const line = text.slice(text.lastIndexOf('\n', index) + 1, index).slice(-300);
      found.push({
        from: index,
        to: index + word.length,
        weight: 'weak',
        code: word.replace(/\.$/, ''),
        status: statusOf(/\b([3-5]\d\d)[ :(]{1,3}$/.exec(line)?.[1]),
        // The text before a code in brackets, on the same line, is the message.
        message: /(?:^|: )([A-Z][^:()]{10,300}|Error status : [^()]{1,300}) \($/.exec(line)?.[1],
      });
      if (found.length >= MOST_PLACES) break;
    }
    return found;
  },
};
