import type { XmlFormat } from '../catalog/dialect.ts';
import { escapeXml } from '../catalog/xml.ts';
import { unwrapAwsChunked } from '../http/aws-chunked.ts';
import { decode } from '../request/target.ts';

/** Object that a DeleteObjects request or its answer names. */
export interface ObjectName {
  /** Key in the bucket. */
  readonly key: string;
  /** Key as the document has it: escaped, and percent-encoded if the request asks for that. */
  readonly keyText: string;
  readonly versionText: string | undefined;
}

/** Content of a DeleteObjects request. */
interface DeleteRequest {
  readonly objects: readonly ObjectName[];
  /** The answer names only the objects that could not be deleted. */
  readonly isQuiet: boolean;
}

/** Error for an object that could not be deleted, and the provider's format for it. */
export interface KeyRefusal {
  readonly code: string;
  readonly message: string;
  readonly format: XmlFormat;
}

interface Element {
  readonly from: number;
  readonly to: number;
  readonly inner: string;
}

/** Reads the `Delete` document of a request, which may be `aws-chunked`. */
export function readDeleteRequest(body: Buffer, isChunked: boolean): DeleteRequest {
  const xml = ((isChunked ? unwrapAwsChunked(body) : undefined) ?? body).toString();
  const isEncoded = isUrlEncoded(xml);
  return {
    objects: elements(xml, 'Object').flatMap(({ inner }) => objectsIn(inner, isEncoded)),
    isQuiet: textOf(xml, 'Quiet')?.trim().toLowerCase() === 'true',
  };
}

/**
 * Returns the `DeleteResult` document of an answer that refuses these objects. Their `Deleted` elements become `Error`
 * elements. A quiet answer has no `Deleted` elements, so they are added. Returns `undefined` if nothing changes.
 */
export function refuseIn(
  answer: string,
  { isQuiet }: DeleteRequest,
  refused: readonly ObjectName[],
  refusal: KeyRefusal,
): string | undefined {
  const { format } = refusal;
  const empty = `${format.declaration}${format.afterDeclaration}<DeleteResult>${format.indent > 0 ? '\n' : ''}</DeleteResult>`;
  const xml =
    answer === '' && isQuiet
      ? empty
      : answer.replace(/<DeleteResult([^<>]*)\/>\s*$/, '<DeleteResult$1></DeleteResult>');
  const isEncoded = isUrlEncoded(xml);
  const left = new Map(refused.map((each) => [identity(each), each]));
  const pieces: string[] = [];
  let at = 0;
  for (const { from, to, inner } of elements(xml, 'Deleted')) {
    const [object] = objectsIn(inner, isEncoded);
    if (object === undefined || !left.delete(identity(object))) continue;
    pieces.push(xml.slice(at, from), write(object, refusal));
    at = to;
  }
  for (const { inner } of elements(xml, 'Error')) {
    for (const object of objectsIn(inner, isEncoded)) left.delete(identity(object));
  }
  const end = xml.lastIndexOf('</DeleteResult>');
  if (end < 0) return undefined;
  pieces.push(xml.slice(at, end));
  if (isQuiet) pieces.push(...[...left.values()].map((object) => line(write(object, refusal), format)));
  return pieces.length === 1 ? undefined : pieces.join('') + xml.slice(end);
}

function write({ keyText, versionText }: ObjectName, { code, message, format }: KeyRefusal): string {
  const parts = [
    `<Key>${keyText}</Key>`,
    ...(versionText === undefined ? [] : [`<VersionId>${versionText}</VersionId>`]),
    `<Code>${escapeXml(code)}</Code>`,
    `<Message>${escapeXml(message)}</Message>`,
  ];
  if (format.indent === 0) return `<Error>${parts.join('')}</Error>`;
  const indent = ' '.repeat(format.indent);
  return `<Error>\n${parts.map((part) => `${indent}${indent}${part}\n`).join('')}${indent}</Error>`;
}

function line(element: string, { indent }: XmlFormat): string {
  return indent === 0 ? element : `${' '.repeat(indent)}${element}\n`;
}

function identity({ key, versionText = '' }: ObjectName): string {
  return `${key}\n${versionText}`;
}

function isUrlEncoded(xml: string): boolean {
  return textOf(xml, 'EncodingType')?.trim() === 'url';
}

function objectsIn(inner: string, isEncoded: boolean): ObjectName[] {
  const keyText = textOf(inner, 'Key');
  if (keyText === undefined) return [];
  const key = unescapeXml(keyText);
  return [{ key: isEncoded ? decode(key) : key, keyText, versionText: textOf(inner, 'VersionId') }];
}

function textOf(xml: string, name: string): string | undefined {
  const from = xml.indexOf(`<${name}>`);
  const to = xml.indexOf(`</${name}>`, from);
  return from < 0 || to < 0 ? undefined : xml.slice(from + name.length + 2, to);
}

/** Finds elements without an XML parser: the rest of the document must stay as it is, and the time must be linear. */
function elements(xml: string, name: string): Element[] {
  const found: Element[] = [];
  for (let from = xml.indexOf(`<${name}>`); from >= 0; ) {
    const end = xml.indexOf(`</${name}>`, from);
    if (end < 0) break;
    const to = end + name.length + 3;
    found.push({ from, to, inner: xml.slice(from + name.length + 2, end) });
    from = xml.indexOf(`<${name}>`, to);
  }
  return found;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,8}));/gi, (all, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    if (name !== undefined) return ENTITIES[name] ?? all;
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
