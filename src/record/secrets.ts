import { isDocumentHeader } from '../catalog/recognition.ts';
import { pairsOf } from '../http/headers.ts';
import type { Facts } from '../request/facts.ts';
import { isSecret } from '../request/secrets.ts';
import { decode, splitTarget } from '../request/target.ts';

/**
 * Names of further headers, query parameters and elements whose values are not recorded. An access key id is not a secret
 * by itself, but it says who sent the request.
 */
const PRIVATE =
  /token|credential|access[-_]?key|google-?access-?id|string[-_]?to[-_]?sign|canonical[-_]?(?:request|string|quer|resource|header)/i;

function isPrivate(name: string): boolean {
  return isSecret(name) || PRIVATE.test(name);
}

/** Length of the shortest secret, in characters. A shorter value may be a common word, and would hide too much text. */
const SHORTEST = 8;

/** Parts of a request that may have secrets. */
export interface Signed {
  readonly facts: Pick<Facts, 'target' | 'accessKey'>;
  /** Headers of the request, names and values in turn. */
  readonly requestHeaders: readonly string[];
}

/**
 * Removes the secrets of a request from its answer. Each letter and digit becomes an X, so that length and layout stay the
 * same. Texts have one character per byte (latin1).
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
    // The longest first, as one secret may be a part of another.
    this.#values = [...new Set(forms)].sort((a, b) => b.length - a.length).map(inAnyEscape);
  }

  /** Names of the secrets that were removed so far. */
  get removed(): readonly string[] {
    return [...this.#removed];
  }

  /** Returns a text without secrets. */
  in(text: string): string {
    let left = text;
    for (const [opening, end] of PLACES) left = this.#maskNamed(left, opening, end);
    const lower = text.toLowerCase();
    for (const { core, form } of this.#values) {
      if (lower.includes(core)) left = this.#maskAll(left, form(), 'what the request was signed with');
    }
    return this.#maskAll(left, USER_INFO, 'who a URL is for');
  }

  /** Returns a text for a glob, with a `?` for each character of its secrets. */
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

  /** Returns the value of a header of the answer, without secrets. */
  inHeader(name: string, value: string): string {
    if (isDocumentHeader(name.toLowerCase())) return this.#inBase64(value);
    if (!isPrivate(name)) return this.in(value);
    this.#removed.add(name);
    // The name and the attributes of a cookie stay, as they say what it is for.
    const [, before = '', secret = '', after = ''] = /^([^=;]*=)?([^;]*)(.*)$/s.exec(value) ?? [];
    return /^set-cookie/i.test(name) ? `${before}${mask(secret)}${after}` : mask(value);
  }

  /** Removes secrets from a header in which some providers answer HEAD with the whole error document. */
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

/** Pattern of `user:password@` in a URL. */
const USER_INFO = /(?<=:\/\/)[^/\s@"'<>]{1,1000}(?=@)/g;

/** Secret value in all its forms, with the letters that each form contains and that are searched first. */
interface Value {
  readonly core: string;
  readonly form: () => RegExp;
}

/** Makes the forms of a value: as it is, or escaped for URLs, JSON and XML. */
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

/** Finds the end of a value. `unclosed` collects elements without an end, so that each is searched once. */
type End = (text: string, start: number, name: string, unclosed: Set<string>) => number;

/** Beginnings and ends of named values: in XML, in JSON, in a head, and in a query, which may be inside another URL. */
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
    // JSON inside a JSON string.
    /\\"(?<name>[\w.-]{1,64})\\"\s{0,9}:\s{0,9}\\"/g,
    (text, start) => {
      const end = text.indexOf('"', start);
      return end < 0 ? text.length : Math.max(start, text[end - 1] === '\\' ? end - 1 : end);
    },
  ],
  [
    // A line of a head or of a canonical request.
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

/** Longest value in a query, in characters; a head has no more. */
const LONGEST_VALUE = 64 * 1024;

/** Replaces letters and digits by X. Entities and escapes stay, so that the document can still be parsed. */
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

/** Returns the secrets in the value of a header: a signature, the values of cookies, a token. */
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
