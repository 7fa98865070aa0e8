import { z } from 'zod';
import { check } from '../diagnostics/zod-issues.ts';
import { OUTCOMES } from '../exchange/outcome.ts';
import { globText } from '../notation/glob.ts';
import { seedSchema } from '../notation/seed.ts';
import type { JournalFilter } from '../observe/journal-filter.ts';
import { operationSchema } from '../rules/rule-schema.ts';
import type { ProxyOptions } from './options.ts';

const text = z.string().optional();
const flag = z.boolean().optional();
const port = z
  .int({ error: 'a port is a whole number' })
  .min(0, { error: 'ports are numbers from 0 to 65535; 0 takes a free one' })
  .max(65_535, { error: 'ports are numbers from 0 to 65535; 0 takes a free one' })
  .optional();

/** Schema of a callback. Its argument is checked by the types only. */
function callback<Argument>(name: string) {
  return z
    .custom<(argument: Argument) => void>((value) => typeof value === 'function', {
      error: `${name} is a function`,
    })
    .optional();
}

const RULES = 'rules is a list of files and folders, or of rule files as objects or as { name, text }';

function isRules(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string';
  if (!('text' in value)) return !Array.isArray(value);
  return typeof value.text === 'string' && 'name' in value && typeof value.name === 'string';
}

/** Schema of the options of startProxy. It checks their types; the code that reads a text checks its meaning. */
const optionsSchema = z.strictObject(
  {
    upstream: z.string({
      error: 'upstream is http://host:port, https://host:port, or memory: for the embedded store',
    }),
    rules: z.array(z.custom(isRules, { error: RULES }), { error: RULES }).optional(),
    watch: z.enum(['events', 'poll']).optional(),
    seed: seedSchema.optional(),
    provider: text,
    host: text,
    port,
    tlsCert: text,
    tlsKey: text,
    adminHost: text,
    adminPort: port,
    adminToken: text,
    domains: z.array(z.string()).optional(),
    cnames: z.record(z.string(), z.string()).optional(),
    pathStyle: flag,
    rewriteHost: flag,
    ca: text,
    upstreamTimeout: text,
    idleTimeout: text,
    journalSize: z.number().optional(),
    journalFile: text,
    journalMaxSize: text,
    journalKeep: z.number().optional(),
    record: text,
    stealth: flag,
    allowHeaderFaults: flag,
    memoryLimit: text,
    onEntry: callback('onEntry'),
    onFault: callback('onFault'),
    onReload: callback('onReload'),
    onWarning: callback('onWarning'),
    onAdminChange: callback('onAdminChange'),
  } satisfies Readonly<Record<keyof ProxyOptions, z.ZodType>>,
  {
    error: ({ code }) =>
      code === 'invalid_type'
        ? 'startProxy takes an object of options, such as { upstream: "memory:" }'
        : undefined,
  },
);

const filterSchema = z.strictObject(
  {
    rule: text,
    session: text,
    operation: operationSchema.optional(),
    bucket: text,
    key: globText.optional(),
    status: z.int().min(100).max(599).optional(),
    outcome: z.enum(OUTCOMES).optional(),
  } satisfies Readonly<Record<keyof JournalFilter, z.ZodType>>,
  {
    error: ({ code }) =>
      code === 'invalid_type' ? 'a filter of the journal is an object, such as { status: 503 }' : undefined,
  },
);

/** Throws an Error at invalid options, with a sentence about each. */
export function checkOptions(options: unknown): void {
  checked(optionsSchema, options);
}

/** Checks a filter of the journal, and gives its operation its AWS name. Throws an Error if it could select nothing. */
export function checkedFilter(filter: unknown): JournalFilter {
  return checked(filterSchema, filter);
}

/** Checks a seed that is set while the proxy runs. Throws an Error if it is invalid. */
export function checkedSeed(seed: unknown): number | string {
  return checked(z.strictObject({ seed: seedSchema }), { seed }).seed;
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const result = check(schema, value);
  if ('value' in result) return result.value;
  throw new Error(result.findings.map(({ message }) => message).join('; '));
}
