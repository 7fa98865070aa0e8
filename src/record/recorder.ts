import { providerFor } from '../catalog/recognition.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { copyBody } from '../http/error-code.ts';
import { headerValue, isBodiless } from '../http/headers.ts';
import { type Folder, openFolder, reasonOf } from './folder.ts';
import { writeRule } from './rule-text.ts';
import { codeOf, isError, kindOf, type UpstreamError } from './upstream-error.ts';

/** How errors are recorded. */
export interface RecorderOptions {
  /** Provider of all of them; left out: told from each request. */
  readonly provider?: string | undefined;
  /** Files and folders that rules are read from, none of which may be the folder. */
  readonly rules?: readonly string[];
  /** Rule files and bytes that the folder may have, with those of earlier runs; 1000 and 64 MiB if left out. */
  readonly mostRules?: number;
  readonly mostBytes?: number;
  /** Told of trouble, once per stretch of it; left out: a warning of the process. */
  readonly warn?: (message: string) => void;
  /** Told what became of each error. */
  readonly report?: (result: RecordResult) => void;
}

/**
 * What became of an error: `written`, `repeated` (one of its kind is written already), `full` (the folder has all it
 * may have), `dropped` (too many came at once), `failed` (it could not be written).
 */
export type RecordResult = 'written' | 'repeated' | 'full' | 'dropped' | 'failed';

/** Bytes of a body that is kept; of an answer with a larger one the head is. */
const LARGEST_BODY = 1024 ** 2;

/** Bodies that are copied at a time, and errors that wait to be written: with the above, what is held in memory. */
const MOST_AT_ONCE = 32;

/** ms that closing waits for what is still to be written. */
const PATIENCE = 1000;

/** Operations whose 200 may turn out to be an error (AWS S3 API reference; of DeleteObjects an error in the place of its result). */
const LATE_TO_FAIL = new Set(['CompleteMultipartUpload', 'CopyObject', 'UploadPartCopy', 'DeleteObjects']);

/** Opens a folder to record errors in, made if it is missing; throws an Error with a sentence if that cannot be. */
export async function openRecorder(path: string, options: RecorderOptions = {}): Promise<Recorder> {
  return new Recorder(await openFolder(path, options.rules ?? []), options);
}

/** Writes the errors of the upstream down as rules that give them again: one of each kind, and keeps no traffic waiting. */
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

  /** Records an answer of the upstream, if it is an error, when its body has been read by whoever reads it. */
  watch(exchange: Exchange, answer: UpstreamAnswer): void {
    if (!mayBeError(exchange, answer)) return;
    const time = new Date();
    // To listen for data is to make it flow, while a fault may still hold the body back.
    answer.body.once('resume', () => {
      if (this.#copies >= MOST_AT_ONCE) {
        this.#sayDropped();
        return;
      }
      this.#copies += 1;
      answer.body.once('close', () => {
        this.#copies -= 1;
      });
      copyBody(answer.body, LARGEST_BODY, (body) => {
        // The client's answer ends first.
        setImmediate(() => this.#take(this.#seen(exchange, answer, time, body)));
      });
    });
  }

  /** Waits for what is still to be written, a second at most. */
  async close(): Promise<void> {
    // What has ended in this turn is taken in the next.
    await new Promise((resolve) => setImmediate(resolve));
    this.#isClosed = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE);
    });
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }

  #seen(exchange: Exchange, answer: UpstreamAnswer, time: Date, body: Buffer | undefined): UpstreamError {
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
    else if (rules + this.#waiting >= this.#mostRules || bytes >= this.#mostBytes) this.#sayFull();
    else if (this.#waiting >= MOST_AT_ONCE) this.#sayDropped();
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
        // The next of its kind may have more luck.
        this.#kinds.delete(kind);
        this.#sayTrouble(reasonOf(error));
      }
      this.#waiting -= 1;
    });
  }

  #sayFull(): void {
    this.#report('full');
    if (this.#isFull) return;
    this.#isFull = true;
    this.#warn(
      `"${this.#folder.path}" has as many recorded errors as it may have. those of other kinds are only counted from now on`,
    );
  }

  #sayDropped(): void {
    this.#report('dropped');
    if (this.#hasDropped) return;
    this.#hasDropped = true;
    this.#warn(
      `more errors came at once than are recorded, ${MOST_AT_ONCE}. those of kinds that do not come again are only counted`,
    );
  }

  #sayTrouble(why: string): void {
    this.#report('failed');
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#warn(
      `errors cannot be recorded in "${this.#folder.path}": ${why}. they are only counted meanwhile`,
    );
  }
}

/** Whether an answer is an error, or may turn out to be one when its body has been read. */
function mayBeError({ facts, request }: Exchange, { status, rawHeaders }: UpstreamAnswer): boolean {
  // Another brownout on the way has injected it.
  if (headerValue(rawHeaders, 'x-brownout-rule') !== undefined) return false;
  if (status >= 300) return true;
  if (isBodiless(request.method, status)) return false;
  return status === 203 || (status === 200 && LATE_TO_FAIL.has(facts.operation));
}

/** `2026-11-20T07-15-02Z-GetObject-404-NoSuchKey`: nothing in it leads out of the folder, or is more than a name. */
function nameOf(seen: UpstreamError): string {
  const { time, facts, status } = seen;
  const code = codeOf(seen);
  const second = time.toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
  const words = [second, facts.operation, status, ...(code === undefined ? [] : [code.slice(0, 60)])];
  return words.join('-').replace(/[^\w.-]/g, '-');
}
