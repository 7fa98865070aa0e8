import { z } from 'zod';

/** Schema of a regular expression that matches a whole text. */
const pattern = z.string().refine(isPattern, 'not a regular expression');

const lowerCase = z.string().regex(/^[a-z0-9.-]+$/, 'must be in lower case');

const signature = z.strictObject({
  scheme: lowerCase.describe('Name of the scheme'),
  form: z
    .enum(['colon', 'credential'])
    .describe(
      'Form of Authorization after its first word: {access key}:{signature}, or Credential={access key}/{date}/…',
    ),
  authorization: z
    .string()
    .describe(
      'First word of Authorization; for the form credential, the beginning of that word. Its letter case does not matter',
    ),
  parameter: z.string().describe('Query parameter of a presigned URL with the access key'),
  besides: z
    .string()
    .optional()
    .describe('Another query parameter that must be there, if the name of the first is a plain word'),
  signedHeaders: z
    .strictObject({
      authorization: z.string().describe('In Authorization'),
      parameter: lowerCase.describe('In the query of a presigned URL'),
    })
    .optional()
    .describe('Names of the lists of headers that are signed'),
  shared: z
    .boolean()
    .default(false)
    .describe(
      'Clients of other providers sign in this way, too: the host and the headers of the request come first',
    ),
});

/** Signs of a provider in requests, answers and texts: the `recognition` part of a catalog file. */
export const recognitionSchema = z.strictObject({
  domains: z
    .array(lowerCase)
    .default([])
    .describe(
      "Domain names of the provider. A client that asks a host below one expects the provider's dialect, unless the host is one of s3Hosts",
    ),
  hosts: z
    .array(pattern)
    .default([])
    .describe(
      'Host names of its object storage below those domains, in lower case: regular expressions of the whole name, with the group "bucket" if the name has the bucket',
    ),
  s3Hosts: z
    .array(pattern)
    .default([])
    .describe("The same, of endpoints whose clients speak S3's dialect and not the provider's own"),
  headerPrefix: lowerCase
    .optional()
    .describe("Prefix of the names of the provider's own headers, such as x-oss-"),
  signatures: z.array(signature).default([]).describe('Ways in which its clients sign requests'),
  servers: z.array(pattern).default([]).describe('Values of the Server header: regular expressions'),
  requestIds: z
    .array(pattern)
    .default([])
    .describe('Forms of request ids that no other provider has: regular expressions'),
  hostIds: z
    .array(pattern)
    .default([])
    .describe('Forms of the second id that no other provider has: regular expressions'),
  elements: z
    .array(z.string())
    .default([])
    .describe('Elements of error documents that no other provider has'),
  errorHeaders: z
    .array(lowerCase)
    .default([])
    .describe('Headers of an answer that name its error, in addition to those of the dialect'),
  checksums: z
    .array(pattern)
    .default([])
    .describe('Headers of an answer that carry a checksum of the object: regular expressions'),
  urlSchemes: z
    .array(lowerCase)
    .default([])
    .describe('Schemes of URLs that tools use for its objects, such as oss for oss://bucket/key'),
  mentions: z
    .array(pattern)
    .default([])
    .describe('Words in logs that speak of its object storage, its SDKs and its tools: regular expressions'),
});

/** Signs of a provider, as data. */
export type Recognition = Readonly<z.infer<typeof recognitionSchema>>;

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
