import { headerPrefixes, isDocumentHeader, providerOfHeaders } from '../../catalog/recognition.ts';
import {
  type ErrorFields,
  type ErrorMatch,
  type Header,
  idOf,
  known,
  MOST_PLACES,
  ownSign,
  type ReportFormat,
  requestTo,
  statusOf,
} from '../error-match.ts';
import { endOfObject } from './json.ts';

/** Characters of a message that are read. */
const LONGEST = 256 * 1024;
/** Headers of a message that are kept; Node.js refuses heads of 16 KiB. */
const MOST_HEADERS = 500;

/** HTTP messages as curl -v, mc --debug, MinIO's trace and developers write them; HAR files come as such, too. */
export const http: ReportFormat = {
  name: 'HTTP messages (curl -v, mc --debug, HAR)',
  find(text) {
    const starts = startsIn(text);
    const found: ErrorMatch[] = [];
    let asked: { readonly told: ErrorFields; readonly from: number } | undefined;
    for (const [i, start] of starts.entries()) {
      const end = Math.min(starts[i + 1]?.from ?? text.length, start.from + LONGEST);
      const message = text.slice(start.from, end);
      if (start.status === undefined) {
        asked = { told: requestIn(start.line, message), from: start.from };
        continue;
      }
      if (start.status < 200) continue;
      const told = answerIn(start.status, message);
      const isFailure = start.status >= 300 || told.body?.text.includes('<Error>') === true;
      if (isFailure) {
        const from = asked?.from ?? start.from;
        const to = start.from + Math.min(message.length, (told.body?.text.length ?? 0) + told.head);
        const { head: _, ...rest } = told;
        found.push({
          ...asked?.told,
          ...rest,
          provider: told.provider ?? asked?.told.provider,
          weight: 'sure',
          from,
          to,
        });
      }
      asked = undefined;
    }
    return found;
  },
};

interface Start {
  readonly from: number;
  /** The first line, without its marks. */
  readonly line: string;
  /** Left out: it is a request. */
  readonly status: number | undefined;
}

const MARK = String.raw`(?:[<>*] |\w{1,20}: <DEBUG> )?`;
const FIRST_LINE = new RegExp(
  String.raw`^${MARK}(?:HTTP\/[\d.]{1,3} (\d{3})(?: [^\n]*)?|(?:GET|HEAD|PUT|POST|DELETE|OPTIONS|PATCH) \S{1,8000} HTTP\/[\d.]{1,3})\s*$`,
  'gm',
);

function startsIn(text: string): Start[] {
  const starts: Start[] = [];
  for (const { 0: whole, 1: status, index } of text.matchAll(FIRST_LINE)) {
    const line = withoutMark(whole);
    starts.push({ from: index, line, status: status === undefined ? undefined : Number(status) });
    if (starts.length >= MOST_PLACES) break;
  }
  return starts;
}

function withoutMark(line: string): string {
  return line.replace(/^(?:[<>*] ?|\w{1,20}: <DEBUG> )/, '').trimEnd();
}

/** The headers of a message, and where its body begins. */
function headOf(message: string): { readonly headers: Header[]; readonly length: number } {
  const headers: Header[] = [];
  let at = message.indexOf('\n') + 1;
  while (at > 0 && at < message.length) {
    const end = message.indexOf('\n', at);
    const line = message.slice(at, end < 0 ? undefined : end);
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]{1,100}): ?(.*)$/.exec(withoutMark(line)) ?? [];
    // Between the lines of a head curl tells of its own doings.
    const isRemark = /^(?:\* |[{}] \[)/.test(line);
    if (name === undefined || value === undefined) {
      if (!isRemark) return { headers, length: withoutMark(line) === '' && end >= 0 ? end + 1 : at };
    } else if (!isRemark && headers.length < MOST_HEADERS) headers.push([name, value.trim()]);
    at = end < 0 ? message.length : end + 1;
  }
  return { headers, length: message.length };
}

function requestIn(line: string, message: string): ErrorFields {
  const [method = '', target = ''] = line.split(' ');
  const { headers } = headOf(message);
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1];
  const url = target.startsWith('/') && host !== undefined ? `http://${host}${target}` : target;
  const named = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return requestTo(url, method, named);
}

