import { readFileSync } from 'node:fs';
import type { AdminAnswer } from './answer.ts';
import type { Route } from './route.ts';

// The package root is two levels above both src/admin and dist/admin.
const FOLDER = new URL('../../schema/', import.meta.url);

/** Routes of the schemas: the operations of the admin port, and the rules that it takes. */
export const SCHEMA_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/openapi.json',
    isPublic: true,
    handle: () => fileAnswer('admin-api.openapi.json', 'application/vnd.oai.openapi+json;version=3.1'),
  },
  // Beside the description, which refers to this schema by a relative path.
  {
    method: 'GET',
    path: '/rules.schema.json',
    isPublic: true,
    handle: () => fileAnswer('rules.schema.json', 'application/schema+json'),
  },
];

function fileAnswer(name: string, type: string): AdminAnswer {
  const body = readFileSync(new URL(name, FOLDER), 'utf8');
  return { status: 200, headers: { 'Content-Type': type }, body };
}
