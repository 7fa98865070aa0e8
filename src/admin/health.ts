import { text } from './answer.ts';
import type { Route } from './route.ts';

/** Routes for monitors: liveness, readiness and metrics. */
export const HEALTH_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/healthz', isOpen: true, handle: () => text(200, 'ok\n') },
  {
    method: 'GET',
    path: '/readyz',
    isOpen: true,
    handle: ({ isReady }) => (isReady() ? text(200, 'ready\n') : text(503, 'draining\n')),
  },
  {
    method: 'GET',
    path: '/metrics',
    isOpen: true,
    async handle({ proxy: { metrics } }) {
      const { contentType } = metrics.registry;
      const body = await metrics.registry.metrics();
      return { status: 200, headers: { 'Content-Type': contentType }, body };
    },
  },
];
