/**
 * Set of items that come and go all the time. A Set of JavaScript replaces its table again and again, and V8 links each
 * old table to the new one. An old table that only a full garbage collection frees keeps all later items alive.
 */
export class InFlightSet<Item> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Adds an item that is not in the set. */
  add(item: Item): void {
    this.#items.push(item);
  }

  /** Removes an item; the time grows with the size. */
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
