import { hash } from 'node:crypto';

/** Map of bounded size: when it is full, it forgets the entry that was set the longest ago. */
export class LruMap<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(name: string): Value | undefined {
    return this.#entries.get(shorten(name));
  }

  set(name: string, value: Value): void {
    const short = shorten(name);
    // Deleted first: a Map keeps insertion order, so its first entry is then the one that was set the longest ago.
    this.#entries.delete(short);
    this.#entries.set(short, value);
    if (this.#entries.size > this.#capacity) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
  }

  delete(name: string): void {
    this.#entries.delete(shorten(name));
  }
}

/** Shortens a long name to a hash: keys and targets may be as long as a request's head. */
function shorten(name: string): string {
  return name.length > 128 ? hash('sha256', name, 'base64') : name;
}
