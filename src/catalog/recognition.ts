import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { catalogFile, DEFAULT_PROVIDER, loadProvider, providerNames } from './catalog.ts';
import { type Recognition, recognitionSchema } from './recognition-schema.ts';

/** Recognition of one provider, with its expressions compiled. */
interface Recognizer {
  readonly provider: string;
  readonly signs: Recognition;
  /** Domains with a dot before each: `.example.com`. */
  readonly domains: readonly string[];
  /** Hosts of the native API. */
  readonly ownHosts: readonly RegExp[];
  /** Hosts of the native API, then hosts of S3's API. */
  readonly hosts: readonly RegExp[];
  readonly servers: readonly RegExp[];
  readonly requestIds: readonly RegExp[];
  readonly hostIds: readonly RegExp[];
  readonly checksums: readonly RegExp[];
}

/** Signs of the provider in the head of a request. The facts of a request have them. */
interface ClientSigns {
  /** Scheme of the signature. */
  readonly scheme: string | undefined;
  /** Host without the port, in lower case. */
  readonly host: string;
  /** Headers by name, in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Length of the longest host name (RFC 1035, section 2.3.4). Longer ones need no search. */
const LONGEST_HOST = 253;

let cachedRecognizers: readonly Recognizer[] | undefined;

/** Lists the providers that can be recognised. The default one is last: others speak its API, so their signs count first. */
function recognizers(): readonly Recognizer[] {
  const others = () => providerNames().filter((name) => name !== DEFAULT_PROVIDER);
  cachedRecognizers ??= [...others(), DEFAULT_PROVIDER].flatMap((name) => recognizerOf(name) ?? []);
  return cachedRecognizers;
}

/** Reads only the head of a catalog file. To read the entries, too, takes forty times as long, and they are not needed. */
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

/** Lists the recognition of each provider that has one, with its name. The default provider is last. */
export function recognitions(): readonly (readonly [provider: string, signs: Recognition])[] {
  return recognizers().map(({ provider, signs }) => [provider, signs]);
}

/** Finds the provider that owns the domain of a host, for all its services. `host` is in lower case and has no port. */
function ownerOfDomain(host: string): Recognizer | undefined {
  if (host.length > LONGEST_HOST) return undefined;
  return recognizers().find(({ domains }) => domains.some((domain) => host.endsWith(domain)));
}

/** Guesses the provider whose dialect a client speaks. Returns `undefined` if the request has no sign of a provider. */
export function detectProvider({ scheme, host, headers }: ClientSigns): string | undefined {
  const signer = scheme === undefined ? undefined : signerOf(scheme);
  if (signer?.shared === false) return signer.provider;
  return providerOfDomain(host) ?? providerOfHeaders(Object.keys(headers)) ?? signer?.provider;
}

/** Chooses the provider in whose dialect the proxy itself answers: the configured one, or else the client's. */
export function providerFor(client: ClientSigns, configured: string | undefined): string {
  return configured ?? detectProvider(client) ?? DEFAULT_PROVIDER;
}

/** Finds the provider of a signature scheme. `shared` says that clients of other providers use it, too. */
export function signerOf(
  scheme: string,
): { readonly provider: string; readonly shared: boolean } | undefined {
  for (const { provider, signs } of recognizers()) {
    const signature = signs.signatures.find((each) => each.scheme === scheme);
    if (signature !== undefined) return { provider, shared: signature.shared };
  }
  return undefined;
}

/** Finds the provider whose dialect the clients of a host expect. `host` is in lower case and has no port. */
export function providerOfDomain(host: string): string | undefined {
  const owner = ownerOfDomain(host);
  if (owner === undefined) return undefined;
  const speaksS3 = !someMatch(owner.ownHosts, host) && someMatch(owner.hosts, host);
  return speaksS3 ? undefined : owner.provider;
}

/** Finds the provider whose object storage a host belongs to. A port is ignored. Other services of a cloud do not count. */
export function providerOfHost(authority: string): string | undefined {
  const host = authority.replace(/:\d+$/, '').toLowerCase();
  const owner = ownerOfDomain(host);
  return owner && someMatch(owner.hosts, host) ? owner.provider : undefined;
}

/** Finds the bucket in the host name of a provider's object storage. `host` is in lower case and has no port. */
export function bucketInHost(host: string): string | undefined {
  const owner = ownerOfDomain(host);
  for (const pattern of owner?.hosts ?? []) {
    const found = pattern.exec(host);
    if (found !== null) return found.groups?.bucket;
  }
  return undefined;
}

/** Finds the provider of any of these headers by the prefixes of their names, which are in lower case. */
export function providerOfHeaders(names: readonly string[]): string | undefined {
  const owner = recognizers().find(({ signs: { headerPrefix } }) =>
    names.some((name) => headerPrefix !== undefined && name.startsWith(headerPrefix)),
  );
  return owner?.provider;
}

/** Finds the provider that sends this value of the Server header. */
export function providerOfServer(value: string): string | undefined {
  return recognizers().find(({ servers }) => someMatch(servers, value))?.provider;
}

/** Finds the provider that makes request ids of this form. Returns `undefined` if several do. */
export function providerOfRequestId(id: string): string | undefined {
  return recognizers().find(({ requestIds }) => someMatch(requestIds, id))?.provider;
}

/** Finds the provider that makes second ids of this form. Returns `undefined` if several do. */
export function providerOfHostId(id: string): string | undefined {
  return recognizers().find(({ hostIds }) => someMatch(hostIds, id))?.provider;
}

/** Finds the only provider whose error documents have one of these elements. */
export function providerOfElements(names: readonly string[]): string | undefined {
  return recognizers().find(({ signs }) => names.some((name) => signs.elements.includes(name)))?.provider;
}

/** Finds the provider whose objects have URLs with this scheme. */
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

/** Tells whether any provider sends a checksum of the object in this header. The name is in lower case. */
export function isProviderChecksum(header: string): boolean {
  return recognizers().some(({ checksums }) => someMatch(checksums, header));
}

/** Tells whether a header of an answer names its error. The name is in lower case. */
export function isErrorHeader(name: string): boolean {
  return recognizers().some(({ signs }) => signs.errorHeaders.includes(name));
}

let documentHeaders: ReadonlySet<string> | undefined;

/** Tells whether a provider sends the error document for HEAD in this header, in base64. The name is in lower case. */
export function isDocumentHeader(name: string): boolean {
  documentHeaders ??= new Set(
    providerNames()
      .flatMap((provider) => loadProvider(provider).dialect.headHeaders)
      .flatMap(([header, template]) => (template === '{documentBase64}' ? [header.toLowerCase()] : [])),
  );
  return documentHeaders.has(name);
}
