import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';

/** Callback for an answer of the upstream. The body has not been read. */
export type AnswerListener = (exchange: Exchange, answer: UpstreamAnswer) => void;

/** Sender of requests to one upstream. A proxy has one, which owns the pool of upstream connections. */
export interface Forwarder {
  /**
   * Sends the request as it came. Its body goes through the upload stages of the exchange. Resolves with the answer when
   * its head has come. Rejects with `UpstreamFailure` if there is no answer, and with `ClientGone` if the exchange is
   * aborted first. Writes `upstreamStatus`, `failure` and `bytesIn` of the exchange.
   */
  forward(exchange: Exchange): Promise<UpstreamAnswer>;
  /** Calls back with each answer, before its body is read. Returns a function that unsubscribes. */
  subscribe(listener: AnswerListener): () => void;
  /** Counts the open connections to the upstream, busy and idle. */
  connections(): number;
  /** Closes all connections to the upstream. */
  close(): void;
}
