import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { catalogFile, DEFAULT_PROVIDER, loadProvider, providerNames } from './catalog.ts';
import { type Recognition, recognitionSchema } from './recognition-schema.ts';

/** One provider's recognition, with its expressions compiled. */
interface Recognizer {
  readonly provider: string;
  readonly signs: Recognition;
  /** With a dot before each: `.example.com` */
  readonly domains: readonly string[];
  /** Hosts of the native API. */
  readonly ownHosts: readonly RegExp[];
  /** The same, then those of S3's API. */
  readonly hosts: readonly RegExp[];
  readonly servers: readonly RegExp[];
  readonly requestIds: readonly RegExp[];
  readonly hostIds: readonly RegExp[];
  readonly checksums: readonly RegExp[];
}

/** Signs of the provider in the head of a request; the facts of a request have them. */
interface ClientSigns {
  /** Scheme of the signature. */
  readonly scheme: string | undefined;
  /** Host without port, in lower case. */
  readonly host: string;
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** RFC 1035: no longer name exists, so none needs to be looked at. */
const LONGEST_HOST = 253;

let cachedRecognizers: readonly Recognizer[] | undefined;

/** The providers that can be recognised. The default one comes last: others speak its API, so their signs count first. */
function recognizers(): readonly Recognizer[] {
  const others = () => providerNames().filter((name) => name !== DEFAULT_PROVIDER);
  cachedRecognizers ??= [...others(), DEFAULT_PROVIDER].flatMap((name) => recognizerOf(name) ?? []);
  return cachedRecognizers;
}

/** Reads the head of a catalog file alone: to read all entries takes forty times as long, and nothing here needs them. */
function recognizerOf(provider: string): Recognizer | undefined {
  const [head = ''] = readFileSync(catalogFile(provider), 'utf8').split(/^entries:/m, 1);
  const { recognition } = parse(head);
  if (recognition === undefined) return undefined;
  const signs = recognitionSchema.parse(recognition);
  const compiled = (patterns: readonly string[]) => patterns.map((pattern) => new RegExp(`^(?:${pattern})$`));
  return {
    provider,
    signs,
    domains: signs.domains.map((domain) => `.${domain}`),
    ownHosts: compiled(signs.hosts),
    hosts: compiled([...signs.hosts, ...signs.s3Hosts]),
    servers: compiled(signs.servers),
    requestIds: compiled(signs.requestIds),
    hostIds: compiled(signs.hostIds),
    checksums: compiled(signs.checksums),
  };
}

function someMatch(patterns: readonly RegExp[], text: string): boolean {
  return patterns.some((pattern) => pattern.test(text));
}

/** The recognition of each provider that has one, by name; that of the default provider is the last. */
export function recognitions(): readonly (readonly [provider: string, signs: Recognition])[] {
  return recognizers().map(({ provider, signs }) => [provider, signs]);
}

/** The provider whose domain a host is in, whatever it serves there; `host` is in lower case and without port. */
function ownerOfDomain(host: string): Recognizer | undefined {
  if (host.length > LONGEST_HOST) return undefined;
  return recognizers().find(({ domains }) => domains.some((domain) => host.endsWith(domain)));
}

/** Guesses whose dialect a client speaks, for answers of the proxy's own; `undefined` where the request has no sign of it. */
export function detectProvider({ scheme, host, headers }: ClientSigns): string | undefined {
  const signer = scheme === undefined ? undefined : signerOf(scheme);
  if (signer?.shared === false) return signer.provider;
  return providerOfDomain(host) ?? providerOfHeaders(Object.keys(headers)) ?? signer?.provider;
}

/** The provider in whose dialect the proxy answers by itself: the one it was told, or else the client's. */
export function providerFor(client: ClientSigns, told: string | undefined): string {
  return told ?? detectProvider(client) ?? DEFAULT_PROVIDER;
}

/** The provider whose clients sign so, and whether others' clients do, too; `undefined` for a scheme of nobody. */
export function signerOf(
  scheme: string,
): { readonly provider: string; readonly shared: boolean } | undefined {
  for (const { provider, signs } of recognizers()) {
    const signature = signs.signatures.find((each) => each.scheme === scheme);
    if (signature !== undefined) return { provider, shared: signature.shared };
  }
  return undefined;
}

/** The provider whose dialect clients of a host expect; `host` is in lower case and without port. */
export function providerOfDomain(host: string): string | undefined {
  const owner = ownerOfDomain(host);
  if (owner === undefined) return undefined;
  const speaksS3 = !someMatch(owner.ownHosts, host) && someMatch(owner.hosts, host);
  return speaksS3 ? undefined : owner.provider;
}

/** The provider whose object storage a host is, with a port or without; other services of the same cloud are nobody's. */
export function providerOfHost(authority: string): string | undefined {
  const host = authority.replace(/:\d+$/, '').toLowerCase();
  const owner = ownerOfDomain(host);
  return owner && someMatch(owner.hosts, host) ? owner.provider : undefined;
}

/** The bucket that the host name of a provider's object storage has; `host` is in lower case and without port. */
export function bucketInHost(host: string): string | undefined {
  const owner = ownerOfDomain(host);
  for (const pattern of owner?.hosts ?? []) {
    const found = pattern.exec(host);
    if (found !== null) return found.groups?.bucket;
  }
  return undefined;
}

/** The provider of any of these headers, by how their names begin; names are in lower case. */
export function providerOfHeaders(names: readonly string[]): string | undefined {
  const owner = recognizers().find(({ signs: { headerPrefix } }) =>
    names.some((name) => headerPrefix !== undefined && name.startsWith(headerPrefix)),
  );
  return owner?.provider;
}

/** The provider that answers with this value of the Server header. */
export function providerOfServer(value: string): string | undefined {
  return recognizers().find(({ servers }) => someMatch(servers, value))?.provider;
}

/** The provider that makes request ids of this form; `undefined` where several do. */
export function providerOfRequestId(id: string): string | undefined {
  return recognizers().find(({ requestIds }) => someMatch(requestIds, id))?.provider;
}

/** The provider that makes second ids of this form; `undefined` where several do. */
export function providerOfHostId(id: string): string | undefined {
  return recognizers().find(({ hostIds }) => someMatch(hostIds, id))?.provider;
}

/** The provider whose error documents alone have one of these elements. */
export function providerOfElements(names: readonly string[]): string | undefined {
  return recognizers().find(({ signs }) => names.some((name) => signs.elements.includes(name)))?.provider;
}

/** The provider whose objects tools name by such a URL. */
export function providerOfUrlScheme(scheme: string): string | undefined {
  return recognizers().find(({ signs }) => signs.urlSchemes.includes(scheme))?.provider;
}

/** Prefixes of header names in the dialects of all providers. */
export function headerPrefixes(): string[] {
  return recognizers().flatMap(({ signs }) => signs.headerPrefix ?? []);
}

/** Prefix of header names in a provider's dialect, such as `x-amz-`. A provider without one gets the default provider's. */
export function headerPrefixOf(provider: string | undefined): string {
  const own = recognizers().find((each) => each.provider === provider)?.signs;
  return own?.headerPrefix ?? recognizers().at(-1)?.signs.headerPrefix ?? '';
}

/** Tells whether any provider has a checksum of the object in this header; the name is in lower case. */
export function isProviderChecksum(header: string): boolean {
  return recognizers().some(({ checksums }) => someMatch(checksums, header));
}

/** Tells whether a header of an answer says which error it is, beyond its status; the name is in lower case. */
export function isErrorHeader(name: string): boolean {
  return recognizers().some(({ signs }) => signs.errorHeaders.includes(name));
}

let documentHeaders: ReadonlySet<string> | undefined;

/** Tells whether a provider's answer to HEAD has the whole error document in this header, in base64; the name is in lower case. */
export function isDocumentHeader(name: string): boolean {
  documentHeaders ??= new Set(
    providerNames()
      .flatMap((provider) => loadProvider(provider).dialect.headHeaders)
      .flatMap(([header, template]) => (template === '{documentBase64}' ? [header.toLowerCase()] : [])),
  );
  return documentHeaders.has(name);
}
