import type { Exchange } from '../exchange/exchange.ts';
import type { Failure, Outcome } from '../exchange/outcome.ts';
import { withoutSecrets } from '../request/secrets.ts';
import type { Decision, Verdict } from '../rules/decide.ts';
import { VerdictSnapshot } from './verdict-snapshot.ts';

/** Record of one exchange. Times are in ms, sizes in body bytes. A field that does not apply is left out of its JSON. */
export interface JournalEntry {
  /** Number of the exchange, from 1, in the order in which exchanges ended. */
  readonly id: number;
  /** Number of the exchange, from 1, in the order in which heads arrived and rules were asked. */
  readonly arrival: number;
  /** Time at which the request's head had arrived, ISO 8601. It is never before the time of an earlier arrival. */
  readonly time: string;
  readonly client: string;
  readonly method: string;
  readonly target: string;
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly part: number | undefined;
  /** Range header, as sent. */
  readonly range: string | undefined;
  readonly attempt: number | undefined;
  readonly accessKey: string | undefined;
  /** Id of the session that the request belongs to. */
  readonly session: string | undefined;
  /** Rule that fired, with the fault and the code that it injected. */
  readonly rule: string | undefined;
  readonly fault: string | undefined;
  readonly code: string | undefined;
  /** Provider of the rule's codes, and the faults as in a rule file, with each drawn value in place of its range. */
  readonly provider: string | undefined;
  readonly settings: Readonly<Record<string, unknown>> | undefined;
  /** Request id of the injected error. */
  readonly requestId: string | undefined;
  readonly outcome: Outcome;
  /** Status that the client was given; left out if it was given none. */
  readonly status: number | undefined;
  /** Status that the upstream answered with; left out if it was not asked or did not answer. */
  readonly upstreamStatus: number | undefined;
  /** Error code in the upstream's answer. */
  readonly upstreamCode: string | undefined;
  readonly failure: Failure | undefined;
  /** Reason why a fault that the request asked for by its header was refused. */
  readonly reason: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly duration: number;
}

/** Place in the ring that is overwritten again and again: an entry with its time in unix ms, and the snapshot of its verdicts. */
type Slot = {
  -readonly [Field in keyof JournalEntry]: Field extends 'time' ? number : JournalEntry[Field];
} & { readonly snapshot: VerdictSnapshot };

interface Subscriber {
  readonly listener: (entry: JournalEntry) => void;
  readonly wants: (outcome: Outcome) => boolean;
}

/**
 * Ring of the latest exchanges, so that memory stays flat. Slots are overwritten in place: a new object per exchange would
 * outlive young garbage collections, and cost more than everything else here.
 */
export class Journal {
  readonly #capacity: number;
  readonly #ring: Slot[] = [];
  readonly #subscribers = new Set<Subscriber>();
  #count = 0;
  /** Number of exchanges when the journal was cleared. */
  #cleared = 0;

