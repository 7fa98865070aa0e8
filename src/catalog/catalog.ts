import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Dialect, dialectSchema } from './dialect.ts';
import { recognitionSchema } from './recognition-schema.ts';

/** One documented error of a provider: a row of its catalog. */
export interface Entry {
  readonly code: string;
  /** Name that tells rows of the same code apart; `undefined` if the code has one row. The first row is the default. */
  readonly variant: string | undefined;
  readonly status: number;
  /** Reason phrase, if the provider's differs from the standard one. */
  readonly reason: string | undefined;
  /** Text of the error as it is sent; '' if the provider sends none. */
  readonly message: string;
  /** The message is ours, because the provider's document has none. */
  readonly assumed: boolean;
  /** "Succeeded, but …": the object is stored, although the client gets an error. */
  readonly stored: boolean;
  /** The error means that the client sent nothing for too long: it is sent after a wait, and the connection closes. */
  readonly idle: boolean;
  readonly retryable: boolean | undefined;
  /** Other spellings that rules may use for this code. */
  readonly aliases: readonly string[];
  /** Explanation and remedy from the provider's documents. */
  readonly zh: Advice | undefined;
  readonly en: Advice | undefined;
  readonly note: string | undefined;
  /** Title of the document that the row was taken from. */
  readonly source: string;
}

/** Advice of a provider about an error. */
interface Advice {
  readonly explanation?: string | undefined;
  readonly remedy?: string | undefined;
}

/** Catalog of a provider: its documented errors, and the dialect that it writes them in. */
export interface Provider {
  readonly name: string;
  readonly title: string;
  readonly dialect: Dialect;
  /** Default attempts of its SDKs, by language, if their errors look like those of another SDK. */
  readonly attempts: Readonly<Record<string, number>>;
  readonly entries: readonly Entry[];
}

/** Provider of requests and errors without a sign of any provider: most others speak its API and copy its errors. */
export const DEFAULT_PROVIDER = 'aws-s3';

// The package root is two levels above both src/catalog and dist/catalog.
const FOLDER = new URL('../../catalog/', import.meta.url);
const loaded = new Map<string, Provider>();
let cachedNames: readonly string[] | undefined;

const advice = z.strictObject({ explanation: z.string().optional(), remedy: z.string().optional() });

const entrySchema = z.strictObject({
  code: z.string().regex(/^[A-Za-z][\w./-]*$/, 'not an error code'),
  variant: z
    .string()
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be a slug such as "acl-left"')
    .optional(),
  status: z.int().min(200).max(599),
  reason: z.string().optional(),
  message: z.string(),
  assumed: z.boolean().default(false),
  stored: z.boolean().default(false),
  idle: z.boolean().default(false),
  retryable: z.boolean().optional(),
  aliases: z.array(z.string()).default([]),
  zh: advice.optional(),
  en: advice.optional(),
  note: z.string().optional(),
  source: z.string().optional(),
});

/** Schema of a catalog file, `catalog/<provider>.yaml`. */
export const catalogSchema = z
  .strictObject({
    title: z.string(),
    /** Titles of the documents that the entries come from, by short name. An entry that names none comes from the first. */
    sources: z.record(z.string(), z.string()),
    dialect: dialectSchema,
    recognition: recognitionSchema
      .optional()
      .describe('How to tell that a request, an answer or a text is of the provider'),
    attempts: z
      .record(z.string(), z.int().min(1))
      .default({})
      .describe(
        'Attempts that its SDKs make by default, by language, where their errors look like those of another SDK',
      ),
    entries: z.array(entrySchema),
  })
  .superRefine((file, context) => {
    for (const [index, message] of contradictions(file.entries, Object.keys(file.sources))) {
      context.addIssue({ code: 'custom', path: ['entries', index], message });
    }
  });

function contradictions(entries: z.infer<typeof entrySchema>[], sources: string[]): [number, string][] {
  const found: [number, string][] = [];
  const rows = new Map<string, number>();
  for (const { code } of entries) rows.set(code, (rows.get(code) ?? 0) + 1);
  const keys = new Set<string>();
  for (const [index, { code, variant, aliases, source }] of entries.entries()) {
    const key = `${code} ${variant ?? ''}`;
    if (keys.has(key)) found.push([index, `${code} has two rows of the same variant`]);
    keys.add(key);
    if (variant === undefined && (rows.get(code) ?? 0) > 1) {
      found.push([index, `${code} has several rows: each needs a variant`]);
    }
    if (source !== undefined && !sources.includes(source)) found.push([index, `unknown source "${source}"`]);
    for (const alias of aliases) {
      if (rows.has(alias)) found.push([index, `alias ${alias} is a code of its own`]);
    }
  }
  return found;
}

/** Lists the providers that have a catalog, in alphabetical order. */
export function providerNames(): readonly string[] {
  cachedNames ??= readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
  return cachedNames;
}

/** Location of the catalog file of a provider. */
export function catalogFile(name: string): URL {
  return new URL(`${name}.yaml`, FOLDER);
}

/** Loads a provider's catalog once. Throws for an unknown name; the message lists the known names. */
export function loadProvider(name: string): Provider {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const all = providerNames();
  if (!all.includes(name)) {
    throw new Error(`unknown provider "${name}"; there are catalogs of ${all.join(', ')}`);
  }
  const provider = parseCatalog(name, readFileSync(catalogFile(name), 'utf8'));
  loaded.set(name, provider);
  return provider;
}

/** Parses the text of a catalog file. Throws its problems, one per line. */
export function parseCatalog(name: string, text: string): Provider {
  const result = catalogSchema.safeParse(parse(text));
  if (!result.success) {
    const lines = result.error.issues.map((issue) => {
      const causes = issue.code === 'invalid_union' ? issue.errors.flat() : [issue];
      const what = causes.map((cause) => cause.message).join(', or: ');
      return `catalog ${name}: ${issue.path.join('.')}: ${what}`;
    });
    throw new Error(lines.join('\n'));
  }
  const { title, sources, dialect, attempts, entries } = result.data;
  const first = Object.keys(sources)[0] ?? '';
  return {
    name,
    title,
    dialect,
    attempts,
    entries: entries.map((entry) => ({
      ...entry,
      variant: entry.variant,
      reason: entry.reason,
      retryable: entry.retryable,
      zh: entry.zh,
      en: entry.en,
      note: entry.note,
      source: sources[entry.source ?? first] ?? '',
    })),
  };
}

/** Lists the rows of a code or an alias. The first is the default row, or the row with the alias. Empty if it is unknown. */
export function entriesOf(provider: Provider, code: string): readonly Entry[] {
  const { entries } = provider;
  const first =
    entries.find((entry) => entry.code === code) ?? entries.find((entry) => entry.aliases.includes(code));
  if (first === undefined) return [];
  return [first, ...entries.filter((entry) => entry.code === first.code && entry !== first)];
}

/** Finds the row of a code or an alias that has this variant; without a variant, the default row. */
export function findEntry(provider: Provider, code: string, variant?: string): Entry | undefined {
  const rows = entriesOf(provider, code);
  return variant === undefined ? rows[0] : rows.find((entry) => entry.variant === variant);
}
