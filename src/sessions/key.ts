import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { ofKind } from '../diagnostics/problem.ts';
import type { Facts } from '../request/facts.ts';
import { headerValue } from '../rules/match.ts';

const exact = z.string().min(1);

/** Name of a header field (RFC 9110, section 5.1). */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

const headers = z.record(z.string(), z.string()).superRefine((map, context) => {
  const names = new Set<string>();
  for (const name of Object.keys(map)) {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name)) {
      const message = `"${name}" cannot be the name of a header`;
      context.addIssue({ code: 'custom', path: [name], message, ...ofKind('bad-name') });
    } else if (names.has(lower)) {
      const message = `header ${lower} is given twice; upper and lower case are the same here`;
      context.addIssue({ code: 'custom', path: [name], message, ...ofKind('duplicate-key') });
    }
    names.add(lower);
  }
});

const NO_KEY = 'the key is empty. it needs accessKey, bucket, prefix, header or port';

/** Schema of the `key` of a session. */
export const keySchema = z
  .strictObject({
    accessKey: exact.optional().describe('Access key id that signed the request'),
    bucket: exact.optional().describe('Bucket name'),
    prefix: exact.optional().describe('Beginning of the object key'),
    header: headers.optional().describe('Request headers by name, each with its value'),
    port: z
      .int()
      .min(0)
      .max(65535)
      .optional()
      .describe('A port that the session has to itself; 0 takes a free one'),
  })
  .refine((key) => Object.values(key).some((part) => part !== undefined && !isEmptyMap(part)), {
    error: NO_KEY,
    ...ofKind('missing-key'),
  });

/** Conditions that the requests of a session have in common: all must hold, and values are exact. */
export type SessionKey = Readonly<z.input<typeof keySchema>>;

function isEmptyMap(part: unknown): boolean {
  return typeof part === 'object' && part !== null && Object.keys(part).length === 0;
}

/** Returns true if a request matches a key; the port is not checked here. */
export function matchesKey({ headers: sent, accessKey, bucket, key }: Facts, wanted: SessionKey): boolean {
  return (
    (wanted.accessKey === undefined || wanted.accessKey === accessKey) &&
    (wanted.bucket === undefined || wanted.bucket === bucket) &&
    (wanted.prefix === undefined || key?.startsWith(wanted.prefix) === true) &&
    (wanted.header === undefined || hasHeaders(sent, wanted.header))
  );
}

function hasHeaders(sent: IncomingHttpHeaders, wanted: Readonly<Record<string, string>>): boolean {
  for (const name in wanted) {
    if (headerValue(sent, name.toLowerCase()) !== wanted[name]) return false;
  }
  return true;
}

/** Makes a text that is the same for keys that the same requests match; `undefined` if each session gets its own free port. */
export function keyIdentity({
  accessKey,
  bucket,
  prefix,
  header = {},
  port,
}: SessionKey): string | undefined {
  if (port === 0) return undefined;
  const names = Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]);
  return JSON.stringify([accessKey, bucket, prefix, names.sort(), port]);
}

/** Condition of a key by which its sessions are indexed: its name, how a request has it, and its value. */
export interface IndexField {
  readonly name: string;
  readonly read: (facts: Facts) => string | undefined;
  /** `undefined`: the key has no such condition, so each of these sessions is checked. */
  readonly value: string | undefined;
}

/** Returns the condition of a key that the fewest requests match. */
export function indexFieldOf({ accessKey, bucket, header = {} }: SessionKey): IndexField {
  if (accessKey !== undefined)
    return { name: 'accessKey', read: (facts) => facts.accessKey, value: accessKey };
  for (const [name, value] of Object.entries(header)) {
    const lower = name.toLowerCase();
    return { name: `header ${lower}`, read: (facts) => headerValue(facts.headers, lower), value };
  }
  if (bucket !== undefined) return { name: 'bucket', read: (facts) => facts.bucket, value: bucket };
  return { name: '', read: () => undefined, value: undefined };
}