  /** @param capacity number of entries that are kept, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Records an exchange that has ended, with the decisions on it. Returns the id of its entry. */
  record(exchange: Exchange, outcome: Outcome, decisions: readonly Decision[], session?: string): number {
    const place = (this.#count - this.#cleared) % this.#capacity;
    this.#count += 1;
    // A new slot lacks the fields of an entry; `write` fills them in.
    const slot = this.#ring[place] ?? ({ snapshot: new VerdictSnapshot() } as Slot);
    this.#ring[place] = write(slot, exchange, outcome, this.#count);
    slot.snapshot.write(exchange.facts, exchange.attempt, decisions);
    slot.session = session;
    for (const { listener, wants } of this.#subscribers) if (wants(outcome)) listener(entryOf(slot));
    return this.#count;
  }

  /** Corrects the bytes that came in, once the rest of an upload that was answered early has been read. */
  amend(id: number, exchange: Exchange): void {
    const slot = this.#find(id);
    if (slot) slot.bytesIn = exchange.bytesIn;
  }

  /** Calls back with each new entry whose outcome is wanted. Returns a function that unsubscribes. */
  subscribe(listener: Subscriber['listener'], wants: Subscriber['wants'] = () => true): () => void {
    const subscriber = { listener, wants };
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  /** Returns the entry with that id; `undefined` if it is forgotten. */
  entry(id: number): JournalEntry | undefined {
    const slot = this.#find(id);
    return slot && entryOf(slot);
  }

  /** Returns the verdict of every rule on the exchange with that id; `undefined` if it is forgotten. */
  verdicts(id: number): Verdict[] | undefined {
    const slot = this.#find(id);
    return slot?.snapshot.verdicts();
  }

  /** Returns the latest entries, oldest first. */
  entries(limit = this.#capacity): JournalEntry[] {
    const wanted = Math.min(this.#ring.length, limit);
    const first = this.#count - this.#cleared - wanted;
    return Array.from({ length: wanted }, (_, i) => this.#ring[(first + i) % this.#capacity])
      .filter((slot) => slot !== undefined)
      .map(entryOf);
  }

  /** Id of the oldest entry that is remembered; the next id if there is none. */
  get oldest(): number {
    return Math.max(this.#cleared, this.#count - this.#capacity) + 1;
  }

  /** Returns how many entries a reader missed that reads id `next` now: those forgotten since, not those cleared. */
  missed(next: number): number {
    return Math.max(0, this.oldest - Math.max(next, this.#cleared + 1));
  }

  /** Number of exchanges that were recorded in all, the forgotten ones included. */
  get count(): number {
    return this.#count;
  }

  /** Forgets every entry; ids and the count go on. */
  clear(): void {
    this.#ring.length = 0;
    this.#cleared = this.#count;
  }

  #find(id: number): Slot | undefined {
    const slot = this.#ring[(id - 1 - this.#cleared) % this.#capacity];
    return slot?.id === id ? slot : undefined;
  }
}

function entryOf({ snapshot: _, ...slot }: Slot): JournalEntry {
  // A copy, because the settings belong to the rule, which reuses them for its next request.
  const settings = slot.settings && structuredClone(slot.settings);
  return { ...slot, settings, time: new Date(slot.time).toISOString() };
}

function write(slot: Slot, exchange: Exchange, outcome: Outcome, id: number): Slot {
  const { facts, response, duration, injection } = exchange;
  const short = isLong(facts) ? shortCopy : unchanged;
  slot.id = id;
  slot.arrival = exchange.arrival;
  // A monotonic clock, rounded down: otherwise a request could seem to come before another one that had already ended.
  slot.time = Math.floor(performance.timeOrigin + exchange.startedAt);
  slot.client = facts.client;
  slot.method = facts.method;
  slot.target = short(withoutSecrets(facts));
  slot.operation = facts.operation;
  slot.bucket = short(facts.bucket);
  slot.key = short(facts.key);
  slot.part = facts.part;
  slot.range = short(facts.range);
  slot.attempt = exchange.attempt;
  slot.accessKey = short(facts.accessKey);
  slot.rule = injection?.rule;
  slot.fault = injection?.fault;
  slot.code = injection?.code;
  slot.provider = injection?.fault === undefined ? undefined : injection.provider;
  slot.settings = injection?.settings;
  slot.requestId = exchange.requestId;
  slot.outcome = outcome;
  slot.status = response.headersSent ? response.statusCode : undefined;
  slot.upstreamStatus = exchange.upstreamStatus;
  slot.upstreamCode = exchange.upstreamCode;
  slot.failure = exchange.failure;
  slot.reason = exchange.refusal;
  slot.bytesIn = exchange.bytesIn;
  slot.bytesOut = exchange.bytesOut;
  slot.duration = Math.round(duration * 10) / 10;
  return slot;
}

/** Longest target or key that is kept, in characters; real keys have 1024 at most. */
const LONGEST = 2048;

/** Tells whether the texts that an entry takes parts of are long. A substring keeps its whole string in memory. */
function isLong({ target, headers, range }: Exchange['facts']): boolean {
  const { host, authorization } = headers;
  const lengths = target.length + (host?.length ?? 0) + (authorization?.length ?? 0) + (range?.length ?? 0);
  return lengths > LONGEST;
}

function shortCopy<Text extends string | undefined>(text: Text): Text | string {
  if (text === undefined) return text;
  const copy = Buffer.from(text.slice(0, LONGEST)).toString();
  return text.length > LONGEST ? `${copy}…` : copy;
}

function unchanged<Text>(text: Text): Text {
  return text;
}
