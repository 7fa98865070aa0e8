import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadProvider } from './catalog/catalog.ts';
import { writeDocument } from './catalog/document.ts';
import { ClientGone, Exchange } from './exchange.ts';
import { subjectOf } from './faults/error.ts';
import type { Answer, Fault, Next } from './faults/fault.ts';
import { createForwarder, type Forwarder } from './forward.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { Addressing } from './request/address.ts';
import { factsOf } from './request/facts.ts';
import { detectProvider } from './request/provider.ts';
import { type Decision, decide, type RuleSet, settled } from './rules/decide.ts';
import { createHttpServer, type Identity } from './tls.ts';
import { type Upstream, UpstreamFailure } from './upstream.ts';

/** Bytes of a request's head that are read before it is refused with 431: room for the longest presigned URL. */
const MAX_HEADER_SIZE = 64 * 1024;

/** How often a closing proxy looks whether its last exchange is over, in ms. */
const LOOK_EVERY = 20;

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

/** Makes a proxy that is not listening yet. */
export function createProxy(settings: ProxySettings, rules: RuleSet): ProxyServer {
  const forwarder = createForwarder(settings.upstream);
  const journal = new Journal(settings.journalSize);
  let inFlight = 0;
  const server = createHttpServer(settings.tls, {
    // An upload may take as long as it takes; the head may not (headersTimeout stays at Node's 60 s).
    requestTimeout: 0,
    // Longer than the pools of common clients hold theirs, or they would meet resets that no rule asked for.
    keepAliveTimeout: 75_000,
    maxHeaderSize: MAX_HEADER_SIZE,
    noDelay: true,
  });
  server.timeout = settings.idleTimeout;

  const proxy: ProxyServer = {
    journal,
    forwarder,
    rules,
    metrics: createMetrics({
      inFlight: () => inFlight,
      upstreamConnections: forwarder.connections,
      rules: () => proxy.rules,
    }),
    inFlight: () => inFlight,
    listen: (port, host) => listen(server, port, host),
    close: async (grace) => {
      await closeServer(server, grace, () => inFlight);
      forwarder.close();
    },
  };

  const handle = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    inFlight += 1;
    const { method, url: target, headers, socket } = request;
    const facts = factsOf({ method, target, headers, client: socket.remoteAddress }, settings.addressing);
    const { rules } = proxy;
    const now = performance.now();
    const decision = decide(rules, facts, now);
    const attempt = rules.attempts?.latest(facts) ?? facts.attempt;
    const exchange = new Exchange({ request, response, facts, attempt, awaitsContinue, startedAt: now });
    response.once('close', () => {
      exchange.closed();
      settled(rules, facts, response.statusCode < 400 && response.writableFinished);
      proxy.metrics.observe(exchange);
      const id = journal.record(exchange);
      if (settings.onEntry) report(journal, settings.onEntry);
      if (settings.onFault && exchange.metTrouble()) report(journal, settings.onFault);
      const drained = () => {
        inFlight -= 1;
        proxy.metrics.addBytes(exchange);
      };
      if (request.complete || request.destroyed) {
        drained();
        return;
      }
      // An upload that was answered early is still being read; its bytes count, but nobody waits for them.
      whenDrained(request, () => {
        drained();
        journal.amend(id, exchange);
      });
    });
    const answer = decision
      ? inject(decision, exchange, forwarder, settings.stealth)
      : forwarder.forward(exchange);
    answer
      .then((upstream) => upstream && exchange.relay(upstream))
      .catch((reason: unknown) => answerFailure(exchange, reason, settings.provider));
  };
  server.on('request', (request, response) => handle(request, response, false));
  // Unhandled, Node would say 100 by itself before any rule has been asked.
  server.on('checkContinue', (request, response) => handle(request, response, true));
  return proxy;
}

/** Runs the faults of the rule that fired one inside the other, forwarding at the core. */
function inject(
  { rule, roll }: Decision,
  exchange: Exchange,
  forwarder: Forwarder,
  stealth: boolean,
): Promise<Answer> {
  const { faults } = rule;
  exchange.rule = rule.name;
  exchange.roll = roll;
  exchange.fault = faults.map((fault) => fault.kind).join('+');
  exchange.code = faults.find((fault) => fault.code !== undefined)?.code;
  exchange.outcome = 'injected';
  if (!stealth)
    exchange.marks = ['x-brownout-rule', headerText(rule.name), 'x-brownout-fault', exchange.fault];
  const forward: Next = () => forwarder.forward(exchange);
  return nested(faults).reduceRight<Next>((next, fault) => () => fault.inject(exchange, next), forward)();
}

/** Outermost first. What acts on the way back nests the other way round, or the last would act first there. */
function nested(faults: readonly Fault[]): Fault[] {
  const isOnTheWayBack = ({ phase }: Fault) => phase === 'commit' || phase === 'response';
  return [...faults.filter((each) => !isOnTheWayBack(each)), ...faults.filter(isOnTheWayBack).reverse()];
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

function answerFailure(exchange: Exchange, reason: unknown, provider: string | undefined): void {
  const { response, facts } = exchange;
  if (reason instanceof ClientGone || response.destroyed) return;
  if (!(reason instanceof UpstreamFailure) || response.headersSent) {
    response.destroy();
    if (!(reason instanceof UpstreamFailure)) throw reason;
    return;
  }
  exchange.passOver();
  exchange.failed(reason.status === 504 ? 'time-out' : 'no-answer');
  const dialect = loadProvider(provider ?? detectProvider(facts) ?? 'aws-s3');
  const code = reason.status === 504 ? 'GatewayTimeout' : 'BadGateway';
  const message = `brownout: ${reason.message}.`;
  const text = { code, status: reason.status, message };
  exchange.answer(writeDocument(dialect, text, subjectOf(facts), new Date()));
}

/** A rule may be named in any script; a header value may not (RFC 9110 5.5). */
function headerText(text: string): string {
  // Through UTF-8: encodeURIComponent throws at half a surrogate pair, which the name of a file may have in it.
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(Buffer.from(text).toString());
}

/** Listens, and says where; rejects when the port is taken. */
export function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      // A server listening on a port has an AddressInfo; strings are for pipes.
      resolve(server.address() as AddressInfo);
    });
  });
}

function closeServer(server: Server, grace: number, inFlight: () => number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = performance.now() + grace;
    // Node waits for connections on which nothing goes on, too, and clients hold theirs for a minute and more.
    const look = () => {
      if (inFlight() === 0 || performance.now() >= deadline) server.closeAllConnections();
    };
    const looking = setInterval(look, LOOK_EVERY);
    server.close(() => {
      clearInterval(looking);
      resolve();
    });
    look();
  });
}
