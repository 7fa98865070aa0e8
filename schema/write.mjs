// npm run docs: writes the JSON Schemas, which are made from the source. Tests fail when they are stale.
import { writeFileSync } from 'node:fs';
import { catalogJsonSchema, rulesSchema } from '../dist/rules/json-schema.js';

writeFileSync(new URL('rules.schema.json', import.meta.url), rulesSchema());
writeFileSync(new URL('catalog.schema.json', import.meta.url), catalogJsonSchema());
