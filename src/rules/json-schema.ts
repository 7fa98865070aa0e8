import { z } from 'zod';
import { catalogSchema, providerNames } from '../catalog/catalog.ts';
import { OPERATIONS } from '../request/operation.ts';
import { operationSchema, providerSchema, ruleFileSchema } from './rule-schema.ts';

/** Writes the JSON Schema (draft 7) of rule files, the text of `schema/rules.schema.json`. Editors complete by it. */
export function rulesSchema(): string {
  return write(ruleFileSchema, 'Rule file of brownout');
}

/** Writes the JSON Schema (draft 7) of provider catalogs, the text of `schema/catalog.schema.json`. */
export function catalogJsonSchema(): string {
  return write(catalogSchema, 'Provider catalog of brownout');
}

function write(schema: z.ZodType, title: string): string {
  const made = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === providerSchema) jsonSchema.enum = [...providerNames()];
      // Names of other vendors are accepted too. Editors offer the canonical ones and refuse none.
      if (zodSchema === operationSchema) jsonSchema.anyOf = [{ enum: [...OPERATIONS] }, {}];
      // Zod states these limits for whole numbers, because JavaScript numbers are doubles.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return `${JSON.stringify({ title, ...made }, null, 2)}\n`;
}
