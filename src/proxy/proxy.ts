import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadProvider, providerNames } from '../catalog/catalog.ts';
import { Exchange } from '../exchange/exchange.ts';
import { FAULT_HEADER } from '../exchange/marks.ts';
import { closeServer, createServer, listen, urlOf } from '../http/listener.ts';
import { closeConnectionAfter, onceConnected } from '../http/node-internals.ts';
import { whenDrained } from '../http/sockets.ts';
import type { Identity } from '../http/tls.ts';
import { Journal } from '../observe/journal.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import type { Addressing } from '../request/address.ts';
import { factsOf } from '../request/facts.ts';
import { type Decision, type RuleSet, recordSuccess } from '../rules/decide.ts';
import type { Session } from '../sessions/session.ts';
import { decideInTurn, Sessions } from '../sessions/sessions.ts';
import { createForwarder, type Forwarder } from '../upstream/http-proxy.ts';
import { relay } from '../upstream/relay.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { answerFailure } from './failure-answer.ts';
import { FaultRefused, HeaderFaults } from './header-faults.ts';
import { InFlightSet } from './in-flight.ts';
import { inject } from './run-faults.ts';

/** How a proxy is set up; {@link startProxy} has the defaults. */
export interface ProxySettings {
  readonly upstream: Upstream;
  /** Left out: clients speak plain HTTP. */
  readonly tls: Identity | undefined;
  readonly addressing: Addressing;
  /** Whose dialect the proxy's own answers are in, and faults by header; the client's where this is left out. */
  readonly provider: string | undefined;
  /** Leave the `x-brownout-*` marks off injected answers, and the recognisable tail off their request ids. */
  readonly stealth: boolean;
  /** Let a request ask for a fault by a header, {@link FAULT_HEADER}. */
  readonly allowHeaderFaults: boolean;
  /** Entries the journal keeps. */
  readonly journalSize: number;
  /** ms a client's connection may be quiet, with a request going on, before it is closed. */
  readonly idleTimeout: number;
}

/** A proxy: its server, what it remembers, and the rules it goes by. */
export interface ProxyServer {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly forwarder: Forwarder;
  /** The rules in force; assigning swaps the whole set between two requests. */
  rules: RuleSet;
  /** Asked before the rules. */
  readonly sessions: Sessions;
  /** Exchanges going on now. */
  inFlight(): number;
  /** Resolves when none is going on. */
  idle(): Promise<void>;
  listen(port: number, host: string): Promise<AddressInfo>;
  /** Stops listening, lets exchanges end for so many ms, then cuts them off. */
  close(grace: number): Promise<void>;
}

/** What an exchange needs of its proxy. */
interface ProxyContext {
  readonly settings: ProxySettings;
  /** Left out: requests cannot ask for faults. */
  readonly headerFaults: HeaderFaults | undefined;
  readonly proxy: ProxyServer;
  /** The responses of exchanges going on now, drains included. */
  readonly open: InFlightSet<ServerResponse>;
  /** Exchanges that have begun. */
  arrivals: number;
  /** By the session whose port it is; that of everybody under `undefined`. */
  readonly servers: Map<Session | undefined, Server>;
  isClosing: boolean;
  /** To be told when no exchange is going on. */
  readonly waiting: (() => void)[];
}

/** How a request came in. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly awaitsContinue: boolean;
  /** The session whose port it came in by. */
  readonly session: Session | undefined;
}

/** Makes a proxy that is not listening yet. */
export function createProxy(settings: ProxySettings, rules: RuleSet): ProxyServer {
  // Read now: a proxy that has run out of file descriptors must still be able to say 502.
  for (const name of providerNames()) loadProvider(name);
  const headerFaults = settings.allowHeaderFaults ? new HeaderFaults() : undefined;
  const forwarder = createForwarder({ ...settings.upstream, withheld: headerFaults && FAULT_HEADER });
  const proxy: ProxyServer = {
    journal: new Journal(settings.journalSize),
    forwarder,
    rules,
    sessions: new Sessions(
      {
        get areClosing() {
          return context.isClosing;
        },
        open: (port, session) => openPort(context, port, session),
        close: (session) => leave(context, session),
      },
      settings.provider,
    ),
    metrics: createMetrics({
      inFlight: () => context.open.size,
      upstreamConnections: forwarder.connections,
      rules: () => proxy.rules,
    }),
    inFlight: () => context.open.size,
    idle: async () => {
      while (context.open.size > 0) await new Promise<void>((resolve) => context.waiting.push(resolve));
    },
    listen: (port, host) => listen(serverFor(context, undefined), port, host),
    close: async (grace) => {
      context.isClosing = true;
      for (const response of context.open) closeConnectionAfter(response);
      const closing = [...context.servers.values()].map((server) =>
        closeServer(server, grace, () => context.open.size),
      );
      await Promise.all(closing);
      proxy.sessions.endAll();
      forwarder.close();
    },
  };
  const context: ProxyContext = {
    settings,
    headerFaults,
    proxy,
    open: new InFlightSet(),
    arrivals: 0,
    servers: new Map(),
    isClosing: false,
    waiting: [],
  };
  return proxy;
}

