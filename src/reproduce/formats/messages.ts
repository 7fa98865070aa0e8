import { type ErrorMatch, MOST_PLACES, type ReportFormat } from '../error-match.ts';
import { longMessages } from '../known.ts';

/** Characters of a message by which it is looked up. */
const BEGIN = 16;

let byBegin: ReadonlyMap<string, readonly string[]> | undefined;

/** Documented messages, where a program says nothing else. */
export const messages: ReportFormat = {
  name: 'documented messages',
  find(text) {
    byBegin ??= grouped();
    const found: ErrorMatch[] = [];
    for (const { index } of text.matchAll(/(?<![A-Za-z])[A-Z](?=[a-z]{0,20} )/g)) {
      const begin = byBegin.get(text.slice(index, index + BEGIN));
      const message = begin?.find((each) => text.startsWith(each.replace(/\.$/, ''), index));
      if (message === undefined) continue;
      const length = text.startsWith(message, index) ? message.length : message.length - 1;
      found.push({
        from: index,
        to: index + length,
        weight: 'weak',
        message: text.slice(index, index + length),
      });
      if (found.length >= MOST_PLACES) break;
    }
    return [...found, ...ofMinio(text), ...callbacks(text)];
  },
};

/** Messages by how they begin, the longest first. */
function grouped(): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const message of longMessages().sort((a, b) => b.length - a.length)) {
    map.set(message.slice(0, BEGIN), [...(map.get(message.slice(0, BEGIN)) ?? []), message]);
  }
  return map;
}

/** Messages of MinIO that differ from those of S3 (its cmd/api-errors.go). */
const INTERNAL = 'We encountered an internal error, please try again.';

function ofMinio(text: string): ErrorMatch[] {
  const found: ErrorMatch[] = [];
  for (let at = text.indexOf(INTERNAL); at >= 0; at = text.indexOf(INTERNAL, at + 1)) {
    const to = at + INTERNAL.length;
    if (found.push({ from: at, to, weight: 'sure', code: 'InternalError', message: INTERNAL }) >= MOST_PLACES)
      break;
  }
  return found;
}

/** OSS says of a failed callback what the application server answered, which is in no table. */
function callbacks(text: string): ErrorMatch[] {
  return [...text.matchAll(/(?:(?<!\d)(203)\W{1,3})?(Error status : -?\d{1,3}\.[^()\n<]{0,200})/g)]
    .slice(0, MOST_PLACES)
    .map((found) => ({
      from: found.index,
      to: found.index + found[0].length,
      weight: 'weak',
      provider: 'aliyun-oss',
      code: 'CallbackFailed',
      status: found[1] === undefined ? undefined : 203,
      message: found[2]?.trim(),
    }));
}
