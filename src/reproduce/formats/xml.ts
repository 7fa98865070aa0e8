import { type ErrorMatch, type Header, idOf, known, MOST_PLACES, type ReportFormat } from '../error-match.ts';

/** Characters; real error documents have a few hundred. */
const LONGEST = 64 * 1024;

/** An error document in XML, whole or cut short, wherever it stands. */
export const xml: ReportFormat = {
  name: 'XML document',
  find(text) {
    const found: ErrorMatch[] = [];
    const results = [...text.matchAll(/<(\/?)DeleteResult[\s>]/g)];
    let inResult = false;
    let at = 0;
    for (let places = 0; places < MOST_PLACES; places++) {
      const begin = /<Error(?:\s[^<>]{0,300})?>/g;
      begin.lastIndex = at;
      const tag = begin.exec(text);
      if (tag === null) break;
      const seen = documentAt(text, tag.index, tag.index + tag[0].length);
      at = Math.max(seen.to, tag.index + tag[0].length);
      // Errors of single keys are no documents.
      while ((results[0]?.index ?? text.length) < tag.index) inResult = results.shift()?.[1] === '';
      if (seen.code !== undefined && !inResult) found.push(seen);
    }
    return found;
  },
};

function documentAt(text: string, from: number, inside: number): ErrorMatch {
  const limit = text.slice(from, from + LONGEST);
  const close = limit.indexOf('</Error>');
  const again = limit.indexOf('<Error>', inside - from);
  const whole = close >= 0 && (again < 0 || close < again);
  const end = from + (whole ? close + '</Error>'.length : lengthOfCut(limit, inside - from));
  const fields = elementsIn(withoutComments(text.slice(inside, end)));
  const value = (name: string) => fields.find(([each]) => each === name)?.[1];
  const [before = '', declaration = ''] =
    /(<\?xml[^<>]{0,200}\?>\s{0,8})(?:\* [^\n]{0,400}\n)?$/.exec(text.slice(Math.max(0, from - 620), from)) ??
    [];
  const body = declaration + text.slice(from, end);
  const [bucket, key] = splitResource(value('Resource'));
  const part = value('PartNumber');
  return {
    from: from - before.length,
    to: end,
    weight: 'sure',
    code: known(value('Code')),
    message: value('Message')?.trim(),
    requestId: idOf(value('RequestId')),
    hostId: idOf(value('HostId')),
    bucket: known(value('BucketName') ?? value('Bucket') ?? bucket),
    key: known(value('Key') ?? key),
    part: part !== undefined && /^\d{1,5}$/.test(part) ? Number(part) : undefined,
    uploadId: known(value('UploadId')),
    fields,
    body: isNested(text.slice(inside, end)) ? undefined : { text: body.trimEnd(), whole, exact: false },
  };
}

/** A document that is cut ends where its text does: at what says so, at an empty line, or before the next. */
function lengthOfCut(text: string, inside: number): number {
  const rest = text.slice(inside);
  const end =
    /\s?\(truncated|\n[ \t]*\n|<\/?Error>|<\?xml|\n[^<\n]{0,80} (?:at|in|from) |['"`]/.exec(rest)?.index ??
    rest.length;
  return inside + end;
}

function withoutComments(inside: string): string {
  const [first = '', ...rest] = inside.split('<!--');
  return (
    first + rest.map((piece) => piece.slice(piece.includes('-->') ? piece.indexOf('-->') + 3 : 0)).join('')
  );
}

/** The elements that are there from their first to their last character, in order. */
export function elementsIn(inside: string): Header[] {
  return [...inside.matchAll(/<([A-Za-z_][\w.-]{0,100})>([^<]*)<\/\1>/g)].map(([, name = '', value = '']) => [
    name,
    value.replace(/&(?:lt|gt|quot|apos|amp|#\d{1,7}|#x[0-9a-fA-F]{1,6});/g, character),
  ]);
}

/** An error document is a list; what has more levels is one that nobody reads back. */
function isNested(inside: string): boolean {
  return /<([A-Za-z_][\w.-]{0,100})>\s{0,100}<[A-Za-z_]/.test(inside);
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** XML's own five entities and characters by number, and no entity that a document declares. */
function character(reference: string): string {
  const name = reference.slice(1, -1);
  if (!name.startsWith('#')) return NAMED[name] ?? reference;
  const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    ? String.fromCodePoint(code)
    : reference;
}

/** `/bucket/key`, as S3 and JD have it; a resource of one piece may be a bucket or a key. */
export function splitResource(
  resource: string | undefined,
): readonly [string | undefined, string | undefined] {
  const [, bucket, key] = /^\/([^/]+)\/(.*)$/s.exec(resource ?? '') ?? [];
  return [bucket, key === '' ? undefined : key];
}
