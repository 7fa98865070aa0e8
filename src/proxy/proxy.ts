import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadProvider, providerNames } from '../catalog/catalog.ts';
import { requestSigns } from '../catalog/request-signs.ts';
import { Exchange } from '../exchange/exchange.ts';
import { FAULT_HEADER } from '../exchange/marks.ts';
import { outcomeOf } from '../exchange/outcome.ts';
import { closeConnectionAfter } from '../http/node-internals.ts';
import { whenDrained } from '../http/sockets.ts';
import { Journal } from '../observe/journal.ts';
import { createMetrics, type Metrics, type Readings } from '../observe/metrics.ts';
import type { Addressing } from '../request/address.ts';
import { factsOf } from '../request/facts.ts';
import { type RuleSet, recordSuccess } from '../rules/decide.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { Forwarder } from '../upstream/forwarder.ts';
import { createForwarder } from '../upstream/http-proxy.ts';
import { relay } from '../upstream/relay.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type Deciders, decideAll, type Ruling } from './decide-all.ts';
import { answerFailure, answerRefusal } from './failure-answer.ts';
import { HeaderFaults, removeTrailer } from './header-faults.ts';
import { InFlightSet } from './in-flight.ts';
import { type Arrival, ClientPorts, type PortSettings } from './ports.ts';
import { inject } from './run-faults.ts';

/** Settings of a proxy; {@link startProxy} has the defaults. */
export interface ProxySettings extends PortSettings {
  readonly upstream: Upstream;
  readonly addressing: Addressing;
  /** Provider whose dialect the proxy's own answers and faults by header use; `undefined`: that of the client. */
  readonly provider: string | undefined;
  /** Leaves the `x-brownout-*` marks off injected answers, and the recognisable tail off their request ids. */
  readonly stealth: boolean;
  /** Lets a request ask for a fault by a header, {@link FAULT_HEADER}. */
  readonly allowHeaderFaults: boolean;
  /** Entries that the journal keeps. */
  readonly journalSize: number;
}

/** Proxy with its journal, metrics and sessions. */
export interface ProxyServer {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly forwarder: Forwarder;
  /** Asked before the rules. */
  readonly sessions: Sessions;
  /** Returns the number of exchanges in flight. */
  inFlight(): number;
  /** Resolves when no exchange is in flight. */
  idle(): Promise<void>;
  listen(port: number, host: string): Promise<AddressInfo>;
  /** Stops listening, waits up to `grace` ms for exchanges in flight, then closes their connections. */
  close(grace: number): Promise<void>;
}

/** Parts of a proxy that an exchange needs. */
interface ProxyContext extends Deciders {
  readonly settings: ProxySettings;
  readonly forwarder: Forwarder;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly ports: ClientPorts;
  /** Responses of exchanges in flight, including those whose upload is still read. */
  readonly open: InFlightSet<ServerResponse>;
  /** Exchanges that have begun. */
  arrivals: number;
  /** Callbacks for the moment when no exchange is in flight. */
  readonly waiting: (() => void)[];
}

/** Readings that change while a proxy runs; each use reads them again. */
export type ProxyReadings = Pick<Readings, 'rules' | 'journalDropped'>;

/** Makes a proxy that is not listening yet. */
export function createProxy(settings: ProxySettings, readings: ProxyReadings): ProxyServer {
  // Read now: a proxy without free file descriptors must still be able to answer 502.
  for (const name of providerNames()) loadProvider(name);
  requestSigns();
  const { provider, journalSize, allowHeaderFaults } = settings;
  const withheld = allowHeaderFaults ? FAULT_HEADER : undefined;
  const forwarder = createForwarder({ ...settings.upstream, withheld });
  const open = new InFlightSet<ServerResponse>();
  const inFlight = () => open.size;
  const ports = new ClientPorts(settings, (arrival) => handle(context, arrival));
  const context: ProxyContext = {
    settings,
    headerFaults: allowHeaderFaults ? new HeaderFaults(provider) : undefined,
    sessions: new Sessions(ports, provider),
    rules: readings.rules,
    forwarder,
    journal: new Journal(journalSize),
    metrics: createMetrics({
      inFlight,
      upstreamConnections: forwarder.connections,
      ...readings,
    }),
    ports,
    open,
    arrivals: 0,
    waiting: [],
  };
  const { journal, metrics, sessions } = context;
  return {
    journal,
    metrics,
    forwarder,
    sessions,
    inFlight,
    idle: async () => {
      while (open.size > 0) await new Promise<void>((resolve) => context.waiting.push(resolve));
    },
    listen: (port, host) => ports.listen(port, host),
    close: async (grace) => {
      for (const response of open) closeConnectionAfter(response);
      await ports.closeAll(grace, inFlight);
      sessions.endAll();
      forwarder.close();
    },
  };
}

