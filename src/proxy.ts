import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadProvider, providerNames } from './catalog/catalog.ts';
import { writeDocument } from './catalog/document.ts';
import { Exchange } from './exchange.ts';
import { subjectOf } from './faults/error.ts';
import type { Answer, Fault, Next } from './faults/fault.ts';
import { createForwarder, type Forwarder } from './forward.ts';
import { headerText } from './headers.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { closeServer, createServer, listen } from './listener.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { ClientGone, Injection } from './outcome.ts';
import { relay } from './relay.ts';
import type { Addressing } from './request/address.ts';
import { factsOf } from './request/facts.ts';
import { detectProvider } from './request/provider.ts';
import { type Decision, decide, type RuleSet, settled } from './rules/decide.ts';
import type { Identity } from './tls.ts';
import { type Upstream, UpstreamFailure } from './upstream.ts';

/** How a proxy is set up; {@link startProxy} has the defaults. */
export interface ProxySettings {
  readonly upstream: Upstream;
  /** Left out: clients speak plain HTTP. */
  readonly tls: Identity | undefined;
  readonly addressing: Addressing;
  /** Whose dialect the proxy's own 502 and 504 are in; told from the signature where this is left out. */
  readonly provider: string | undefined;
  /** Leave the `x-brownout-*` marks off injected answers. */
  readonly stealth: boolean;
  /** Entries the journal keeps. */
  readonly journalSize: number;
  /** ms a client's connection may be quiet, with a request going on, before it is closed. */
  readonly idleTimeout: number;
  /** Called with each exchange that has ended. */
  readonly onEntry: ((entry: JournalEntry) => void) | undefined;
  /** Called only with those that met a fault or a failing upstream, which costs the others nothing. */
  readonly onFault: ((entry: JournalEntry) => void) | undefined;
}

/** A proxy: its server, what it remembers, and the rules it goes by. */
export interface ProxyServer {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly forwarder: Forwarder;
  /** The rules in force; assigning swaps the whole set between two requests. */
  rules: RuleSet;
  /** Exchanges going on now. */
  inFlight(): number;
  listen(port: number, host: string): Promise<AddressInfo>;
  /** Stops listening, lets exchanges end for so many ms, then cuts them off. */
  close(grace: number): Promise<void>;
}

/** What an exchange needs of its proxy. */
interface Context {
  readonly settings: ProxySettings;
  readonly proxy: ProxyServer;
  /** The responses of exchanges going on now, drains included. */
  readonly open: Set<ServerResponse>;
  isClosing: boolean;
}

/** Makes a proxy that is not listening yet. */
export function createProxy(settings: ProxySettings, rules: RuleSet): ProxyServer {
  // Read now: a proxy that has run out of file descriptors must still be able to say 502.
  for (const name of providerNames()) loadProvider(name);
  const forwarder = createForwarder(settings.upstream);
  const server = createServer(settings.tls, settings.idleTimeout);
  const proxy: ProxyServer = {
    journal: new Journal(settings.journalSize),
    forwarder,
    rules,
    metrics: createMetrics({
      inFlight: () => context.open.size,
      upstreamConnections: forwarder.connections,
      rules: () => proxy.rules,
    }),
    inFlight: () => context.open.size,
    listen: (port, host) => listen(server, port, host),
    close: async (grace) => {
      context.isClosing = true;
      for (const response of context.open) response.shouldKeepAlive = false;
      await closeServer(server, grace, () => context.open.size);
      forwarder.close();
    },
  };
  const context: Context = { settings, proxy, open: new Set(), isClosing: false };
  server.on('request', (request, response) => inTurn(context, request, response, false));
  // Unhandled, Node would say 100 by itself before any rule has been asked.
  server.on('checkContinue', (request, response) => inTurn(context, request, response, true));
  return proxy;
}

/**
 * Handles a request when the connection is its own. Node hands a pipelined one over while the one before it is still
 * open; its response has no socket then, and would never close if the connection broke.
 */
function inTurn(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  awaitsContinue: boolean,
): void {
  if (response.socket) handle(context, request, response, awaitsContinue);
  else response.once('socket', () => handle(context, request, response, awaitsContinue));
}

