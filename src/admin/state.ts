import { z } from 'zod';
import { SEED_HELP, seedSchema } from '../notation/seed.ts';
import type { RuleBook } from '../rulebook/rulebook.ts';
import { AdminRefusal, done, json } from './answer.ts';
import type { Route } from './route.ts';

/** Routes of the seed, and of the reset to the state after the start. */
export const STATE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/seed', handle: ({ book }) => json(seedJson(book)) },
  {
    method: 'PUT',
    path: '/seed',
    takesBody: true,
    handle({ book, body }) {
      const seed = seedIn(body);
      book.reseed(seed);
      return json(seedJson(book), `seed set to ${JSON.stringify(seed)}`);
    },
  },
  {
    method: 'POST',
    path: '/reset',
    handle({ reset }) {
      reset();
      return done('all reset to how it was after the start');
    },
  },
];

const bodySchema = z.strictObject({ seed: seedSchema });

/** Shows the seed that overrides the seeds of files, if there is one, and the seed in force of each file. */
function seedJson({ seed, set }: RuleBook): Record<string, unknown> {
  return { seed, seeds: Object.fromEntries(set.seeds) };
}

function seedIn(body: string): number | string {
  try {
    return bodySchema.parse(JSON.parse(body)).seed;
  } catch {
    throw new AdminRefusal(400, `${SEED_HELP}, in JSON: {"seed": 42}`);
  }
}
