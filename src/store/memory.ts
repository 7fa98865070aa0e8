import { formatSize } from '../units.ts';

/** An answer that is an error; `headers` go on it besides the usual ones. */
export class StoreError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Stored bytes, in the pieces they came in, so that completing a big upload copies nothing; `cost` is what they take of the cap. */
export interface Body {
  readonly chunks: readonly Buffer[];
  readonly size: number;
  readonly cost: number;
  readonly etag: string;
}

export interface StoredObject extends Body {
  /** Content-Type, user metadata and the like, given back as they came. */
  readonly headers: Readonly<Record<string, string>>;
  readonly modified: Date;
  readonly appendable: boolean;
}

export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Body & { readonly modified: Date }>;
}

/** Bytes charged for each bucket, object, upload and part on top of its content, or empty ones could grow without end. */
export const OVERHEAD = 512;

/** All that the store holds, and the cap on it in bytes. */
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

  /** The objects of a bucket; a bucket nobody created is made, as this is a stand-in. */
  open(name: string): Map<string, StoredObject> {
    const found = this.buckets.get(name)?.objects;
    if (found !== undefined) return found;
    this.reserve(OVERHEAD);
    const objects = new Map<string, StoredObject>();
    this.buckets.set(name, { created: new Date(), objects });
    return objects;
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

  /** Takes over an object whose cost is already reserved. */
  put(bucket: string, key: string, object: StoredObject): void {
    this.remove(bucket, key);
    try {
      this.open(bucket).set(key, object);
    } catch (error) {
      this.release(object.cost);
      throw error;
    }
  }

  remove(bucket: string, key: string): void {
    const objects = this.buckets.get(bucket)?.objects;
    this.release(objects?.get(key)?.cost ?? 0);
    objects?.delete(key);
  }

  upload(id: string | undefined): Upload {
    const found = this.uploads.get(id ?? '');
    if (found === undefined)
      throw new StoreError(404, 'NoSuchUpload', 'The specified multipart upload does not exist.');
    return found;
  }
}
