import { Readable } from 'node:stream';
import type { Journal, JournalEntry } from '../observe/journal.ts';

/** ms between signs of life on a quiet stream: proxies close one that has been silent for a minute. */
const HEARTBEAT = 15_000;

/**
 * The journal as server-sent events (HTML standard, section 9.2): entries as they are written. It goes through the journal
 * at the reader's pace and holds none itself, so a slow reader costs nothing, and is told how many it missed: those that
 * the journal forgot before their turn came.
 */
export class LiveJournal extends Readable {
  readonly #journal: Journal;
  readonly #wants: (entry: JournalEntry) => boolean;
  readonly #unsubscribe: () => void;
  readonly #heart: NodeJS.Timeout;
  /** Id of the entry whose turn it is. */
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

  /** Ends the stream: the proxy goes away. */
  finish(): void {
    this.#leave();
    this.push(null);
  }

  override _read(): void {
    this.#hasRoom = true;
    this.#send();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#leave();
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

  #leave(): void {
    this.#unsubscribe();
    clearInterval(this.#heart);
    this.#hasRoom = false;
  }
}
