import { isDocumentHeader } from '../catalog/recognition.ts';
import { pairsOf } from '../http/headers.ts';
import type { Facts } from '../request/facts.ts';
import { isSecret } from '../request/secrets.ts';
import { decode, splitTarget } from '../request/target.ts';

/**
 * What more must not be written down, by the names of headers, query parameters and elements of a body. An access key id
 * is no secret by itself, but whose request it was is nobody's business either.
 */
const PRIVATE =
  /token|credential|access[-_]?key|google-?access-?id|string[-_]?to[-_]?sign|canonical[-_]?(?:request|string|quer|resource|header)/i;

function isPrivate(name: string): boolean {
  return isSecret(name) || PRIVATE.test(name);
}

/** A shorter value is also a word that means nothing: taking it out everywhere would hide more than it protects. */
const SHORTEST = 8;

/** A request, as far as it has secrets. */
export interface Signed {
  readonly facts: Pick<Facts, 'target' | 'accessKey'>;
  /** Its headers, names and values in turn. */
  readonly requestHeaders: readonly string[];
}

/**
 * Takes the secrets of a request out of what was answered to it. Each letter and digit becomes an X, and all else stays:
 * same length, same layout. Texts have one character per byte (latin1).
 */
export class Secrets {
  readonly #values: readonly Value[];
  readonly #removed = new Set<string>();

  constructor({ facts, requestHeaders }: Signed) {
    const values = [
      facts.accessKey ?? '',
      ...pairsOf(requestHeaders).flatMap(([name, value]) => (isPrivate(name) ? secretsIn(value) : [])),
      ...splitTarget(facts.target)
        .query.split('&')
        .map((pair) => pair.split('='))
        .flatMap(([name = '', ...value]) => (isPrivate(decode(name)) ? [value.join('=')] : [])),
    ];
    const forms = values
      .filter((value) => value.length >= SHORTEST)
      .flatMap((value) => [value, decode(value)]);
    // The longest first, as one may be a part of another.
    this.#values = [...new Set(forms)].sort((a, b) => b.length - a.length).map(inAnyEscape);
  }

  /** What was taken out so far, by name. */
  get removed(): readonly string[] {
    return [...this.#removed];
  }

  /** A text, whatever it is, without secrets. */
  in(text: string): string {
    let left = text;
    for (const [opening, end] of PLACES) left = this.#maskNamed(left, opening, end);
    const lower = text.toLowerCase();
    for (const { core, form } of this.#values) {
      if (lower.includes(core)) left = this.#maskAll(left, form(), 'what the request was signed with');
    }
    return this.#maskAll(left, USER_INFO, 'who a URL is for');
  }

  /** A text with a `?` for each character of its secrets, as globs have it. */
  inGlob(text: string): string {
    const signs = [...text];
    const masked = [...this.in(text)];
    return masked.map((sign, at) => (sign === signs[at] ? sign : '?')).join('');
  }

  #maskAll(text: string, form: RegExp, what: string): string {
    return text.replace(form, (found) => {
      this.#removed.add(what);
      return mask(found);
    });
  }

  /** The value of a header of the answer, without secrets. */
  inHeader(name: string, value: string): string {
    if (isDocumentHeader(name.toLowerCase())) return this.#inBase64(value);
    if (!isPrivate(name)) return this.in(value);
    this.#removed.add(name);
    // The name of a cookie and what follows its value say what it is for.
    const [, before = '', secret = '', after = ''] = /^([^=;]*=)?([^;]*)(.*)$/s.exec(value) ?? [];
    return /^set-cookie/i.test(name) ? `${before}${mask(secret)}${after}` : mask(value);
  }

  /** Some providers answer HEAD with the whole document of the error in a header. */
  #inBase64(value: string): string {
    const text = Buffer.from(value, 'base64').toString('latin1');
    const masked = this.in(text);
    return masked === text ? value : Buffer.from(masked, 'latin1').toString('base64');
  }

  #maskNamed(text: string, opening: RegExp, endOf: End): string {
    const kept: string[] = [];
    const unclosed = new Set<string>();
    let at = 0;
    for (const match of text.matchAll(opening)) {
      const name = match.groups?.name ?? '';
      const start = match.index + match[0].length;
      if (match.index < at || !isPrivate(name)) continue;
      const end = endOf(text, start, name, unclosed);
      if (end === start) continue;
      this.#removed.add(name);
      kept.push(text.slice(at, start), mask(text.slice(start, end)));
      at = end;
    }
    return [...kept, text.slice(at)].join('');
  }
}

