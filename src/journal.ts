import type { Exchange, Failure, Outcome } from './exchange.ts';

/** What is remembered of one exchange. Times in ms, sizes in body bytes; a field that does not apply is left out of its JSON. */
export interface JournalEntry {
  /** Counts exchanges from 1, in the order in which they ended. */
  readonly id: number;
  /** When the request's head had arrived. */
  readonly time: Date;
  readonly client: string;
  readonly method: string;
  readonly target: string;
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly part: number | undefined;
  readonly attempt: number | undefined;
  readonly accessKey: string | undefined;
  /** The rule that fired, and the fault and code it injected. */
  readonly rule: string | undefined;
  readonly fault: string | undefined;
  readonly code: string | undefined;
  /** Request id the injected error carried. */
  readonly requestId: string | undefined;
  readonly outcome: Outcome;
  /** Status the client was given; left out when it was given none. */
  readonly status: number | undefined;
  /** Status the upstream really answered with; left out when it was not asked or did not answer. */
  readonly upstreamStatus: number | undefined;
  /** Error code in the upstream's own answer. */
  readonly upstreamCode: string | undefined;
  readonly failure: Failure | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly duration: number;
}

/** The latest exchanges, oldest forgotten first, so that memory stays flat. */
export class Journal {
  readonly #capacity: number;
  readonly #ring: JournalEntry[] = [];
  #count = 0;

  /** @param capacity how many entries are kept */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Writes an ended exchange down and returns its entry. */
  record(exchange: Exchange): JournalEntry {
    const entry = entryOf(exchange, ++this.#count);
    if (this.#capacity > 0) this.#ring[(entry.id - 1) % this.#capacity] = entry;
    return entry;
  }

  /** The latest entries, oldest first. */
  entries(limit = this.#capacity): JournalEntry[] {
    const kept = Math.min(this.#count, this.#capacity);
    const wanted = Math.min(kept, limit);
    return Array.from(
      { length: wanted },
      (_, i) => this.#ring[(this.#count - wanted + i) % this.#capacity],
    ).filter((entry) => entry !== undefined);
  }

  /** How many exchanges were recorded in all, the forgotten ones included. */
  get count(): number {
    return this.#count;
  }
}

function entryOf(exchange: Exchange, id: number): JournalEntry {
  const { facts, response, duration } = exchange;
  return {
    id,
    time: new Date(Date.now() - duration),
    client: facts.client,
    method: facts.method,
    target: facts.target,
    operation: facts.operation,
    bucket: facts.bucket,
    key: facts.key,
    part: facts.part,
    attempt: exchange.attempt,
    accessKey: facts.accessKey,
    rule: exchange.rule,
    fault: exchange.fault,
    code: exchange.code,
    requestId: exchange.requestId,
    outcome: exchange.outcome,
    status: response.headersSent ? response.statusCode : undefined,
    upstreamStatus: exchange.upstreamStatus,
    upstreamCode: exchange.upstreamCode,
    failure: exchange.failure,
    bytesIn: exchange.bytesIn,
    bytesOut: exchange.bytesOut,
    duration: Math.round(duration * 10) / 10,
  };
}
