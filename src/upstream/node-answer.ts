import type { IncomingMessage } from 'node:http';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';

/** Answer as Node reads it. A class costs each request less than an object of closures. */
export class NodeAnswer implements UpstreamAnswer {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: readonly string[];
  readonly body: IncomingMessage;

  constructor(message: IncomingMessage) {
    this.status = message.statusCode ?? 0;
    this.reason = message.statusMessage ?? '';
    this.rawHeaders = message.rawHeaders;
    this.body = message;
  }

  trailers(): readonly string[] {
    return this.body.rawTrailers;
  }

  isComplete(): boolean {
    return this.body.complete;
  }

  discard(): void {
    if (!this.body.complete) this.body.destroy();
  }
}
