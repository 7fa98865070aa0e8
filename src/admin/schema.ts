import { readFileSync } from 'node:fs';
import type { AdminAnswer } from './answer.ts';
import type { Route } from './route.ts';

// Two levels above both src/admin and dist/admin lies the package root.
const FOLDER = new URL('../../schema/', import.meta.url);

/** What describes the admin port to programs, and the rules it takes. */
export const SCHEMA_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/openapi.json',
    isPublic: true,
    handle: () => fileAnswer('admin-api.openapi.json', 'application/vnd.oai.openapi+json;version=3.1'),
  },
  // Beside it, so that what it refers to is found here as well as in the package.
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