/** `user:password@` of a URL. */
const USER_INFO = /(?<=:\/\/)[^/\s@"'<>]{1,1000}(?=@)/g;

/** A secret value: letters of it that stand in every form of it, to be looked for first, and all of its forms. */
interface Value {
  readonly core: string;
  readonly form: () => RegExp;
}

/** A value as it is, or as URLs, JSON and XML may have it: what is no letter or digit goes by many names. */
function inAnyEscape(value: string): Value {
  const runs = value.toLowerCase().match(/[0-9a-z]+/g) ?? [];
  const core = runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
  return { core, form: () => anyForm(value) };
}

function anyForm(value: string): RegExp {
  const signs = value.replace(/[^0-9A-Za-z]/g, (sign) => {
    const code = sign.charCodeAt(0);
    const hex = code.toString(16).padStart(2, '0');
    const plain = `\\u${code.toString(16).padStart(4, '0')}`;
    return `(?:\\\\?${plain}|%(?:25)?${hex}|\\\\u00${hex}|&#${code};|&#x0*${hex};)`;
  });
  return new RegExp(signs, 'gi');
}

/** `unclosed` remembers the elements that have no end any more: each is looked for once. */
type End = (text: string, start: number, name: string, unclosed: Set<string>) => number;

/** How a named value begins and where it ends: in XML, in JSON, in a query, which may stand in another URL. */
const PLACES: readonly (readonly [opening: RegExp, end: End])[] = [
  [
    /<(?<name>[\w:.-]{1,64})(?:\s[^<>]*)?>/g,
    (text, start, name, unclosed) => {
      if (text[start - 2] === '/') return start;
      const end = unclosed.has(name) ? -1 : text.indexOf(`</${name}>`, start);
      if (end < 0) unclosed.add(name);
      const next = text.indexOf('<', start);
      return end >= 0 ? end : next < 0 ? text.length : next;
    },
  ],
  [
    // JSON within a text of JSON.
    /\\"(?<name>[\w.-]{1,64})\\"\s{0,9}:\s{0,9}\\"/g,
    (text, start) => {
      const end = text.indexOf('"', start);
      return end < 0 ? text.length : Math.max(start, text[end - 1] === '\\' ? end - 1 : end);
    },
  ],
  [
    // As the lines of a head and of a canonical request have it.
    /(?<=^|[\s"'>])(?<name>[\w-]{1,64}):(?=[^\s/"'])/g,
    (text, start) => {
      const length = text.slice(start, start + LONGEST_VALUE).search(/["'<>\s]/);
      return length < 0 ? Math.min(text.length, start + LONGEST_VALUE) : start + length;
    },
  ],
  [
    /"(?<name>[\w.-]{1,64})"\s{0,9}:\s{0,9}\[?\s{0,9}"/g,
    (text, start) => {
      let end = start;
      while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
      return Math.min(end, text.length);
    },
  ],
  [
    /(?<=^|[?&;#\s>"'(]|%(?:25)?26|%(?:25)?3F)(?<name>[\w.-]{1,64})(?:=["']?|%(?:25)?3D)/gi,
    (text, start) => {
      const length = text.slice(start, start + LONGEST_VALUE).search(/[&"'<>\s]/);
      return length < 0 ? Math.min(text.length, start + LONGEST_VALUE) : start + length;
    },
  ],
];

/** Characters of a value in a query; a head has no more. */
const LONGEST_VALUE = 64 * 1024;

/** Entities and escapes stay, or the document could not be read any more. */
function mask(text: string): string {
  const isCdata = text.startsWith('<![CDATA[');
  return text.replace(
    /(<!\[CDATA\[|<\/?[\w:.-]{1,64}\s?\/?>|&(?:lt|gt|amp|quot|apos);|\\u00(?:2.|3[a-f])|\\[nrtbf"\\/]|%(?:2.|3[a-f]))|(\\u[0-9a-f]{4})|&#\w{1,8};|%[0-9a-f]{2}|[0-9a-z\x80-\xff]/gi,
    (found, kept: string | undefined, escaped: string | undefined) => {
      if (escaped !== undefined) return '\\u0058';
      if (kept === undefined) return 'X'.repeat(found.length);
      const isText = isCdata && kept.startsWith('<') && !kept.startsWith('<!');
      return isText ? kept.replace(/[0-9a-z]/gi, 'X') : kept;
    },
  );
}

/** What is secret in the value of a header: a signature, the values of cookies, a token. */
function secretsIn(value: string): string[] {
  const signature = /Signature=([^,\s]+)/i.exec(value)?.[1];
  if (signature !== undefined) return [signature];
  // `OSS key:signature`, `Bearer token`, `name=value; name=value`
  const words = value.replace(/^\w+\s+/, '').split(/[\s;,]+/);
  return [value, ...words].flatMap((word) => [
    word,
    word.slice(word.lastIndexOf(':') + 1),
    word.slice(word.indexOf('=') + 1),
  ]);
}
