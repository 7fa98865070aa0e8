import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';

/** Gets an answer of the upstream before anything of its body is read. */
export type AnswerListener = (exchange: Exchange, answer: UpstreamAnswer) => void;

/** Sends exchanges on to one upstream; one per proxy, as it owns the pool of upstream connections. */
export interface Forwarder {
  /**
   * Sends the request as it came, its upload through the stages of the exchange, and resolves with the head of the answer.
   * Rejects with `UpstreamFailure` where there is none, and with `ClientGone` when the exchange is aborted before. Notes
   * on the exchange what came of the upstream: its status, its failure, the bytes of the upload.
   */
  forward(exchange: Exchange): Promise<UpstreamAnswer>;
  /** Calls back with each answer, before anything of its body is read. Returns a function that unsubscribes. */
  subscribe(listener: AnswerListener): () => void;
  /** Open connections to the upstream, busy and idle. */
  connections(): number;
  close(): void;
}
