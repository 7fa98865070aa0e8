import type { OutgoingHttpHeaders } from 'node:http';
import { formatSize } from '../notation/units.ts';

/** Makes an error that the store answers with this HTTP status and code. */
export const failure = (status: number, code: string, message: string) =>
  Object.assign(new Error(message), { status, code });

/** Stored object or part: its bytes, the headers sent with it, and its entry in listings. */
export interface Stored {
  readonly bytes: Buffer;
  readonly headers: OutgoingHttpHeaders;
  readonly entry: { readonly LastModified: string; readonly ETag: string; readonly Size: number };
}

/** Contents of the store, and the bytes that are free under its cap. */
export class Memory {
  readonly buckets = new Map<string, Map<string, Stored>>();
  readonly uploads = new Map<string, { headers: OutgoingHttpHeaders; parts: Map<string, Stored> }>();
  readonly #cap: number;
  #free: number;

  constructor(cap: number) {
    [this.#cap, this.#free] = [cap, cap];
  }

  /** Reserves bytes of the cap, or frees them if negative. Throws a 507 if there are not enough. */
  take(bytes: number): void {
    const sentence = `The memory store is full: its cap is ${formatSize(this.#cap)}.`;
    const hint = 'Raise it with --memory-limit, or delete objects.';
    if (bytes > this.#free) throw failure(507, 'InsufficientStorage', `${sentence} ${hint}`);
    this.#free -= bytes;
  }

  /** Stores an object under a key, or deletes the key if no object is given. */
  set(objects: Map<string, Stored>, key: string, object?: Stored): void {
    // An empty object costs something too, or there could be any number of them.
    const cost = (stored: Stored | undefined) => (stored ? stored.bytes.length + 512 : 0);
    this.take(cost(object) - cost(objects.get(key)));
    if (object) objects.set(key, object);
    else objects.delete(key);
  }
}
