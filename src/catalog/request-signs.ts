import { bucketInHost, headerPrefixes, recognitions } from './recognition.ts';
import type { Recognition } from './recognition-schema.ts';

let cachedSigns: ReturnType<typeof makeSigns> | undefined;

/** Returns the signs of all providers by which request heads are read: the `RequestSigns` of request/. Made once. */
export function requestSigns(): ReturnType<typeof makeSigns> {
  cachedSigns ??= makeSigns(recognitions().map(([, signs]) => signs));
  return cachedSigns;
}

function makeSigns(all: readonly Recognition[]) {
  const prefixes = headerPrefixes();
  return {
    bucketInHost,
    signatures: signaturesOf(all.flatMap(({ signatures }) => signatures)),
    copyHeaders: prefixes.map((prefix) => `${prefix}copy-source`),
    moveHeaders: prefixes.map((prefix) => `${prefix}move-source`),
    callbacks: prefixes.map((prefix) => `${prefix}callback`),
  };
}

function signaturesOf(all: Recognition['signatures']) {
  const named = all.map((each) => [each.authorization.toLowerCase(), each] as const);
  return {
    words: new Map(named.flatMap(([word, { form, scheme }]) => (form === 'colon' ? [[word, scheme]] : []))),
    beginnings: named.flatMap(([word, { form, scheme }]) =>
      form === 'credential' ? [[word, scheme] as const] : [],
    ),
    presigned: all.map(({ scheme, form, parameter, besides }) => ({
      scheme,
      parameter,
      besides,
      isScoped: form === 'credential',
    })),
    lists: all.flatMap(({ signedHeaders }) => signedHeaders?.authorization ?? []),
    listParameters: new Set(all.flatMap(({ signedHeaders }) => signedHeaders?.parameter ?? [])),
  };
}