function serverFor(context: ProxyContext, session: Session | undefined): Server {
  const server = createServer(context.settings.tls, context.settings.idleTimeout);
  server.on('request', (request, response) =>
    inTurn(context, { request, response, session, awaitsContinue: false }),
  );
  // Unhandled, Node would say 100 by itself before any rule has been asked.
  server.on('checkContinue', (request, response) =>
    inTurn(context, { request, response, session, awaitsContinue: true }),
  );
  context.servers.set(session, server);
  return server;
}

/** Opens a port of a session's own, beside that of everybody: what comes there belongs to it. */
async function openPort(context: ProxyContext, port: number, session: Session): Promise<string> {
  const beside = context.servers.get(undefined)?.address();
  const host = typeof beside === 'object' && beside ? beside.address : '127.0.0.1';
  const address = await listen(serverFor(context, session), port, host);
  return urlOf(address, context.settings.tls ? 'https' : 'http');
}

/** Closes the port of a session, and cuts off what goes on there. */
function leave(context: ProxyContext, session: Session): void {
  context.servers.get(session)?.close().closeAllConnections();
  context.servers.delete(session);
}

/** Handles a request when the connection is its own: a response without a socket would never close if that broke. */
function inTurn(context: ProxyContext, arrival: Arrival): void {
  if (arrival.response.socket) handle(context, arrival);
  else onceConnected(arrival.response, () => handle(context, arrival));
}

function handle(context: ProxyContext, { request, response, awaitsContinue, session }: Arrival): void {
  const { settings, proxy } = context;
  context.open.add(response);
  // The last answer on this connection: its client must not send another request to a proxy that is going away.
  if (context.isClosing) closeConnectionAfter(response);
  const { method, url: target, headers, socket } = request;
  const facts = factsOf({ method, target, headers, client: socket.remoteAddress }, settings.addressing);
  const { rules, sessions, forwarder } = proxy;
  const now = performance.now();
  const attempt = rules.attempts?.next(facts, now) ?? facts.attempt;
  const asked = context.headerFaults?.askedBy(request, facts, settings.provider);
  const isRefused = asked instanceof FaultRefused;
  const owners = isRefused ? [] : sessions.owning(facts, session);
  const decisions = isRefused ? [] : decideInTurn({ asked, owners, rules }, facts, now, attempt);
  // In the order of deciding: what counts requests has counted them so.
  context.arrivals += 1;
  const { arrivals: arrival } = context;
  const about = { facts, attempt, startedAt: now, arrival, awaitsContinue };
  const exchange = new Exchange({ request, response, ...about });
  response.once('close', () => {
    recordSuccess(rules, facts, response.statusCode < 400 && response.writableFinished);
    end(context, exchange, decisions, owners);
  });
  const { fired } = decisions.find((each) => each.fired) ?? {};
  const answer = isRefused
    ? Promise.reject(asked)
    : fired
      ? inject(fired, exchange, forwarder, settings.stealth)
      : forwarder.forward(exchange);
  answer
    .then((upstream) => upstream && relay(exchange, upstream))
    .catch((reason: unknown) => answerFailure(exchange, reason, settings.provider));
}

/** Counts an exchange and writes it down when its response has closed. */
function end(
  context: ProxyContext,
  exchange: Exchange,
  decisions: readonly Decision[],
  owners: readonly Session[],
): void {
  const { proxy } = context;
  const { request } = exchange;
  exchange.handleClose();
  proxy.metrics.observe(exchange);
  const { fired } = decisions.find((each) => each.fired) ?? {};
  // Of several sessions the request is that one's whose instruction it took.
  const owner = owners.find((each) => each.has(fired?.rule)) ?? owners[0];
  const id = proxy.journal.record(exchange, decisions, owner?.id);
  for (const each of owners) each.leave(exchange, id, fired?.rule);
  const drained = () => {
    context.open.delete(exchange.response);
    proxy.metrics.addBytes(exchange);
    if (context.open.size === 0) for (const resolve of context.waiting.splice(0)) resolve();
  };
  if (request.complete || request.destroyed) {
    drained();
    return;
  }
  // An upload that was answered early is still being read; its bytes count, but nobody waits for them.
  whenDrained(request, () => {
    if (!request.complete) exchange.uploadAborted();
    drained();
    proxy.journal.amend(id, exchange);
  });
}
