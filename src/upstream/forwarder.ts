import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';

/** Callback for an answer of the upstream of whose body nothing has been read. */
export type AnswerListener = (exchange: Exchange, answer: UpstreamAnswer) => void;

/** Sends exchanges on to one upstream; one per proxy, as it owns the pool of upstream connections. */
export interface Forwarder {
  /**
   * Sends the request as it came; its body goes through the upload stages of the exchange. Resolves with the answer as soon
   * as its head is there. Rejects with `UpstreamFailure` if there is no answer, and with `ClientGone` if the exchange is
   * aborted before. Writes `upstreamStatus`, `failure` and `bytesIn` of the exchange.
   */
  forward(exchange: Exchange): Promise<UpstreamAnswer>;
  /** Calls back with each answer, before anything of its body is read. Returns a function that unsubscribes. */
  subscribe(listener: AnswerListener): () => void;
  /** Open connections to the upstream, busy and idle. */
  connections(): number;
  /** Closes all connections to the upstream. */
  close(): void;
}
