import { z } from 'zod';
import { catalogSchema, providerNames } from '../catalog/catalog.ts';
import { OPERATIONS } from '../request/operation.ts';
import { operationSchema, providerSchema, ruleFileSchema } from './rule-schema.ts';

/** The JSON Schema (draft 7) of rule files, as text of `schema/rules.schema.json`; for completion in editors. */
export function rulesSchema(): string {
  return write(ruleFileSchema, 'Rule file of brownout');
}

/** The JSON Schema (draft 7) of provider catalogs, as text of `schema/catalog.schema.json`. */
export function catalogJsonSchema(): string {
  return write(catalogSchema, 'Provider catalog of brownout');
}

function write(schema: z.ZodType, title: string): string {
  const made = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === providerSchema) jsonSchema.enum = [...providerNames()];
      // Other vendors' names are accepted too: offered are the canonical ones, refused is none.
      if (zodSchema === operationSchema) jsonSchema.anyOf = [{ enum: [...OPERATIONS] }, {}];
      // Zod's way of saying "whole number" in a language whose numbers are doubles.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return `${JSON.stringify({ title, ...made }, null, 2)}\n`;
}
