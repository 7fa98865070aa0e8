import { z } from 'zod';
import { providerNames } from '../catalog/catalog.ts';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { ofKind } from '../diagnostics/problem.ts';
import { FAULT_KINDS, type FaultSettings, type Stated } from '../faults/index.ts';
import { globText, LONGEST_GLOB } from '../notation/glob.ts';
import { duration, parsedWith } from '../notation/quantity.ts';
import { parseAddressRange, parseNumberRange } from '../notation/ranges.ts';
import { isPrintable } from '../notation/seed.ts';
import { parseSizeCondition } from '../notation/units.ts';
import { canonicalOperation, OPERATIONS } from '../request/operation.ts';

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'] as const;

/** Returns true if the `method` of a match may be this one. */
export function isRuleMethod(method: string | undefined): method is (typeof METHODS)[number] {
  return METHODS.some((each) => each === method);
}

/** Makes a schema of one value, or of a list in which any value may match. */
function anyOf<Item extends z.ZodType>(item: Item) {
  return z.union([item.transform((one: z.output<Item>) => [one]), z.array(item).min(1)]);
}

const textOrNumber = z.union([z.string(), z.number()]);
const count = z.int().min(1);
// A number was made the text that was written, unless it came through an alias.
const requestText = parsedWith(textOrNumber, (value) => {
  if (typeof value === 'number')
    throw new Error(`${value} can be written in several ways. quote the one you mean`);
  return value;
}).pipe(z.string().max(LONGEST_GLOB));
const presence = z.union([anyOf(requestText), z.boolean()]);

/** Schema of the `operation` of a match; the JSON Schema has its names as an enum, which zod cannot know. */
export const operationSchema = parsedWith(
  z.string(),
  (name) => {
    const operation = canonicalOperation(name);
    if (operation === undefined) {
      // For a verb without its noun, or a noun without its verb, suggest the most common operation.
      const whole = [`${name}Object`, `${name}Objects`, `Create${name}`].map(canonicalOperation);
      const meant = whole.find((each) => each !== undefined);
      const hint = meant === undefined ? didYouMean(name, OPERATIONS) : `. did you mean "${meant}"?`;
      const fallback = '. operations go by their AWS names, such as PutObject or UploadPart';
      throw new Error(`unknown operation "${name}"${hint || fallback}`);
    }
    return operation;
  },
  ofKind('unknown-operation'),
);

/** Schema of the `provider` of a file or a rule; an enum in the JSON Schema, like {@link operationSchema}. */
export const providerSchema = parsedWith(
  z.string(),
  (name) => {
    const names = providerNames();
    if (!names.includes(name)) throw new Error(`unknown provider "${name}"${didYouMean(name, names)}`);
    return name;
  },
  ofKind('unknown-provider'),
);

/** Schema of the `match` of a rule. */
export const matchSchema = z.strictObject({
  method: anyOf(z.enum(METHODS)).optional().describe('HTTP method'),
  path: anyOf(globText)
    .optional()
    .describe('Glob over the percent-decoded path: * within a segment, ** across segments, ? one character'),
  operation: anyOf(operationSchema).optional().describe('API action, such as PutObject or UploadPart'),
  bucket: anyOf(globText).optional().describe('Bucket name, or a glob over it'),
  key: anyOf(globText)
    .optional()
    .describe('Glob over the object key: * within a segment, ** across segments'),
  query: z
    .record(z.string(), presence)
    .optional()
    .describe('Query parameters by name: a value or a glob; true: present, false: absent'),
  headers: z
    .record(z.string(), presence)
    .optional()
    .describe('Request headers by name: a value or a glob; true: present, false: absent'),
  size: anyOf(parsedWith(textOrNumber, parseSizeCondition))
    .optional()
    .describe('Bytes of the object in the request, such as ">= 5MiB"'),
  part: anyOf(parsedWith(textOrNumber, parseNumberRange))
    .optional()
    .describe('Part number: 3, "1-3" or "3-"'),
  attempt: anyOf(parsedWith(textOrNumber, parseNumberRange))
    .optional()
    .describe('n-th attempt of the same request: 1, "1-2" or "2-"'),
  accessKey: anyOf(globText).optional().describe('Access key id that signed the request, or a glob over it'),
  client: anyOf(parsedWith(z.string(), parseAddressRange))
    .optional()
    .describe('IP address of the client, or a CIDR block'),
  callback: z
    .boolean()
    .optional()
    .describe('true: the request asks for an upload callback; false: it does not'),
});

