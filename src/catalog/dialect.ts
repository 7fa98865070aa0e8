import { z } from 'zod';

/**
 * Names of values that templates can use: of the error, the request and the time. `resource` is `/bucket/key`. `date` is
 * an HTTP date, `iso…` is ISO 8601. `skewed…` is 20 minutes ago: the time of a clock that RequestTimeTooSkewed refuses.
 */
const PLACEHOLDERS = [
  'code',
  'message',
  'requestId',
  'hostId',
  'method',
  'host',
  'bucket',
  'key',
  'resource',
  'part',
  'uploadId',
  'range',
  'size',
  'date',
  'isoSecond',
  'isoTime',
  'skewedDate',
  'skewedIsoTime',
  'skewedBasic',
  'contentType',
  'length',
  'documentBase64',
] as const;

/** Name of a value that templates may use. */
export type Placeholder = (typeof PLACEHOLDERS)[number];

const KNOWN: ReadonlySet<string> = new Set(PLACEHOLDERS);

/** Text with `{placeholders}`. A template is left out if one of its values is missing. */
const template = z.string().superRefine((text, context) => {
  for (const [, name = ''] of text.matchAll(/\{([^}]*)\}/g)) {
    if (!KNOWN.has(name)) {
      context.addIssue(`unknown placeholder {${name}}; known are ${PLACEHOLDERS.join(', ')}`);
    }
  }
});

/**
 * Form of an id. `{seconds}` and `{milliseconds}` are the Unix time in hex. `{hex:n}` and `{base32:n}` are n random
 * characters, `{base64:n}` is n random bytes.
 */
const idForm = z
  .string()
  .regex(/^(?:[^{}]|\{(?:seconds|milliseconds|(?:hex|base32|base64):[1-9]\d*)\})+$/, 'not an id form');

/** Form of the names of XML elements and JSON members of an error document. */
export const ELEMENT_NAME = /^[A-Za-z_][\w.-]*$/;
const name = z.string().regex(ELEMENT_NAME, 'not a name for an element');
/** Form of the names of response headers (RFC 9110, section 5.6.2: token). */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const header = z.tuple([z.string().regex(HEADER_NAME, 'not a name for a header'), template]);

const xmlFormat = z.strictObject({
  contentType: z.string(),
  declaration: z.string(),
  afterDeclaration: z.enum(['', '\n']),
  /** Spaces before each element, one element per line; 0 puts all on one line. */
  indent: z.int().min(0).max(8),
  trailingNewline: z.boolean(),
  /** Response headers in wire order. */
  headers: z.array(header),
  /** Elements in wire order. `extras` stands for the elements that belong to one code. */
  elements: z.array(z.union([z.literal('extras'), z.tuple([name, template])])),
});

const jsonFormat = z.strictObject({
  contentType: z.string(),
  trailingNewline: z.boolean(),
  headers: xmlFormat.shape.headers,
  elements: xmlFormat.shape.elements,
});

/** Form in which a provider writes its errors: the `dialect` part of a catalog file. */
export const dialectSchema = z
  .strictObject({
    requestId: idForm,
    /** Form of the second id; left out if the provider's HostId is the host name of the bucket. */
    hostId: idForm.optional(),
    /** Format of an error if its rule does not choose one. */
    format: z.enum(['xml', 'json']),
    formats: z.strictObject({ xml: xmlFormat.optional(), json: jsonFormat.optional() }),
    /** Further headers of an answer to HEAD, which contain the code. */
    headHeaders: z.array(header).default([]),
    /** Elements by code, in wire order. An element with an empty template is written only if a rule gives its value. */
    extras: z.record(z.string(), z.record(name, template)).default({}),
    extraHeaders: z.record(z.string(), z.array(header)).default({}),
    /** Prefix of header names, and the prefix that replaces it if the request was signed the AWS way. */
    awsSigned: z.strictObject({ from: z.string(), to: z.string() }).optional(),
    /** Headers of the upstream's 2xx answer that a "stored, but …" error keeps; in lower case. */
    keepOnCommit: z.array(z.string().regex(/^[a-z0-9-]+$/, 'must be in lower case')),
  })
  .refine(
    ({ format, formats }) => formats[format] !== undefined,
    'the usual format has no recipe in formats',
  );

/** Dialect of a provider: how it writes errors, as data. */
export type Dialect = Readonly<z.infer<typeof dialectSchema>>;

/** Layout of an XML error document. */
export type XmlFormat = z.infer<typeof xmlFormat>;

/** Layout of a JSON error document. */
export type JsonFormat = z.infer<typeof jsonFormat>;
