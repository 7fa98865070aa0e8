import { providerOfUrlScheme } from '../../catalog/recognition.ts';
import {
  type ErrorMatch,
  first,
  known,
  MOST_PLACES,
  number,
  operationIn,
  ownSign,
  type ReportFormat,
  readEach,
  requestTo,
  statusOf,
} from '../error-match.ts';

/** Hints around an error: addresses, calls in stacks, statuses, and the number of attempts. */
export const hints: ReportFormat = {
  name: 'addresses, calls, statuses and attempts around an error',
  isAround: true,
  find: (text) => [
    ...addresses(text),
    ...hosts(text),
    ...buckets(text),
    ...calls(text),
    ...statuses(text),
    ...attempts(text),
  ],
};

/** Requests, and URLs that can only be of an object store: other pages are linked in reports, too. */
function addresses(text: string): ErrorMatch[] {
  return readEach(
    text,
    /(?:\b(GET|HEAD|PUT|POST|DELETE|Get|Head|Put|Post|Delete)\s{1,4}["'`]?|\bmethod=([A-Z]{3,7}), url=|\bfor url \(|\burl(?:=|: )["']?|endpoint URL: ["'])?(https?:\/\/[^\s"'`<>()]{4,2000})/g,
    ([mark, verb, name, url = ''], _, before) => {
      const method = verb ?? name;
      const told = requestTo(url.replace(/[.,;:]+$/, ''), method);
      const isStorage =
        told.provider !== undefined ||
        told.api !== undefined ||
        told.uploadId !== undefined ||
        told.part !== undefined ||
        /[?&]x-id=/.test(url);
      // Pages about S3, names of XML's own, and where an answer sends its client.
      if (/amazonaws\.com\/doc\/|docs\.aws|\.aliyun\.com\/(?:help|zh|document)/.test(url)) return undefined;
      if (/[Ll]ocation['"]?: ?['"]?$/.test(before)) return undefined;
      if (!isStorage && !/^(?:[A-Za-z]+\s|method=|for url|endpoint)/.test(mark)) return undefined;
      return { ...told, weight: 'hint' };
    },
  );
}

/** The host that urllib3 names: `HTTPSConnectionPool(host='bucket.oss-…', port=443)`. */
function hosts(text: string): ErrorMatch[] {
  return readEach(text, /ConnectionPool\(host='([\w.-]{4,253})'/g, ([, host]) => {
    const { provider, bucket } = requestTo(`https://${host}/`);
    return { weight: 'hint', provider, bucket };
  });
}

/** `s3://bucket/key`, `oss://…`, `obs://…`. */
function buckets(text: string): ErrorMatch[] {
  return readEach(
    text,
    /\b(s3a?|oss|obs|cos):\/\/([\w.-]{3,63})(?:\/([^\s"'`<>|]{0,1000}))?/g,
    ([, scheme = '', bucket, key]) => ({
      weight: 'hint',
      bucket: known(bucket),
      key: known(withoutEnd(key)) || undefined,
      provider: ownSign(providerOfUrlScheme(scheme)),
    }),
  );
}

/** Less the signs behind it that are the text's; a bracket is one where none was opened. */
function withoutEnd(key: string | undefined): string | undefined {
  const end = key?.includes('[') === false ? /[\].,;:)]+$/ : /[.,;:)]+$/;
  return key?.replace(end, '');
}

const NAMES =
  /(?<![A-Za-z0-9_])(?:get|head|put|post|delete|list|create|upload|complete|abort|copy|initiate|init|append|restore|select|move|rename|set)_?[A-Za-z][A-Za-z0-9_]{3,60}/gi;

/** Operations by their names, and methods of SDKs that are called by the same: in a stack the call is the one next to the error. */
function calls(text: string): ErrorMatch[] {
  const found: ErrorMatch[] = [];
  for (const { 0: name, index } of text.matchAll(NAMES)) {
    const end = index + name.length;
    const isCall = /(?:\.|\bin )$/.test(text.slice(Math.max(0, index - 4), index)) || text[end] === '(';
    const operation = isCall || /^[A-Z][a-z]+[A-Z]/.test(name) ? operationIn(name) : undefined;
    if (operation === undefined) continue;
    found.push({ from: index, to: end, weight: 'hint', operation });
    if (found.length >= MOST_PLACES) break;
  }
  return [...found, ...phrases(text)];
}

const VERBS: Readonly<Record<string, string>> = {
  gett: 'Get',
  read: 'Get',
  sett: 'Put',
  putt: 'Put',
  updat: 'Put',
  delet: 'Delete',
};

/** `getting policy of OBS bucket`, as Terraform has it; `multipart upload file`, as ossutil has it. */
function phrases(text: string): ErrorMatch[] {
  return [
    ...readEach(
      text,
      /\b(gett|read|sett|putt|updat|delet)ing (?:the )?(\w{2,30}) of (?:\w{2,5} )?bucket\b/gi,
      ([, verb = '', noun = '']) => {
        const operation = operationIn(`${VERBS[verb.toLowerCase()]}Bucket${noun}`);
        return operation === undefined ? undefined : { weight: 'hint', operation };
      },
    ),
    ...readEach(text, /\bmultipart upload file\b/g, () => ({ weight: 'hint', operation: 'UploadPart' })),
  ];
}

function statuses(text: string): ErrorMatch[] {
  return readEach(
    text,
    /(?<!Error )\b(?:http[ _-]?)?(?:status[ _-]?code|http[ _-]?status|status|http code|http error|response code)['"]?\s?[:=(]{0,2}\s?['"]?([3-5]\d\d)\b|\b(?:response=\{code=|HTTP )([3-5]\d\d)\b/gi,
    ([, digits, other]) => ({ weight: 'hint', nearStatus: statusOf(digits ?? other) }),
  );
}

/** Attempts after the first. */
function attempts(text: string): ErrorMatch[] {
  return [
    ...readEach(
      text,
      /\b(?:max retries|retry count|retries|retried)\b[ :=]{0,3}(\d{1,4})\b/gi,
      ([, digits]) => ({ weight: 'hint', retries: Number(digits) }),
    ),
    ...readEach(text, /\blow level retry (\d{1,4})\/\d{1,4}/g, ([, digits]) => ({
      weight: 'hint',
      retries: Number(digits),
    })),
    ...readEach(text, /\b(?:attempt|try) ?#?(\d{1,3}) ?(?:of|\/) ?\d{1,3}/gi, (_, after) => {
      const attempt = number(/(\d{1,3})/, after.slice(0, 20));
      return attempt === undefined ? undefined : { weight: 'hint', retries: Math.max(0, attempt - 1) };
    }),
    // rclone sums up at the end, and counts parts by themselves.
    ...readEach(text, /\bAttempt (\d{1,3})\/\d{1,3} failed with\b/g, ([, digits]) => ({
      weight: 'hint',
      isSum: true,
      retries: Math.max(0, Number(digits) - 1),
    })),
    ...readEach(text, /\bfailed to upload chunk (\d{1,5}) with \d/g, ([, digits]) => ({
      weight: 'hint',
      operation: 'UploadPart',
      part: Number(digits),
    })),
    ...readEach(text, /\bpart_?num(?:ber)?['"]?[ :=]{1,3}(\d{1,5})\b/gi, (_, after) => ({
      weight: 'hint',
      part: number(/(\d{1,5})/, first(/([ :=]{1,3}\d{1,5})/, after) ?? ''),
    })),
  ];
}
