import { XMLParser } from 'fast-xml-parser';
import { StoreError } from './memory.ts';

/** Largest request document read, in bytes: a CompleteMultipartUpload of 10,000 parts with checksums fits. */
const LARGEST_DOCUMENT = 4 << 20;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Elements by name: an object is a child, an array repeats its element, `undefined` leaves it out. */
export interface Elements {
  readonly [name: string]: string | number | boolean | Elements | readonly Elements[] | undefined;
}

/** Writes elements as XML in one line, without a declaration. */
export function writeXml(elements: Elements): string {
  let text = '';
  for (const [name, value] of Object.entries(elements)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each === undefined) continue;
      const inner =
        typeof each === 'object' ? writeXml(each) : String(each).replace(/[&<>"]/g, (c) => ESCAPES[c] ?? c);
      text += `<${name}>${inner}</${name}>`;
    }
  }
  return text;
}

// Entities: only XML's own and character references are left to expand, as documents with a DOCTYPE are refused.
const parser = new XMLParser({ htmlEntities: true, parseTagValue: false, trimValues: false });

/** Reads a request document: the texts of its root, and of each of the root's `item` elements. */
export function readXml(chunks: readonly Buffer[], root: string, item: string) {
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    if (text.length > LARGEST_DOCUMENT || text.includes('<!DOCTYPE')) throw new Error('refused');
    const found = child(parser.parse(text, true), root);
    if (found === undefined) throw new Error('another root');
    const items = child(found, item) ?? [];
    return { top: found, items: Array.isArray(items) ? items : [items] };
  } catch {
    throw new StoreError(400, 'MalformedXML', `The body is no well-formed ${root} document.`);
  }
}

function child(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** The text of a child element; '' where there is none. */
export function textOf(value: unknown, name: string): string {
  const text = child(value, name);
  return typeof text === 'string' ? text : '';
}
