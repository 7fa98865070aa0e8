import { describe, expect, it } from 'vitest';
import { type Outcome, type OutcomeFacts, outcomeOf } from '../../src/exchange/outcome.ts';
import type { JournalEntry } from '../../src/observe/journal.ts';
import { closing, proxyInjecting } from '../faults/faulty.ts';
import { watchedClient } from '../support/endings.ts';
import { eventually, type ProxyOptions, proxyTo } from '../support/proxy.ts';
import { rawExchange } from '../support/raw.ts';
import { OK, upstreamSaying } from '../support/through.ts';

const FAULTS = { fault: 'delay+error' };
const NONE_LEFT = { fault: undefined };

const UNFINISHED = { writableFinished: false };

const BASE: OutcomeFacts = {
  refusal: undefined,
  failure: undefined,
  clientSawFailure: false,
  injection: undefined,
  response: { writableFinished: true },
  endsByFault: false,
};

describe('the outcome that follows from the facts', () => {
  it.each<[string, Partial<OutcomeFacts>, Outcome]>([
    ['nothing fired', {}, 'forwarded'],
    ['nothing fired, and the client left', { response: UNFINISHED }, 'client-left'],
    ['faults were injected', { injection: FAULTS }, 'injected'],
    ['every fault was skipped', { injection: NONE_LEFT }, 'forwarded'],
    ['faults were injected, and the client left', { injection: FAULTS, response: UNFINISHED }, 'client-left'],
    [
      'no fault came about, and the client left',
      { injection: NONE_LEFT, response: UNFINISHED },
      'client-left',
    ],
    [
      'a fault cut the client off',
      { injection: FAULTS, response: UNFINISHED, endsByFault: true },
      'injected',
    ],
    ['a fault cut it off after the answer', { injection: FAULTS, endsByFault: true }, 'injected'],
    ['a fault was refused', { refusal: 'why' }, 'refused'],
    ['a fault was refused, and the client left', { refusal: 'why', response: UNFINISHED }, 'client-left'],
    ['the upstream gave no answer', { failure: 'no-answer', clientSawFailure: true }, 'upstream-failed'],
    ['the upstream took too long', { failure: 'time-out', clientSawFailure: true }, 'upstream-failed'],
    [
      'the upstream broke off, and so did we',
      { failure: 'cut-short', response: UNFINISHED },
      'upstream-failed',
    ],
    ['it failed, and a fault answered all the same', { failure: 'no-answer', injection: FAULTS }, 'injected'],
    ['it failed before the client left', { failure: 'no-answer', response: UNFINISHED }, 'client-left'],
    [
      'it failed before a fault could act',
      { failure: 'no-answer', clientSawFailure: true, injection: NONE_LEFT },
      'upstream-failed',
    ],
    [
      'it broke off behind a fault',
      { failure: 'cut-short', injection: FAULTS, response: UNFINISHED },
      'upstream-failed',
    ],
    [
      'it failed, and a fault had begun to keep the client waiting',
      { failure: 'cut-short', injection: FAULTS, response: UNFINISHED, endsByFault: true },
      'upstream-failed',
    ],
  ])('%s', (_, facts, outcome) => {
    expect(outcomeOf({ ...BASE, ...facts })).toBe(outcome);
  });
});

type Upstream = Parameters<typeof upstreamSaying>[0];

/** Upstreams that fail, each in its way. */
const noAnswer: Upstream = (socket) => socket.once('data', () => socket.end());
const silent: Upstream = () => {};
const cutShort: Upstream = (socket) =>
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));
const endless: Upstream = (socket) =>
  socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));

/** How an exchange over real sockets has ended. */
interface Case {
  readonly fault?: string;
  readonly upstream?: Upstream;
  readonly options?: ProxyOptions;
  readonly headers?: readonly string[];
  /** The client leaves when this much of an answer has arrived; left out: it stays. */
  readonly leavesAt?: number;
}