const triggerSchema = z.strictObject({
  probability: z
    .number()
    .min(0, { error: 'probability must be between 0 and 1' })
    .max(1, { error: 'probability must be between 0 and 1' })
    .optional()
    .describe('Share of requests the rule fires on, from 0 to 1; any real number'),
  after: z.int().min(0).optional().describe('Skip this number of requests first'),
  first: count.optional().describe('Fire only on this number of first requests'),
  every: count.optional().describe('Fire on every n-th request'),
  limit: count.optional().describe('Fire at most this number of times'),
  window: z
    .strictObject({
      from: duration
        .optional()
        .describe('Time from the loading of the rules to the opening; left out: at once'),
      for: duration.optional().describe('Time for which it stays open; left out: for ever'),
      every: duration.optional().describe('Interval at which it opens again'),
    })
    .superRefine((window, context) => {
      const problem = windowProblem(window.for, window.every);
      if (problem !== undefined) context.addIssue({ code: 'custom', path: ['every'], ...problem });
    })
    .optional()
    .describe('Fire only during a window of time'),
  per: z
    .enum(['rule', 'key', 'bucket', 'client', 'accessKey'])
    .optional()
    .describe('Scope in which after, first, every and limit count; left out: the rule'),
});

function windowProblem(length: number | undefined, period: number | undefined) {
  if (period === undefined) return undefined;
  if (length === undefined) {
    const message = '"every" needs "for": how long the window stays open each time';
    return { message, ...ofKind('missing-key') };
  }
  const message =
    'a window that opens every so often must close in between: "every" must be longer than "for"';
  return period <= length ? { message, ...ofKind('contradiction') } : undefined;
}

/** Schema of the `fault` of a rule: settings by kind. */
export const faultSchema = z
  .strictObject(
    Object.fromEntries(FAULT_KINDS.map((kind) => [kind.name, kind.schema.optional().describe(kind.summary)])),
  )
  // For the JSON Schema only: zod would also report a fault with one misspelt kind as empty.
  .meta({ minProperties: 1 });

/** Label of all instructions of sessions in the metrics; no rule has this name. It is one, as metrics never forget a label. */
export const SESSION_LABEL = 'session';

/** Schema of one rule of a rule file. */
const ruleSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .refine(isPrintable, { error: 'a rule name is one line of plain text', ...ofKind('bad-name') })
    .refine((name) => name !== SESSION_LABEL, {
      error: `"${SESSION_LABEL}" is the name of all instructions of sessions in the metrics. take another name`,
      ...ofKind('bad-name'),
    })
    .optional()
    .describe(
      'Name in the journal, the metrics and x-brownout-rule, unique among all rules; left out: file name and number',
    ),
  provider: providerSchema.optional().describe('Provider of this rule; left out: that of the file'),
  match: matchSchema
    .optional()
    .describe('Conditions of the request: all must hold, and a list means any of; left out: every request'),
  trigger: triggerSchema
    .optional()
    .describe('Conditions for firing on a request that matches: all must hold; left out: always'),
  fault: faultSchema.meta({
    ...faultSchema.meta(),
    description: 'Faults of the request: one key per kind of fault',
  }),
});

/** Schema of a rule file. */
export const ruleFileSchema = z.strictObject({
  provider: providerSchema.optional().describe('Provider whose codes the rules use; a rule may name another'),
  seed: z
    .union([z.number(), z.string().min(1)])
    .optional()
    .describe('Makes the dice repeatable; --seed overrides it'),
  rules: z.array(ruleSchema).describe('First rule that matches and fires wins'),
});

/** Rule of a rule file, as an object. */
export type RuleObject = Stated<Omit<z.input<typeof ruleSchema>, 'fault'>> & {
  readonly fault: FaultSettings;
};

/** Schema of the keys of a `fault`. {@link faultSchema} reads their settings, once, when faults are compiled. */
export const anyFault = z.looseObject(
  Object.fromEntries(FAULT_KINDS.map((kind) => [kind.name, z.unknown().optional()])),
);

/** Schema of a rule file without the settings of its faults. */
export const ruleFileFrame = z.strictObject({
  ...ruleFileSchema.shape,
  rules: z.array(z.strictObject({ ...ruleSchema.shape, fault: anyFault })),
});

/** Rule file as an object. */
export type RuleFile = Stated<Omit<z.input<typeof ruleFileSchema>, 'rules'>> & {
  readonly rules: readonly RuleObject[];
};

/** Match of a rule as its file states it, with values read. */
export type MatchSpec = z.output<typeof matchSchema>;

/** Trigger of a rule as its file states it, with durations in ms. */
export type TriggerSpec = z.output<typeof triggerSchema>;