function answerIn(status: number, message: string): ErrorFields & { readonly head: number } {
  const { headers, length } = headOf(message);
  const reason = /^\S+ \d{3} (.*)$/.exec(
    withoutMark(message.slice(0, Math.max(0, message.indexOf('\n')))),
  )?.[1];
  const named = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
  const id = (suffix: string) =>
    idOf(
      headerPrefixes()
        .map((prefix) => named.get(prefix + suffix))
        .find((value) => value),
    );
  return {
    provider: ownSign(providerOfHeaders([...named.keys()])),
    api: [...named.keys()].some((name) => /^x-(?:amz|minio)-/.test(name)) ? 's3' : undefined,
    status: statusOf(String(status)),
    reason: known(reason),
    requestId: id('request-id'),
    hostId: id('id-2'),
    code: codeInHead(named),
    headers,
    body: bodyIn(message.slice(length), named.get('content-length')),
    head: length,
  };
}

/** An answer to HEAD has its code in a header, if anywhere. */
function codeInHead(named: ReadonlyMap<string, string>): string | undefined {
  const encoded = [...named].find(([name]) => isDocumentHeader(name))?.[1];
  const inBody = encoded && /<Code>([\w.]+)<\/Code>/.exec(Buffer.from(encoded, 'base64').toString())?.[1];
  const codes = [...headerPrefixes(), 'x-minio-'].map((prefix) => named.get(`${prefix}error-code`));
  return known(inBody || codes.find((code) => code));
}

/** A document that is there from its first to its last character is the body, whatever its length was said to be. */
function bodyIn(rest: string, length: string | undefined): ErrorFields['body'] {
  const text = withoutRemark(rest);
  const promised = length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined;
  const end = endOfDocument(text);
  if (end === undefined) return otherBodyIn(text, promised);
  const own = text.slice(0, end);
  const missing = promised === undefined ? -1 : promised - Buffer.byteLength(own);
  // A newline at the end of a body is the first to get lost.
  if (missing === 1) return { text: `${own}\n`, whole: true, exact: true };
  const space = text.slice(end, end + Math.max(0, missing));
  if (missing > 1 && space.length === missing && space.trim() === '')
    return { text: own + space, whole: true, exact: true };
  return { text: own, whole: true, exact: missing === 0 };
}

/** Body that is not a document, or a cut one. Only its length says where it ends. */
function otherBodyIn(rest: string, promised: number | undefined): ErrorFields['body'] {
  if (promised === 0) return undefined;
  const bytes = Buffer.from(rest);
  const close = rest.indexOf('</Error>');
  const isCut = close < 0 && rest.includes('<Error>');
  if (promised !== undefined && bytes.length >= promised && !isCut) {
    return { text: bytes.subarray(0, promised).toString(), whole: true, exact: true };
  }
  const own =
    close >= 0
      ? rest.slice(0, close + '</Error>'.length)
      : rest.replace(/\n(?:\* |-{4,}|mc: )[\s\S]*$/, '').trimEnd();
  if (own.trim() === '') return undefined;
  const missing = promised === undefined ? undefined : promised - Buffer.byteLength(own);
  if (missing === 1) return { text: `${own}\n`, whole: true, exact: true };
  return { text: own, whole: close >= 0 || (promised === undefined && !isCut), exact: missing === 0 };
}

/** Between two pieces of a body curl tells of its own doings, too. */
function withoutRemark(rest: string): string {
  return rest.replace(/^(\s{0,8}<\?xml[^<>]{0,200}\?>\n?)(?:\* [^\n]{0,400}\n){1,8}/, '$1');
}

/** Finds the end of the XML or JSON at the start of a text; `undefined` if there is none, or if it is cut. */
function endOfDocument(text: string): number | undefined {
  const [, root] =
    /^\s{0,8}(?:<\?xml[^<>]{0,200}\?>)?\s{0,8}<([A-Za-z_][\w.:-]{0,100})[\s>]/.exec(text) ?? [];
  if (root !== undefined) {
    const close = text.indexOf(`</${root}>`);
    const again = text.indexOf(`<${root}>`, text.indexOf(`<${root}`) + 1);
    const isWhole = close >= 0 && (again < 0 || close < again);
    return isWhole ? close + root.length + 3 : undefined;
  }
  const brace = /^\s{0,8}\{/.exec(text)?.[0].length;
  if (brace === undefined) return undefined;
  const end = endOfObject(text, brace - 1);
  try {
    JSON.parse(text.slice(0, end));
    return end;
  } catch {
    return undefined;
  }
}
