import type { Provider } from '../catalog/catalog.ts';
import { HEADER_NAME } from '../catalog/dialect.ts';
import type { Finding } from './finding.ts';

/** Returns the format of the body: that of the text, or that of the provider. */
export function formatOf({ provider, body, api }: Finding): 'xml' | 'json' {
  const { format, formats } = provider.dialect;
  const isXml = body === undefined ? api === 's3' : body.text.startsWith('<');
  if (isXml && formats.xml !== undefined) return 'xml';
  return format;
}

/** Returns the headers with the ids, under all names that the provider has for them. */
export function idHeaders(finding: Finding): Record<string, string> {
  const { provider, requestId, hostId, headers } = finding;
  if (headers !== undefined) return {};
  const { formats, awsSigned } = provider.dialect;
  const all = formats[formatOf(finding)]?.headers ?? [];
  const found: [string, string][] = [];
  for (const [name, template] of all) {
    const id = template === '{requestId}' ? requestId : template === '{hostId}' ? hostId : undefined;
    if (id === undefined) continue;
    found.push([name, id]);
    if (awsSigned !== undefined && name.startsWith(awsSigned.from)) {
      found.push([awsSigned.to + name.slice(awsSigned.from.length), id]);
    }
  }
  return Object.fromEntries(found);
}

/** Headers that frame an answer or are about its connection, in lower case. */
export const FRAMING = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'trailer',
  'upgrade',
]);

/** Tells whether a rule should set a header. */
export function isAllowed(name: string): boolean {
  return HEADER_NAME.test(name) && !/^(?:x-brownout-.*|trailer|set-cookie|__proto__)$/i.test(name);
}

/** Writes a sentence about values that were removed. */
export function aboutMasked({ masked = [] }: Finding): string[] {
  return masked.length === 0 ? [] : [`made unreadable, an X for each letter and digit: ${masked.join(', ')}`];
}

/** Writes a sentence about values that the text lacks. */
export function fromDialect({ provider }: { readonly provider: Provider }, what: string): string {
  return `${what}: not in the text, so as ${provider.name} writes it`;
}
