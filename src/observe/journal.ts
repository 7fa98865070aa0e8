import type { Exchange } from '../exchange/exchange.ts';
import type { Failure, Outcome } from '../exchange/outcome.ts';
import { withoutSecrets } from '../request/secrets.ts';
import type { Decision, Verdict } from '../rules/decide.ts';
import { VerdictSnapshot } from './verdict-snapshot.ts';

/** What is remembered of one exchange. Times in ms, sizes in body bytes; a field that does not apply is left out of its JSON. */
export interface JournalEntry {
  /** Counts exchanges from 1, in the order in which they ended. */
  readonly id: number;
  /** Counts exchanges from 1, in the order in which their heads arrived and rules were asked. */
  readonly arrival: number;
  /** When the request's head had arrived, ISO 8601; never before that of an earlier arrival. */
  readonly time: string;
  readonly client: string;
  readonly method: string;
  readonly target: string;
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly part: number | undefined;
  /** The Range header, as sent. */
  readonly range: string | undefined;
  readonly attempt: number | undefined;
  readonly accessKey: string | undefined;
  /** Id of the session it belongs to. */
  readonly session: string | undefined;
  /** The rule that fired, and the fault and code it injected. */
  readonly rule: string | undefined;
  readonly fault: string | undefined;
  readonly code: string | undefined;
  /** Provider whose codes the rule uses, and its faults as a rule states them, with what was left to the dice settled. */
  readonly provider: string | undefined;
  readonly settings: Readonly<Record<string, unknown>> | undefined;
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
  /** Why a fault that the request asked for by its header was refused. */
  readonly reason: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly duration: number;
}

/** A place in the ring, written over again and again: an entry, its time in unix ms, and what its verdicts are told from. */
type Slot = {
  -readonly [Field in keyof JournalEntry]: Field extends 'time' ? number : JournalEntry[Field];
} & { readonly recollection: VerdictSnapshot };

interface Follower {
  readonly listener: (entry: JournalEntry) => void;
  readonly wants: (exchange: Exchange) => boolean;
}

/**
 * The latest exchanges, oldest forgotten first, so that memory stays flat. The ring is written in place: an entry of its
 * own for each exchange would outlive young garbage collections, and cost more than all else here.
 */
export class Journal {
  readonly #capacity: number;
  readonly #ring: Slot[] = [];
  readonly #followers = new Set<Follower>();
  #count = 0;
  /** How many exchanges there had been when it was cleared. */
  #cleared = 0;

  /** @param capacity how many entries are kept, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Writes an ended exchange down, with what was decided on it, and gives the id of its entry. */
  record(exchange: Exchange, decisions: readonly Decision[] = [], session?: string): number {
    const place = (this.#count - this.#cleared) % this.#capacity;
    this.#count += 1;
    // The fields that are not there yet `write` fills in.
    const slot = this.#ring[place] ?? ({ recollection: new VerdictSnapshot() } as Slot);
    this.#ring[place] = write(slot, exchange, this.#count);
    slot.recollection.write(exchange.facts, exchange.attempt, decisions);
    slot.session = session;
    for (const { listener, wants } of this.#followers) if (wants(exchange)) listener(entryOf(slot));
    return this.#count;
  }

  /** Puts right how many bytes came in, once the rest of an upload that was answered early has been read. */
  amend(id: number, exchange: Exchange): void {
    const slot = this.#find(id);
    if (slot) slot.bytesIn = exchange.bytesIn;
  }

  /** Calls back with each entry as it is written, or with those of the exchanges that are wanted; gives what ends that. */
  follow(listener: Follower['listener'], wants: Follower['wants'] = () => true): () => void {
    const follower = { listener, wants };
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** The entry of that id, if it is still remembered. */
  entry(id: number): JournalEntry | undefined {
    const slot = this.#find(id);
    return slot && entryOf(slot);
  }

  /** What every rule said to the exchange of that id, if it is still remembered. */
  verdicts(id: number): Verdict[] | undefined {
    const slot = this.#find(id);
    return slot?.recollection.verdicts();
  }

  /** The latest entries, oldest first. */
  entries(limit = this.#capacity): JournalEntry[] {
    const wanted = Math.min(this.#ring.length, limit);
    const first = this.#count - this.#cleared - wanted;
    return Array.from({ length: wanted }, (_, i) => this.#ring[(first + i) % this.#capacity])
      .filter((slot) => slot !== undefined)
      .map(entryOf);
  }

  /** Id of the oldest entry that is remembered; that of the next one while there is none. */
  get oldest(): number {
    return Math.max(this.#cleared, this.#count - this.#capacity) + 1;
  }

  /** How many entries a reader has missed whose turn it is to read that id: those forgotten since, not those cleared away. */
  missed(next: number): number {
    return Math.max(0, this.oldest - Math.max(next, this.#cleared + 1));
  }

  /** How many exchanges were recorded in all, the forgotten ones included. */
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

function entryOf({ recollection: _, ...slot }: Slot): JournalEntry {
  // A copy: settings belong to the rule, and are stated again for its next request.
  const settings = slot.settings && structuredClone(slot.settings);
  return { ...slot, settings, time: new Date(slot.time).toISOString() };
}

function write(slot: Slot, exchange: Exchange, id: number): Slot {
  const { facts, response, duration, injection } = exchange;
  const short = isLong(facts) ? copied : same;
  slot.id = id;
  slot.arrival = exchange.arrival;
  // One clock, that only goes forward: by another one, or rounded up, it could come before one that had ended already.
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
  slot.outcome = exchange.outcome;
  slot.status = response.headersSent ? response.statusCode : undefined;
  slot.upstreamStatus = exchange.upstreamStatus;
  slot.upstreamCode = exchange.upstreamCode;
  slot.failure = exchange.failure;
  slot.reason = exchange.reason;
  slot.bytesIn = exchange.bytesIn;
  slot.bytesOut = exchange.bytesOut;
  slot.duration = Math.round(duration * 10) / 10;
  return slot;
}

/** Characters of a target or a key that are kept; real keys have 1024 at most. */
const LONGEST = 2048;

/** Whether the texts that an entry has parts of are long: a part of a string keeps the whole of it in memory. */
function isLong({ target, headers, range }: Exchange['facts']): boolean {
  const { host, authorization } = headers;
  const lengths = target.length + (host?.length ?? 0) + (authorization?.length ?? 0) + (range?.length ?? 0);
  return lengths > LONGEST;
}

function copied<Text extends string | undefined>(text: Text): Text | string {
  if (text === undefined) return text;
  const copy = Buffer.from(text.slice(0, LONGEST)).toString();
  return text.length > LONGEST ? `${copy}…` : copy;
}

function same<Text>(text: Text): Text {
  return text;
}
