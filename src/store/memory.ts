import type { OutgoingHttpHeaders } from 'node:http';
import { formatSize } from '../notation/units.ts';

/** An error that is answered with this HTTP status and code. */
export const failure = (status: number, code: string, message: string) =>
  Object.assign(new Error(message), { status, code });

/** An object or a part: its bytes, the headers sent with it, and what documents say of it. */
export interface Stored {
  readonly bytes: Buffer;
  readonly headers: OutgoingHttpHeaders;
  readonly entry: { readonly LastModified: string; readonly ETag: string; readonly Size: number };
}

/** All that the store holds, and how many bytes are free under its cap. */
export class Memory {
  readonly buckets = new Map<string, Map<string, Stored>>();
  readonly uploads = new Map<string, { headers: OutgoingHttpHeaders; parts: Map<string, Stored> }>();
  readonly #cap: number;
  #free: number;

  constructor(cap: number) {
    [this.#cap, this.#free] = [cap, cap];
  }

  /** Takes bytes of the cap, or gives them back if negative. */
  take(bytes: number): void {
    const sentence = `The memory store is full: its cap is ${formatSize(this.#cap)}.`;
    const wayOut = 'Raise it with --memory-limit, or delete objects.';
    if (bytes > this.#free) throw failure(507, 'InsufficientStorage', `${sentence} ${wayOut}`);
    this.#free -= bytes;
  }

  /** Stores an object in place of what was there, or nothing. */
  set(folder: Map<string, Stored>, key: string, object?: Stored): void {
    // Empty objects count too, or they could grow without end.
    const cost = (each: Stored | undefined) => (each ? each.bytes.length + 512 : 0);
    this.take(cost(object) - cost(folder.get(key)));
    if (object) folder.set(key, object);
    else folder.delete(key);
  }
}