function handle(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  awaitsContinue: boolean,
): void {
  const { settings, proxy } = context;
  context.open.add(response);
  // The last answer on this connection: its client must not send another request to a proxy that is going away.
  if (context.isClosing) response.shouldKeepAlive = false;
  const { method, url: target, headers, socket } = request;
  const facts = factsOf({ method, target, headers, client: socket.remoteAddress }, settings.addressing);
  const { rules, forwarder } = proxy;
  const now = performance.now();
  const decision = decide(rules, facts, now);
  const attempt = rules.attempts?.latest(facts) ?? facts.attempt;
  const exchange = new Exchange({ request, response, facts, attempt, awaitsContinue }, now);
  response.once('close', () => {
    settled(rules, facts, response.statusCode < 400 && response.writableFinished);
    end(context, exchange);
  });
  const answer = decision
    ? inject(decision, exchange, forwarder, settings.stealth)
    : forwarder.forward(exchange);
  answer
    .then((upstream) => upstream && relay(exchange, upstream))
    .catch((reason: unknown) => answerFailure(exchange, reason, settings.provider));
}

/** Counts an exchange and writes it down when its response has closed. */
function end(context: Context, exchange: Exchange): void {
  const { settings, proxy } = context;
  const { request } = exchange;
  exchange.closed();
  proxy.metrics.observe(exchange);
  const id = proxy.journal.record(exchange);
  if (settings.onEntry) report(proxy.journal, settings.onEntry);
  if (settings.onFault && metTrouble(exchange)) report(proxy.journal, settings.onFault);
  const drained = () => {
    context.open.delete(exchange.response);
    proxy.metrics.addBytes(exchange);
  };
  if (request.complete || request.destroyed) {
    drained();
    return;
  }
  // An upload that was answered early is still being read; its bytes count, but nobody waits for them.
  whenDrained(request, () => {
    if (!request.complete) exchange.abandoned();
    drained();
    proxy.journal.amend(id, exchange);
  });
}

/** Runs the faults of the rule that fired one inside the other, forwarding at the core. */
async function inject(
  { rule, roll }: Decision,
  exchange: Exchange,
  forwarder: Forwarder,
  stealth: boolean,
): Promise<Answer> {
  const { faults } = rule;
  const mark = stealth ? undefined : headerText(rule.name);
  exchange.injection = new Injection({ rule: rule.name, faults, roll, mark });
  exchange.outcome = 'injected';
  const forward: Next = () => forwarder.forward(exchange);
  return nested(faults).reduceRight<Next>((next, fault) => () => fault.inject(exchange, next), forward)();
}

/** Outermost first. What acts on the way back nests the other way round, or the last would act first there. */
function nested(faults: readonly Fault[]): Fault[] {
  const rest = faults.filter(({ forwards }) => !forwards);
  const isOnTheWayBack = ({ phase }: Fault) => phase === 'commit' || phase === 'response';
  return [
    ...rest.filter((each) => !isOnTheWayBack(each)),
    ...rest.filter(isOnTheWayBack).reverse(),
    ...faults.filter(({ forwards }) => forwards),
  ];
}

function metTrouble({ outcome }: Exchange): boolean {
  return outcome === 'injected' || outcome === 'upstream-failed';
}

function report(journal: Journal, to: (entry: JournalEntry) => void): void {
  const entry = journal.latest();
  if (entry) to(entry);
}

/** Calls back when no more of a body will come. Node forgets an answered request: its socket must be asked as well. */
function whenDrained(request: IncomingMessage, done: () => void): void {
  const { socket } = request;
  const once = () => {
    request.off('close', once);
    socket.off('close', once);
    done();
  };
  request.once('close', once);
  socket.once('close', once);
}

/** Answers for an upstream that gave no answer. Whatever else goes wrong ends this exchange, and never the process. */
function answerFailure(exchange: Exchange, reason: unknown, provider: string | undefined): void {
  const { response, facts } = exchange;
  if (reason instanceof ClientGone || response.destroyed) return;
  try {
    if (!(reason instanceof UpstreamFailure)) throw reason;
    exchange.passOver();
    exchange.failed(reason.status === 504 ? 'time-out' : 'no-answer');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const dialect = loadProvider(provider ?? detectProvider(facts) ?? 'aws-s3');
    const code = reason.status === 504 ? 'GatewayTimeout' : 'BadGateway';
    const message = `brownout: ${reason.message}.`;
    const text = { code, status: reason.status, message };
    const { requestId: _, ...reply } = writeDocument(dialect, text, subjectOf(facts), new Date());
    exchange.answer(reply);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
    response.destroy();
  }
}
