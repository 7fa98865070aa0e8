import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer, createServer, listen, urlOf } from '../http/listener.ts';
import { onceConnected } from '../http/node-internals.ts';
import type { Identity } from '../http/tls.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionPorts } from '../sessions/sessions.ts';

/** Request as it came in at a port. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** True if the client waits for `100 Continue` before it sends the body (RFC 9110 10.1.1). */
  readonly awaitsContinue: boolean;
  /** Session whose port it came in by; `undefined`: the shared port. */
  readonly session: Session | undefined;
}

/** Settings of the servers of a proxy. */
export interface PortSettings {
  /** Left out: clients speak plain HTTP. */
  readonly tls: Identity | undefined;
  /** Time in ms that a client's connection may be quiet during a request before it is closed. */
  readonly idleTimeout: number;
}

/** Ports that clients connect to: a shared one, and one for each session that has its own. */
export class ClientPorts implements SessionPorts {
  readonly #settings: PortSettings;
  readonly #handle: (arrival: Arrival) => void;
  readonly #servers = new Map<Session | undefined, Server>();
  #areClosing = false;

  /** @param handle called with each request once its response has the connection */
  constructor(settings: PortSettings, handle: (arrival: Arrival) => void) {
    this.#settings = settings;
    this.#handle = handle;
  }

  /** True once the proxy begins to close. */
  get areClosing(): boolean {
    return this.#areClosing;
  }

  /** Listens at the shared port; rejects with a sentence. */
  listen(port: number, host: string): Promise<AddressInfo> {
    return listen(this.#serverFor(undefined), port, host);
  }

  /** Opens a port for a session at the address of the shared one, and returns its URL; rejects with a sentence. */
  async open(port: number, session: Session): Promise<string> {
    const shared = this.#servers.get(undefined)?.address();
    const host = typeof shared === 'object' && shared ? shared.address : '127.0.0.1';
    const address = await listen(this.#serverFor(session), port, host);
    return urlOf(address, this.#settings.tls ? 'https' : 'http');
  }

  /** Closes the port of a session, if it has one, and its connections. */
  close(session: Session): void {
    this.#servers.get(session)?.close().closeAllConnections();
    this.#servers.delete(session);
  }

  /** Stops listening, waits up to `grace` ms for exchanges in flight, then closes their connections. */
  async closeAll(grace: number, inFlight: () => number): Promise<void> {
    this.#areClosing = true;
    await Promise.all([...this.#servers.values()].map((server) => closeServer(server, grace, inFlight)));
  }

  #serverFor(session: Session | undefined): Server {
    const server = createServer(this.#settings.tls, this.#settings.idleTimeout);
    server.on('request', (request, response) =>
      this.#handleWhenConnected({ request, response, session, awaitsContinue: false }),
    );
    // Without this listener, Node would send 100 before any rule is asked.
    server.on('checkContinue', (request, response) =>
      this.#handleWhenConnected({ request, response, session, awaitsContinue: true }),
    );
    this.#servers.set(session, server);
    return server;
  }

  /** Waits until the response has its socket: without one, it would never close if the connection broke. */
  #handleWhenConnected(arrival: Arrival): void {
    if (arrival.response.socket) this.#handle(arrival);
    else onceConnected(arrival.response, () => this.#handle(arrival));
  }
}