/** Handles a request: classifies it, decides on it, acts, and records it when it has ended. */
function handle(context: ProxyContext, arrival: Arrival): void {
  const rules = context.rules();
  const exchange = classify(context, arrival);
  const ruling = decideAll(context, exchange, arrival.session);
  enter(context, exchange, ruling);
  exchange.response.once('close', () => leave(context, exchange, ruling, rules));
  act(context, exchange, ruling);
}

/** Reads the head of a request. */
function classify(context: ProxyContext, { request, response, awaitsContinue }: Arrival): Exchange {
  const { settings } = context;
  const { method, url: target, headers, socket } = request;
  const head = { method, target, headers, client: socket.remoteAddress };
  const facts = factsOf(head, settings.addressing, requestSigns());
  const startedAt = performance.now();
  const attempt = context.rules().attempts?.next(facts, startedAt) ?? facts.attempt;
  // Deciding follows in the same tick, so arrivals have the order in which rules count requests.
  context.arrivals += 1;
  const { arrivals: arrival } = context;
  return new Exchange({ request, response, facts, attempt, startedAt, arrival, awaitsContinue });
}

/** Sends the client an answer: one of the faults that fired, or the upstream's. */
function act({ settings, forwarder }: ProxyContext, exchange: Exchange, { fired, refusal }: Ruling): void {
  const { provider, stealth } = settings;
  if (refusal !== undefined) {
    answerRefusal(exchange, refusal, provider);
    return;
  }
  const answer = fired ? inject(fired, exchange, forwarder, stealth) : forwarder.forward(exchange);
  answer
    .then((upstream) => upstream && relay(exchange, upstream))
    .catch((error: unknown) => answerFailure(exchange, error, provider));
}

/** Counts an exchange when it begins. */
function enter(context: ProxyContext, { request, response, facts }: Exchange, { owners }: Ruling): void {
  context.open.add(response);
  for (const owner of owners) owner.enter();
  // The last answer on this connection: its client must not send another request to a proxy that is going away.
  if (context.ports.areClosing) closeConnectionAfter(response);
  if (context.headerFaults && facts.headers['transfer-encoding'] !== undefined) removeTrailer(request);
}

/** Records an exchange when its response has closed. */
function leave(context: ProxyContext, exchange: Exchange, ruling: Ruling, rules: RuleSet): void {
  const { journal, metrics } = context;
  const { request, response, facts } = exchange;
  const { owners, decisions, fired } = ruling;
  recordSuccess(rules, facts, response.statusCode < 400 && response.writableFinished);
  exchange.handleClose();
  const outcome = outcomeOf(exchange);
  metrics.observe(exchange, outcome);
  // If several sessions own the request, it belongs to the one whose instruction it took.
  const owner = owners.find((each) => each.has(fired?.rule)) ?? owners[0];
  const id = journal.record(exchange, outcome, decisions, owner?.id);
  for (const each of owners) each.leave(exchange, outcome, id, fired?.rule);
  if (request.complete || request.destroyed) {
    countOut(context, exchange);
    return;
  }
  // An upload that was answered early is still read. Its bytes count, but the journal entry does not wait for them.
  whenDrained(request, () => {
    if (!request.complete) exchange.uploadAborted();
    countOut(context, exchange);
    journal.amend(id, exchange);
  });
}

/** Counts the bytes of an exchange when no more will come. */
function countOut({ open, metrics, waiting }: ProxyContext, exchange: Exchange): void {
  open.delete(exchange.response);
  metrics.addBytes(exchange);
  if (open.size === 0) for (const resolve of waiting.splice(0)) resolve();
}
