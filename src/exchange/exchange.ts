import type { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { forClient } from '../http/headers.ts';
import { drainBeforeClosing, flushed, hangUp, keepAwake } from '../http/sockets.ts';
import { type BodySource, bodyOf, pause, pump, swallow } from '../http/stream.ts';
import type { Facts } from '../request/facts.ts';
import { type Cleanups, runCleanups, withCleanup, withoutCleanup } from './cleanups.ts';
import type { Injection } from './injection.ts';
import { ClientGone, type Failure, type OutcomeFacts } from './outcome.ts';
import type { Reply } from './reply.ts';

/** One request with its response; of it a fault may touch what its context lets it. */
export class Exchange implements OutcomeFacts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly facts: Facts;
  /** n-th attempt of the same request, 1-based: the SDK's word where it sends one, else counted if a rule asks for it. */
  readonly attempt: number | undefined;
  /** When its head had arrived, in ms of `performance.now()`, and as which of all, counted from 1. */
  readonly startedAt: number;
  readonly arrival: number;
  /** ms from the head of the request to the end of the answer; set when the response has closed. */
  duration = 0;
  /** What the rule that fired injects; `undefined` where none did. */
  injection: Injection | undefined;
  /** Status the upstream really answered with; `undefined` when it was not asked or did not answer. */
  upstreamStatus: number | undefined;
  /** Error code in the upstream's own answer. */
  upstreamCode: string | undefined;
  /** How the upstream failed. Written where it is asked, `upstream/`. */
  failure: Failure | undefined;
  /** The client was told of that, or cut off because of it. */
  isFailureTold = false;
  /** Why the request cannot have the fault that its header asks for. */
  refusal: string | undefined;
  /** The upstream's answer is what the client is sent. */
  isRelayed = false;
  /** Body bytes received from and sent to the client. */
  bytesIn = 0;
  bytesOut = 0;
  /** Stages the bodies pass through on their way to the upstream and to the client. */
  readonly upload: Transform[] = [];
  readonly download: Transform[] = [];
  /** What the upstream is sent for a body instead of what the client sends; `undefined`: that. */
  uploadOverride: BodySource | undefined;
  /** How the connection ends where a stage has ended a body before its time; left out: the body ends as a whole one does. */
  closeAs: 'rst' | 'fin' | undefined;
  /** Ends every wait when the exchange is over. Made on first use: most never wait. */
  #waits: AbortController | undefined;
  #cleanups: Cleanups;
  #awaitsContinue: boolean;
  #requestId: string | undefined;
  #endsByFault = false;

  constructor(
    init: Pick<
      Exchange,
      'request' | 'response' | 'facts' | 'attempt' | 'startedAt' | 'arrival' | 'awaitsContinue'
    >,
  ) {
    this.request = init.request;
    this.response = init.response;
    this.facts = init.facts;
    this.attempt = init.attempt;
    this.#awaitsContinue = init.awaitsContinue;
    this.startedAt = init.startedAt;
    this.arrival = init.arrival;
  }

  /** The client waits for `100 Continue` before it sends the body (RFC 9110 10.1.1). */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** Request id that the client was given with an injected error. */
  get requestId(): string | undefined {
    return this.#requestId;
  }

  /** The client was sent all of an answer. */
  get isAnswered(): boolean {
    return this.response.writableFinished;
  }

  /** A fault cut the client off, or keeps it waiting until it leaves: its end is no news then. */
  get endsByFault(): boolean {
    return this.#endsByFault;
  }

  /** Calls back once when the client leaves or a fault cuts the exchange off. Returns a function that unsubscribes. */
  onAbort(stop: () => void): () => void {
    this.#cleanups = withCleanup(this.#cleanups, stop);
    return () => {
      this.#cleanups = withoutCleanup(this.#cleanups, stop);
    };
  }

  /** Called once, when the response has closed: stops whatever still goes on for a client that has left. */
  handleClose(): void {
    this.duration = performance.now() - this.startedAt;
    this.#waits?.abort();
    // An upstream that has refused an upload, or is not asked any more, may never read the rest: it is drained without.
    const isRefused = !this.isRelayed || this.response.statusCode >= 300;
    if (!this.isAnswered || (!this.request.complete && isRefused)) this.#abort();
  }

  /** Called when the client's connection has closed before its upload was whole: nobody will send the rest. */
  uploadAborted(): void {
    this.#abort();
  }

  /**
   * Waits so many ms, without a number until the client leaves; throws {@link ClientGone} as soon as it does. A client
   * that is kept waiting is not idle: the server's idle time-out does not end its connection. Where the wait has no end
   * the client's upload is read on after it, and thrown away: a client that nobody reads from cannot be seen to leave.
   */
  async wait(ms = Number.POSITIVE_INFINITY): Promise<void> {
    const isEndless = ms === Number.POSITIVE_INFINITY;
    this.#endsByFault ||= isEndless;
    this.#waits ??= new AbortController();
    if (this.response.destroyed) this.#waits.abort();
    const letSleep = keepAwake(this.request.socket, isEndless ? () => this.#abandonBody() : undefined);
    try {
      await pause(ms, this.#waits.signal);
    } catch {
      throw new ClientGone();
    } finally {
      letSleep();
    }
  }

  /** Asks the client for its body, where it waits to be asked. */
  askForBody(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.response.writeContinue();
  }

  /** Reads so many bytes of the upload, all of it if it has less, and forwards none of it; what follows is thrown away. */
  async receive(bytes: number): Promise<void> {
    this.askForBody();
    this.countUpload();
    try {
      await swallow(this.request, bytes, this.upload);
    } catch {
      throw new ClientGone();
    }
  }

  /**
   * Sends a reply at once, whether or not the body has been read. The rest of the body is drained, as a client that
   * is still pushing must be able to read the answer; `close` ends the connection after that.
   */
  answer(reply: Reply): void {
    if (this.response.destroyed) return;
    this.#writeHead(reply);
    // Through the stages: a throttle holds back what we answer just as it does the upstream's answer.
    if (this.download.length > 0) this.response.flushHeaders();
    const count = (bytes: number) => {
      this.bytesOut += bytes;
    };
    const source = { body: bodyOf(reply.body), trailers: () => [] };
    pump(source, this.response, count, this.download, () => this.endBody(this.response));
    this.#discardBody();
  }

  /** Sends the head of a reply whose body follows by {@link send}, up to {@link end}. */
  begin(reply: Omit<Reply, 'body'>): void {
    if (this.response.destroyed) return;
    this.#writeHead(reply);
    this.response.flushHeaders();
  }

  /** Sends bytes of a body that did not come from the upstream. */
  send(bytes: Buffer): void {
    // Node drops what is written in answer to HEAD.
    if (bytes.length === 0 || this.response.destroyed || this.request.method === 'HEAD') return;
    this.bytesOut += bytes.length;
    this.response.write(bytes);
  }

  /** Ends a reply whose body was sent by {@link send}. */
  end(): void {
    this.response.end();
  }

  /** Ends a body that has been through stages, as they want it ended. What came before a cut arrives. */
  async endBody(to: OutgoingMessage): Promise<void> {
    if (this.closeAs === undefined) {
      to.end();
      return;
    }
    to.flushHeaders();
    if (to.socket) await flushed(to.socket);
    await this.cut(this.closeAs);
  }

  /**
   * Breaks the exchange off on both sides: the client's connection by a reset or by an orderly end of it, the upstream's
   * request in any case. What has been sent to the client before arrives.
   */
  async cut(how: 'rst' | 'fin'): Promise<void> {
    this.#endsByFault = true;
    this.#abort();
    // An answer before this one, on a kept connection, is to arrive as well.
    await hangUp(this.request, how, this.request.socket.bytesWritten > 0);
  }

  #abort(): void {
    const cleanups = this.#cleanups;
    this.#cleanups = undefined;
    runCleanups(cleanups);
  }

  #writeHead(reply: Omit<Reply, 'body'>): void {
    const { request, response } = this;
    // A client that was refused its 100 may or may not send the body: only closing keeps the framing sound.
    const headers = forClient(reply.headers, request, reply.close === true || this.#awaitsContinue);
    if (this.injection) headers.push(...this.injection.marks());
    if (!request.complete) drainBeforeClosing(request);
    this.#requestId = reply.requestId;
    response.sendDate = false;
    if (reply.isLiteral) response.removeHeader('connection');
    response.writeHead(reply.status, reply.reason, headers);
  }

  #discardBody(): void {
    const { request } = this;
    if (!request.complete && request.readableFlowing === null) this.countUpload();
  }

  /** Reads on, and throws away, an upload that no stage will let through any more. */
  #abandonBody(): void {
    this.#discardBody();
    if (this.upload.length > 0) this.request.unpipe().resume();
  }

  /** Counts the bytes that the client sends from now on, and makes them flow. */
  countUpload(): void {
    this.request.on('data', (chunk: Buffer) => {
      this.bytesIn += chunk.length;
    });
  }
}
