import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer, createServer, listen, urlOf } from '../http/listener.ts';
import { onceConnected } from '../http/node-internals.ts';
import type { Identity } from '../http/tls.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionPorts } from '../sessions/sessions.ts';

/** How a request came in. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client waits for `100 Continue` before it sends the body (RFC 9110 10.1.1). */
  readonly awaitsContinue: boolean;
  /** The session whose port it came in by; `undefined`: the port of everybody. */
  readonly session: Session | undefined;
}

/** How the servers of a proxy are set up. */
export interface PortSettings {
  /** Left out: clients speak plain HTTP. */
  readonly tls: Identity | undefined;
  /** ms a client's connection may be quiet, with a request going on, before it is closed. */
  readonly idleTimeout: number;
}

/** The ports that clients connect to: one for everybody, and one for each session that wants its own. */
export class ClientPorts implements SessionPorts {
  readonly #settings: PortSettings;
  readonly #handle: (arrival: Arrival) => void;
  readonly #servers = new Map<Session | undefined, Server>();
  #areClosing = false;

  /** @param handle called with each request when it has its connection to itself */
  constructor(settings: PortSettings, handle: (arrival: Arrival) => void) {
    this.#settings = settings;
    this.#handle = handle;
  }

  /** The proxy is being closed, or is. */
  get areClosing(): boolean {
    return this.#areClosing;
  }

  /** Listens for everybody; rejects with a sentence. */
  listen(port: number, host: string): Promise<AddressInfo> {
    return listen(this.#serverFor(undefined), port, host);
  }

  /** Opens a port for a session, beside that of everybody, and returns its URL; rejects with a sentence. */
  async open(port: number, session: Session): Promise<string> {
    const everybodys = this.#servers.get(undefined)?.address();
    const host = typeof everybodys === 'object' && everybodys ? everybodys.address : '127.0.0.1';
    const address = await listen(this.#serverFor(session), port, host);
    return urlOf(address, this.#settings.tls ? 'https' : 'http');
  }

  /** Closes the port of a session, if it has one, and cuts off what goes on there. */
  close(session: Session): void {
    this.#servers.get(session)?.close().closeAllConnections();
    this.#servers.delete(session);
  }

  /** Stops listening, lets what is in flight end for `grace` ms, then cuts it off. */
  async closeAll(grace: number, inFlight: () => number): Promise<void> {
    this.#areClosing = true;
    await Promise.all([...this.#servers.values()].map((server) => closeServer(server, grace, inFlight)));
  }

  #serverFor(session: Session | undefined): Server {
    const server = createServer(this.#settings.tls, this.#settings.idleTimeout);
    server.on('request', (request, response) =>
      this.#inTurn({ request, response, session, awaitsContinue: false }),
    );
    // Unhandled, Node would say 100 by itself before any rule has been asked.
    server.on('checkContinue', (request, response) =>
      this.#inTurn({ request, response, session, awaitsContinue: true }),
    );
    this.#servers.set(session, server);
    return server;
  }

  /** A response without a socket would never close if the connection broke. */
  #inTurn(arrival: Arrival): void {
    if (arrival.response.socket) this.#handle(arrival);
    else onceConnected(arrival.response, () => this.#handle(arrival));
  }
}
