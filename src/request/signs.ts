/** Signs of providers by which the head of a request is read. They come from the catalogs; this folder knows no provider. */
export interface RequestSigns {
  /** Finds the bucket in the host name of a provider. Returns `undefined` if there is none, or the host is unknown. */
  readonly bucketInHost: (host: string) => string | undefined;
  readonly signatures: SignatureSigns;
  /** Headers that name the object to be copied, in lower case. */
  readonly copyHeaders: readonly string[];
  /** Headers that name the object to be moved, in lower case. */
  readonly moveHeaders: readonly string[];
  /** Headers and query parameters that ask the provider to call an application server, in lower case. */
  readonly callbacks: readonly string[];
}

/** Signs of the scheme by which a request is signed. */
export interface SignatureSigns {
  /** Schemes by the first word of `Authorization: {word} {access key}:{signature}`, in lower case. */
  readonly words: ReadonlyMap<string, string>;
  /** Schemes by the beginning of the first word of `Authorization: {word} Credential={access key}/…`, in lower case. */
  readonly beginnings: readonly (readonly [beginning: string, scheme: string])[];
  readonly presigned: readonly PresignedSign[];
  /** Names of the lists of signed headers in Authorization. */
  readonly lists: readonly string[];
  /** Query parameters of presigned URLs that list the signed headers, in lower case. */
  readonly listParameters: ReadonlySet<string>;
}

/** Sign of a presigned URL. */
interface PresignedSign {
  readonly scheme: string;
  /** Query parameter with the access key. */
  readonly parameter: string;
  /** Date, region and service follow the access key. */
  readonly isScoped: boolean;
  /** Another parameter that must be there. */
  readonly besides?: string | undefined;
}
