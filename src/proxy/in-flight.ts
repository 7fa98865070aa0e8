/**
 * A set of things that come and go all the time. A Set replaces its table every few of them, and V8 links the old one to
 * the new: once one is so old that only a full garbage collection frees it, all that is put in later lives as long.
 */
export class InFlightSet<Item> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Puts in a thing that is not in it. */
  add(item: Item): void {
    this.#items.push(item);
  }

  /** Takes a thing out; time grows with how many there are. */
  delete(item: Item): void {
    const place = this.#items.indexOf(item);
    if (place < 0) return;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) this.#items[place] = last;
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items[Symbol.iterator]();
  }
}
