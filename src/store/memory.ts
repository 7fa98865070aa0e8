import { formatSize } from '../units.ts';

/** An answer that is an error; `headers` go on it besides the usual ones. */
export class StoreError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    [this.status, this.code, this.headers] = [status, code, headers];
  }
}

/** Stored bytes, in the pieces they came in, so that completing a big upload copies nothing; `cost` is what they take of the cap. */
export interface Body {
  readonly chunks: readonly Buffer[];
  readonly size: number;
  readonly cost: number;
  readonly etag: string;
  readonly modified: Date;
}

/** An object; `headers` (Content-Type, user metadata and the like) are given back as they came. */
export interface StoredObject extends Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly appendable: boolean;
}

/** A multipart upload under way. */
export interface Upload {
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Body>;
}

/** Bytes charged for each bucket, object, upload and part on top of its content, or empty ones could grow without end. */
export const OVERHEAD = 512;

/** All that the store holds, and the cap on it in bytes. Whatever is put into it has reserved its cost before. */
export class Memory {
  readonly buckets = new Map<
    string,
    { readonly created: Date; readonly objects: Map<string, StoredObject> }
  >();
  readonly uploads = new Map<string, Upload>();
  readonly #maxBytes: number;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  reserve(bytes: number): void {
    if (this.#used + bytes > this.#maxBytes) {
      const sentence = `The memory store is full: its cap is ${formatSize(this.#maxBytes)}. Raise it with --memory-limit, or delete objects.`;
      throw new StoreError(507, 'InsufficientStorage', sentence);
    }
    this.#used += bytes;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }

  objects(bucket: string): Map<string, StoredObject> {
    const found = this.buckets.get(bucket)?.objects;
    if (found === undefined)
      throw new StoreError(404, 'NoSuchBucket', `The bucket ${bucket} does not exist.`);
    return found;
  }

  object(bucket: string, key: string): StoredObject {
    const found = this.objects(bucket).get(key);
    if (found === undefined) throw new StoreError(404, 'NoSuchKey', 'The specified key does not exist.');
    return found;
  }

  upload(id: string | undefined): Upload {
    const found = this.uploads.get(id ?? '');
    if (found === undefined)
      throw new StoreError(404, 'NoSuchUpload', 'The specified upload does not exist.');
    return found;
  }

  createBucket(name: string): void {
    if (this.buckets.has(name)) return;
    this.reserve(OVERHEAD);
    this.buckets.set(name, { created: new Date(), objects: new Map() });
  }

  put(bucket: string, key: string, object: StoredObject): void {
    const objects = this.buckets.get(bucket)?.objects;
    this.release(objects === undefined ? object.cost : (objects.get(key)?.cost ?? 0));
    // The bucket may have been deleted while the body came in.
    this.objects(bucket).set(key, object);
  }

  remove(bucket: string, key: string): void {
    const objects = this.objects(bucket);
    this.release(objects.get(key)?.cost ?? 0);
    objects.delete(key);
  }

  dropUpload(id: string | undefined): void {
    for (const { cost } of this.upload(id).parts.values()) this.release(cost);
    this.release(OVERHEAD);
    this.uploads.delete(id ?? '');
  }
}
