import type { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { headersForClient } from '../http/headers.ts';
import { drainBeforeClosing, flushed, hangUp, keepAwake } from '../http/sockets.ts';
import { type BodySource, bodyOf, pause, pump, readAndDiscard } from '../http/stream.ts';
import type { Facts } from '../request/facts.ts';
import { type Cleanups, runCleanups, withCleanup, withoutCleanup } from './cleanups.ts';
import type { Injection } from './injection.ts';
import { ClientGone, type Failure, type OutcomeFacts } from './outcome.ts';
import type { Reply } from './reply.ts';

/** One request with its response: its facts, and the client's side of it. */
export class Exchange implements OutcomeFacts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly facts: Facts;
  /** Number of this attempt, from 1, as the SDK says it. If it does not, the attempt is counted if a rule needs it. */
  readonly attempt: number | undefined;
  /** Time when its head came, in ms of `performance.now()`, and its number among all exchanges, from 1. */
  readonly startedAt: number;
  readonly arrival: number;
  /** Time from the head of the request to the end of the answer, in ms; set when the response has closed. */
  duration = 0;
  /** Faults of the rule that fired; `undefined` if none did. */
  injection: Injection | undefined;
  /** Status of the upstream's own answer; `undefined` if there is none. */
  upstreamStatus: number | undefined;
  /** Error code in the upstream's own answer. */
  upstreamCode: string | undefined;
  /** Failure of the upstream; written by `upstream/`. */
  failure: Failure | undefined;
  /** The client was told that there is no answer, or its connection was cut because of that. */
  clientSawFailure = false;
  /** Reason why the request cannot have the fault that its header asks for. */
  refusal: string | undefined;
  /** The upstream's answer is sent to the client. */
  isRelayed = false;
  /** Bytes of the bodies received from and sent to the client; written only in this class. */
  bytesIn = 0;
  bytesOut = 0;
  /** Stages of the bodies on their way to the upstream and to the client. */
  readonly upload: Transform[] = [];
  readonly download: Transform[] = [];
  /** Body that is sent to the upstream instead of the client's. */
  uploadOverride: BodySource | undefined;
  /** End of the connection after a body that a stage has cut short; if left out, the body ends like a whole one. */
  closeAs: 'rst' | 'fin' | undefined;
  /** Ends all waits when the exchange is over. Made on first use, because most exchanges never wait. */
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

  /** Request id of the injected error that was sent to the client. */
  get requestId(): string | undefined {
    return this.#requestId;
  }

  /** A fault cut the client off, or keeps it waiting until it leaves. */
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

  /** Stops the tasks of a client that has left. Called once, when the response has closed. */
  handleClose(): void {
    this.duration = performance.now() - this.startedAt;
    this.#waits?.abort();
    // An upstream that refused the upload may never read the rest of it, so the rest is drained here.
    const isRefused = !this.isRelayed || this.response.statusCode >= 300;
    if (!this.response.writableFinished || (!this.request.complete && isRefused)) this.#abort();
  }

  /** Stops the request to the upstream. Called when the client's connection has closed in the middle of its upload. */
  uploadAborted(): void {
    this.#abort();
  }

  /**
   * Waits that many ms; without a number, until the client leaves. Throws {@link ClientGone} when the client leaves. During
   * the wait, the idle time-out does not end the client's connection. In a wait without an end, the upload is read and
   * dropped after that time-out: Node notices that a client has left only if somebody reads from it.
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

  /** Sends `100 Continue` to a client that waits for it. */
  askForBody(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.response.writeContinue();
  }

  /** Reads and drops that many bytes of the upload, or all if it has fewer. The rest is dropped later. */
  async receive(bytes: number): Promise<void> {
    this.askForBody();
    this.countUpload();
    try {
      await readAndDiscard(this.request, bytes, this.upload);
    } catch {
      throw new ClientGone();
    }
  }

  /**
   * Sends a reply at once, even if the upload has not been read. The rest of the upload is read and dropped: some clients
   * read the answer only after they have sent all. If the reply says `close`, the connection ends after that.
   */
  answer(reply: Reply): void {
    if (this.response.destroyed) return;
    this.#writeHead(reply);
    // A throttle slows down our own answer, too.
    this.sendBody({ body: bodyOf(reply.body), trailers: () => [] });
    this.#discardBody();
  }

  /** Sends a body to the client through the stages of the download, and discards what a stage has cut off. */
  sendBody(source: BodySource & { discard?(): void }): void {
    const { response, download } = this;
    const count = (bytes: number) => {
      this.bytesOut += bytes;
    };
    if (download.length === 0) pump(source, response, count);
    else {
      // A stage may hold back even the first byte of the body. The head does not wait for it.
      response.flushHeaders();
      pump(source, response, count, download, () => {
        void this.endBody(response);
        source.discard?.();
      });
    }
  }

  /** Sends the head of a reply. {@link send} sends its body, and {@link end} ends it. */
  begin(reply: Omit<Reply, 'body'>): void {
    if (this.response.destroyed) return;
    this.#writeHead(reply);
    this.response.flushHeaders();
  }

  /** Sends bytes of a body that did not come from the upstream. */
  send(bytes: Buffer): void {
    // Node would drop the bytes of an answer to HEAD, and they must not be counted.
    if (bytes.length === 0 || this.response.destroyed || this.request.method === 'HEAD') return;
    this.bytesOut += bytes.length;
    this.response.write(bytes);
  }

  /** Ends a reply whose body was sent by {@link send}. */
  end(): void {
    this.response.end();
  }

  /** Ends a body after its stages, as `closeAs` says. The bytes before a cut still arrive. */
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
   * Cuts the exchange: the client's connection ends by a reset or by an orderly end, and the request to the upstream is
   * aborted. The bytes that were sent to the client before the cut still arrive.
   */
  async cut(how: 'rst' | 'fin'): Promise<void> {
    this.#endsByFault = true;
    this.#abort();
    // An earlier answer on the same connection must arrive, too.
    await hangUp(this.request, how, this.request.socket.bytesWritten > 0);
  }

  #abort(): void {
    const cleanups = this.#cleanups;
    this.#cleanups = undefined;
    runCleanups(cleanups);
  }

  #writeHead(reply: Omit<Reply, 'body'>): void {
    const { request, response } = this;
    // A client that gets an answer instead of its 100 may still send the body. It could not be told from the next request.
    const headers = headersForClient(reply.headers, request, reply.close === true || this.#awaitsContinue);
    if (this.injection) headers.push(...this.injection.marks());
    if (!request.complete) drainBeforeClosing(request);
    this.#requestId = reply.requestId;
    response.sendDate = false;
    if (reply.isLiteral) response.removeHeader('connection');
    response.writeHead(reply.status, reply.reason, headers);
  }

  #discardBody(): void {
    if (!this.request.complete && this.request.readableFlowing === null) this.countUpload();
  }

  /** Reads and drops an upload that no stage passes on anymore. */
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
