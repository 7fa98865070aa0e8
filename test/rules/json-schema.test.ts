import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogJsonSchema, rulesSchema } from '../../src/rules/json-schema.ts';

describe('the JSON Schemas for editors', () => {
  it.each([
    ['schema/rules.schema.json', rulesSchema],
    ['schema/catalog.schema.json', catalogJsonSchema],
  ])('%s is what the code accepts (if not: npm run docs)', (file, schema) => {
    expect(readFileSync(file, 'utf8')).toBe(schema());
  });
});
