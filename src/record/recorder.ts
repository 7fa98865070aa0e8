import { providerFor } from '../catalog/recognition.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { copyBody } from '../http/error-code.ts';
import { headerValue, isBodiless } from '../http/headers.ts';
import { type Folder, openFolder, reasonOf } from './folder.ts';
import { writeRule } from './rule-text.ts';
import { codeOf, isError, kindOf, type UpstreamError } from './upstream-error.ts';

/** Options of a recorder. */
export interface RecorderOptions {
  /** Provider of all errors; left out: it is recognised from each request. */
  readonly provider?: string | undefined;
  /** Files and folders that rules are read from. The folder must not be one of them. */
  readonly rules?: readonly string[];
  /** Rule files and bytes that the folder may have, with those of earlier runs; 1000 and 64 MiB if left out. */
  readonly mostRules?: number;
  readonly mostBytes?: number;
  /** Called once per period of trouble; left out: a warning of the process. */
  readonly warn?: (message: string) => void;
  /** Called with the result of each error. */
  readonly report?: (result: RecordResult) => void;
}

/**
 * Result of recording an error: `written`, `repeated` (one of its kind is written already), `full` (the folder is at its
 * limit), `dropped` (too many came at once), `failed` (it could not be written).
 */
export type RecordResult = 'written' | 'repeated' | 'full' | 'dropped' | 'failed';

/** Largest body that is recorded, in bytes. An answer with a larger one is recorded without its body. */
const LARGEST_BODY = 1024 ** 2;

/** Number of bodies that are copied at a time, and of errors that wait to be written. With the above it limits the memory. */
const MOST_AT_ONCE = 32;

/** Time in ms that closing waits for unwritten errors. */
const CLOSE_TIMEOUT = 1000;

/** Operations whose 200 may have an error as its body (AWS S3 API reference; for DeleteObjects in place of its result). */
const LATE_TO_FAIL = new Set(['CompleteMultipartUpload', 'CopyObject', 'UploadPartCopy', 'DeleteObjects']);

/** Opens a folder to record errors in, and creates it if it is missing. Rejects with the reason if it cannot. */
export async function openRecorder(path: string, options: RecorderOptions = {}): Promise<Recorder> {
  return new Recorder(await openFolder(path, options.rules ?? []), options);
}

/** Records errors of the upstream as rules that repeat them, one of each kind. Never makes traffic wait. */
export class Recorder {
  readonly #folder: Folder;
  readonly #provider: string | undefined;
  readonly #mostRules: number;
  readonly #mostBytes: number;
  readonly #warn: (message: string) => void;
  readonly #report: (result: RecordResult) => void;
  readonly #kinds = new Set<string>();
  #copies = 0;
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();
  #inTrouble = false;
  #hasDropped = false;
  #isFull = false;
  #isClosed = false;

  constructor(folder: Folder, options: RecorderOptions) {
    this.#folder = folder;
    this.#provider = options.provider;
    this.#mostRules = options.mostRules ?? 1000;
    this.#mostBytes = options.mostBytes ?? 64 * 1024 ** 2;
    this.#warn = options.warn ?? ((message) => process.emitWarning(message));
    this.#report = options.report ?? (() => {});
  }

  /** Records an answer of the upstream if it is an error, after its body has flowed to its reader. */
  watch(exchange: Exchange, answer: UpstreamAnswer): void {
    if (!mayBeError(exchange, answer)) return;
    const time = new Date();
    // A listener for data would make the body flow at once, but a fault may hold it back. So it waits for `resume`.
    answer.body.once('resume', () => {
      if (this.#copies >= MOST_AT_ONCE) {
        this.#reportDropped();
        return;
      }
      this.#copies += 1;
      answer.body.once('close', () => {
        this.#copies -= 1;
      });
      copyBody(answer.body, LARGEST_BODY, (body) => {
        // Later, so that the client's answer ends first.
        setImmediate(() => this.#take(this.#toError(exchange, answer, time, body)));
      });
    });
  }

  /** Waits for unwritten errors, a second at most. */
  async close(): Promise<void> {
    // An answer that ended in this turn of the event loop is taken in the next.
    await new Promise((resolve) => setImmediate(resolve));
    this.#isClosed = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT);
    });
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }

  #toError(exchange: Exchange, answer: UpstreamAnswer, time: Date, body: Buffer | undefined): UpstreamError {
    const { facts, request, injection } = exchange;
    return {
      facts,
      time,
      provider: providerFor(facts, this.#provider),
      requestHeaders: request.rawHeaders,
      status: answer.status,
      reason: answer.reason,
      headers: answer.rawHeaders,
      hasTrailers: answer.trailers().length > 0,
      body,
      injected: injection?.fault,
    };
  }

  #take(seen: UpstreamError): void {
    if (this.#isClosed || !isError(seen)) return;
    const kind = kindOf(seen);
    const { rules, bytes } = this.#folder;
    if (this.#kinds.has(kind)) this.#report('repeated');
    else if (rules + this.#waiting >= this.#mostRules || bytes >= this.#mostBytes) this.#reportFull();
    else if (this.#waiting >= MOST_AT_ONCE) this.#reportDropped();
    else this.#queue(seen, kind);
  }

  #queue(seen: UpstreamError, kind: string): void {
    this.#kinds.add(kind);
    this.#waiting += 1;
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#folder.add(nameOf(seen), (name) => writeRule(seen, name));
        this.#inTrouble = false;
        this.#report('written');
      } catch (error) {
        // The next error of this kind may be written.
        this.#kinds.delete(kind);
        this.#reportFailed(reasonOf(error));
      }
      this.#waiting -= 1;
    });
  }

  #reportFull(): void {
    this.#report('full');
    if (this.#isFull) return;
    this.#isFull = true;
    this.#warn(
      `"${this.#folder.path}" has as many recorded errors as it may have. those of other kinds are only counted from now on`,
    );
  }

  #reportDropped(): void {
    this.#report('dropped');
    if (this.#hasDropped) return;
    this.#hasDropped = true;
    this.#warn(
      `more errors came at once than are recorded, ${MOST_AT_ONCE}. those of kinds that do not come again are only counted`,
    );
  }

  #reportFailed(reason: string): void {
    this.#report('failed');
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#warn(
      `errors cannot be recorded in "${this.#folder.path}": ${reason}. they are only counted meanwhile`,
    );
  }
}

/** Tells whether an answer is an error, or may be one after its body has been read. */
function mayBeError({ facts, request }: Exchange, { status, rawHeaders }: UpstreamAnswer): boolean {
  // Another brownout in front of the upstream has injected it.
  if (headerValue(rawHeaders, 'x-brownout-rule') !== undefined) return false;
  if (status >= 300) return true;
  if (isBodiless(request.method, status)) return false;
  return status === 203 || (status === 200 && LATE_TO_FAIL.has(facts.operation));
}

/** Makes a file name without special characters: `2026-11-20T07-15-02Z-GetObject-404-NoSuchKey`. */
function nameOf(seen: UpstreamError): string {
  const { time, facts, status } = seen;
  const code = codeOf(seen);
  const second = time.toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
  const words = [second, facts.operation, status, ...(code === undefined ? [] : [code.slice(0, 60)])];
  return words.join('-').replace(/[^\w.-]/g, '-');
}
