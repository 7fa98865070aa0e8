import { Readable } from 'node:stream';
import type { Journal, JournalEntry } from '../observe/journal.ts';

/** Interval in ms of heartbeats on a quiet stream. Proxies close a stream that is silent for a minute. */
const HEARTBEAT = 15_000;

/**
 * Stream of new journal entries as server-sent events (HTML standard, section 9.2). It reads the journal at the reader's
 * pace and keeps no entries itself, so a slow reader costs nothing. An event tells the reader how many entries it missed:
 * those that the journal forgot before they could be sent.
 */
export class LiveJournal extends Readable {
  readonly #journal: Journal;
  readonly #wants: (entry: JournalEntry) => boolean;
  readonly #unsubscribe: () => void;
  readonly #heart: NodeJS.Timeout;
  /** Id of the next entry to send. */
  #next: number;
  #hasRoom = false;

  /** @param next id of the first entry that is wanted */
  constructor(journal: Journal, next: number, wants: (entry: JournalEntry) => boolean) {
    super();
    this.#journal = journal;
    this.#next = next;
    this.#wants = wants;
    this.#unsubscribe = journal.subscribe(() => this.#send());
    this.#heart = setInterval(() => this.#hasRoom && this.#write(': still here\n\n'), HEARTBEAT).unref();
  }

  /** Ends the stream, because the proxy closes. */
  finish(): void {
    this.#stop();
    this.push(null);
  }

  override _read(): void {
    this.#hasRoom = true;
    this.#send();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stop();
    callback(error);
  }

  #send(): void {
    const journal = this.#journal;
    const missed = journal.missed(this.#next);
    if (this.#hasRoom) this.#next = Math.max(this.#next, journal.oldest);
    if (missed > 0 && this.#hasRoom) {
      this.#write(`event: missed\ndata: ${JSON.stringify({ missed })}\n\n`);
    }
    while (this.#hasRoom && this.#next <= journal.count) {
      const entry = journal.entry(this.#next);
      this.#next += 1;
      if (entry && this.#wants(entry)) this.#write(`id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`);
    }
  }

  #write(event: string): void {
    this.#hasRoom = this.push(event);
  }

  #stop(): void {
    this.#unsubscribe();
    clearInterval(this.#heart);
    this.#hasRoom = false;
  }
}
