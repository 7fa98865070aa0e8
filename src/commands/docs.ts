import { writeFileSync } from 'node:fs';
import { catalogJsonSchema, rulesSchema } from '../rules/schema.ts';

// npm run docs: writes what is made from the source. Tests fail when it is stale.
const schema = (name: string) => new URL(`../../schema/${name}`, import.meta.url);
writeFileSync(schema('rules.schema.json'), rulesSchema());
writeFileSync(schema('catalog.schema.json'), catalogJsonSchema());