async function entryOf({ fault, upstream = OK, options = {}, headers = [], leavesAt }: Case) {
  const { port, proxy } = fault
    ? await proxyInjecting(fault, { upstream, ...options })
    : await proxyTo((await upstreamSaying(upstream)).url, options);
  const request = closing('GET /b/k', ...headers);
  if (leavesAt === undefined) await rawExchange(port, request);
  else {
    const { socket, received } = watchedClient(port);
    socket.write(request);
    await eventually('the exchange is under way', () => proxy.inFlight() === 1);
    await eventually('so much has arrived', () => received().length >= leavesAt);
    socket.destroy();
  }
  await eventually('it is over', () => proxy.journal.count === 1);
  return proxy.journal.entries()[0];
}

const embedded = '{ error: { code: InternalError, at: embedded } }';

describe('the outcome in the journal', () => {
  it.each<[string, Case, Partial<JournalEntry>]>([
    ['nothing fired', {}, { outcome: 'forwarded', status: 200 }],
    [
      'the upstream answered with an error',
      { upstream: 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n' },
      { outcome: 'forwarded', status: 404 },
    ],
    [
      'an error was injected',
      { fault: '{ error: SlowDown }' },
      { outcome: 'injected', fault: 'error', status: 503 },
    ],
    ['a fault skipped', { fault: "{ stall: 'response:9B' }" }, { outcome: 'forwarded', fault: undefined }],
    [
      'one of two faults skipped',
      { fault: "{ delay: 1ms, stall: 'response:9B' }" },
      { outcome: 'injected', fault: 'delay' },
    ],
    [
      'a fault was refused',
      { headers: ['X-Brownout-Fault: Slow'], options: { allowHeaderFaults: true } },
      { outcome: 'refused', status: 400 },
    ],
    [
      'the upstream gave no answer',
      { upstream: noAnswer },
      { outcome: 'upstream-failed', failure: 'no-answer', status: 502 },
    ],
    [
      'the upstream took too long',
      { upstream: silent, options: { timeout: 50 } },
      { outcome: 'upstream-failed', failure: 'time-out', status: 504 },
    ],
    [
      'the upstream broke off',
      { upstream: cutShort },
      { outcome: 'upstream-failed', failure: 'cut-short', status: 200 },
    ],
    [
      'it gave no answer behind a fault',
      { fault: '{ delay: 1ms }', upstream: noAnswer },
      { outcome: 'upstream-failed', failure: 'no-answer', fault: undefined },
    ],
    [
      'it took too long behind a fault',
      { fault: '{ delay: 1ms }', upstream: silent, options: { timeout: 50 } },
      { outcome: 'upstream-failed', failure: 'time-out', fault: undefined },
    ],
    [
      'it broke off behind a fault',
      { fault: '{ delay: 1ms }', upstream: cutShort },
      { outcome: 'upstream-failed', failure: 'cut-short', fault: 'delay' },
    ],
    [
      'it failed behind an embedded error',
      { fault: embedded, upstream: noAnswer },
      { outcome: 'injected', failure: 'no-answer', fault: 'error', status: 200 },
    ],
    [
      'it took too long behind an embedded error',
      { fault: embedded, upstream: silent, options: { timeout: 50 } },
      { outcome: 'injected', failure: 'time-out', fault: 'error', status: 200 },
    ],
    [
      'the client left before the answer',
      { upstream: silent, leavesAt: 0 },
      { outcome: 'client-left', status: undefined },
    ],
    [
      'the client left in the middle of it',
      { upstream: endless, leavesAt: 40 },
      { outcome: 'client-left', status: 200 },
    ],
    [
      'the client left while a fault delayed it',
      { fault: '{ delay: 1h }', leavesAt: 0 },
      { outcome: 'client-left', fault: 'delay' },
    ],
    [
      'the client left what a fault held for ever',
      { fault: '{ stall: headers }', leavesAt: 0 },
      { outcome: 'injected', fault: 'stall' },
    ],
    [
      'a fault cut the client off at once',
      { fault: '{ reset: headers }' },
      { outcome: 'injected', fault: 'reset', status: undefined },
    ],
    [
      'a fault cut the answer short',
      { fault: '{ truncate: 1B }' },
      { outcome: 'injected', fault: 'truncate', status: 200 },
    ],
    [
      'a fault lost the answer',
      { fault: '{ reset: commit }' },
      { outcome: 'injected', fault: 'reset', upstreamStatus: 200, status: undefined },
    ],
  ])('%s', async (_, exchange, entry) => {
    expect(await entryOf(exchange)).toMatchObject(entry);
  });
});
