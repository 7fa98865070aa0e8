import type { Exchange } from './exchange.ts';
import type { Failure, Outcome } from './outcome.ts';

/** What is remembered of one exchange. Times in ms, sizes in body bytes; a field that does not apply is left out of its JSON. */
export interface JournalEntry {
  /** Counts exchanges from 1, in the order in which they ended. */
  readonly id: number;
  /** When the request's head had arrived, ISO 8601. */
  readonly time: string;
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

/** A place in the ring, written over again and again; its time is unix time in ms. */
type Slot = { -readonly [Field in keyof JournalEntry]: Field extends 'time' ? number : JournalEntry[Field] };

/**
 * The latest exchanges, oldest forgotten first, so that memory stays flat. The ring is written in place: an entry of its
 * own for each exchange would outlive young garbage collections, and cost more than all else here.
 */
export class Journal {
  readonly #capacity: number;
  readonly #ring: Slot[] = [];
  #count = 0;

  /** @param capacity how many entries are kept, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Writes an ended exchange down, and gives the id of its entry. */
  record(exchange: Exchange): number {
    const place = this.#count % this.#capacity;
    this.#count += 1;
    const slot = this.#ring[place];
    if (slot) write(slot, exchange, this.#count);
    else this.#ring[place] = write({} as Slot, exchange, this.#count); // write fills in every field
    return this.#count;
  }

  /** Puts right how many bytes came in, once the rest of an upload that was answered early has been read. */
  amend(id: number, exchange: Exchange): void {
    const slot = this.#ring[(id - 1) % this.#capacity];
    if (slot?.id === id) slot.bytesIn = exchange.bytesIn;
  }

  /** The entry written last. */
  latest(): JournalEntry | undefined {
    return this.entries(1)[0];
  }

  /** The latest entries, oldest first. */
  entries(limit = this.#capacity): JournalEntry[] {
    const wanted = Math.min(this.#ring.length, limit);
    return Array.from({ length: wanted }, (_, i) => this.#ring[(this.#count - wanted + i) % this.#capacity])
      .filter((slot) => slot !== undefined)
      .map((slot) => ({ ...slot, time: new Date(slot.time).toISOString() }));
  }

  /** How many exchanges were recorded in all, the forgotten ones included. */
  get count(): number {
    return this.#count;
  }
}

function write(slot: Slot, exchange: Exchange, id: number): Slot {
  const { facts, response, duration, injection } = exchange;
  slot.id = id;
  slot.time = Math.round(Date.now() - duration);
  slot.client = facts.client;
  slot.method = facts.method;
  slot.target = shorten(facts.target);
  slot.operation = facts.operation;
  slot.bucket = facts.bucket;
  slot.key = facts.key === undefined ? undefined : shorten(facts.key);
  slot.part = facts.part;
  slot.attempt = exchange.attempt;
  slot.accessKey = facts.accessKey;
  slot.rule = injection?.rule;
  slot.fault = injection?.fault;
  slot.code = injection?.code;
  slot.requestId = exchange.requestId;
  slot.outcome = exchange.outcome;
  slot.status = response.headersSent ? response.statusCode : undefined;
  slot.upstreamStatus = exchange.upstreamStatus;
  slot.upstreamCode = exchange.upstreamCode;
  slot.failure = exchange.failure;
  slot.bytesIn = exchange.bytesIn;
  slot.bytesOut = exchange.bytesOut;
  slot.duration = Math.round(duration * 10) / 10;
  return slot;
}

/** Characters of a target or a key that are kept; real keys have 1024 at most. */
const LONGEST = 2048;

/** A copy, as a part of a string keeps the whole of it in memory. */
function shorten(text: string): string {
  return text.length <= LONGEST ? text : `${Buffer.from(text.slice(0, LONGEST)).toString()}…`;
}
