import { hash } from 'node:crypto';

/** A map for what requests make us remember: at its capacity it forgets the entry longest untouched. */
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
    // Taken out first: a Map keeps insertion order, so its first entry is then the one untouched the longest.
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

/** Keys and targets may be as long as a request's head; what is kept of them must not be. */
function shorten(name: string): string {
  return name.length > 128 ? hash('sha256', name, 'base64') : name;
}
