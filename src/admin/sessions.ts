import { BadRules } from '../diagnostics/diagnostic.ts';
import { SessionRefused } from '../sessions/sessions.ts';
import { type AdminAnswer, AdminRefusal, created, done, json } from './answer.ts';
import type { Call, Route } from './route.ts';

/** Routes of sessions. A session is the requests of one key with a plan of the faults that they meet. */
export const SESSION_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/sessions',
    handle: ({ proxy: { sessions } }) => json({ sessions: sessions.all.map((session) => session.summary()) }),
  },
  { method: 'POST', path: '/sessions', takesBody: true, handle: begin },
  {
    method: 'GET',
    path: '/sessions/{id}',
    handle: ({ proxy: { sessions }, params: [id = ''] }) => json(sessions.get(id).report()),
  },
  {
    method: 'DELETE',
    path: '/sessions/{id}',
    handle({ proxy: { sessions }, params: [id = ''] }) {
      sessions.end(sessions.get(id));
      return done(`session ${id} ended`);
    },
  },
];

async function begin({ proxy: { sessions }, body }: Call): Promise<AdminAnswer> {
  const session = await sessions.open(body).catch((error: unknown) => {
    if (error instanceof BadRules) throw error;
    // Any other error is that nobody can listen at the port.
    const isTemporary = error instanceof SessionRefused && error.reason !== 'same-key';
    throw new AdminRefusal(isTemporary ? 503 : 409, error instanceof Error ? error.message : String(error));
  });
  return created(session.report(), `/sessions/${session.id}`, `session ${session.id} begun`);
}
