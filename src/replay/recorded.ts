import { z } from 'zod';
import { counted } from '../notation/text.ts';
import { operationSchema, providerSchema } from '../rules/rule-schema.ts';

/** What a replay goes by of an entry of a journal. */
export const recordedSchema = z
  .object({
    id: z.int().min(1),
    arrival: z.int().min(1),
    time: z.iso.datetime(),
    method: z.string(),
    target: z.string(),
    operation: operationSchema,
    bucket: z.string().optional(),
    key: z.string().optional(),
    part: z.int().min(0).optional(),
    range: z.string().optional(),
    accessKey: z.string().optional(),
    session: z.string().optional(),
    rule: z.string().optional(),
    outcome: z.string().optional(),
    fault: z.string().optional(),
    code: z.string().optional(),
    provider: providerSchema.optional(),
    settings: z
      .record(z.string(), z.unknown())
      .refine((settings) => !isDeeper(settings, DEEPEST), { error: 'nested too deep for a rule' })
      .optional(),
  })
  .refine(({ fault, provider, settings }) => fault === undefined || (provider && settings), {
    error: 'its fault is without "provider" and "settings", and so cannot be repeated',
  });

/** Maps and lists within each other; no fault has settings of more than a few. */
const DEEPEST = 50;

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}

/** An entry, as far as a replay goes by it. */
export type RecordedExchange = z.output<typeof recordedSchema>;

/** What is to be said of the whole of a recorded run, and whether all of it was recorded. */
export class RecordedRun {
  #exchanges = 0;
  #faults = 0;
  #ofSessions = 0;
  #refused = 0;
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;
  #lastId = 0;
  #missing = 0;
  /** Place of the latest arrival so far; and of the last one before the proxy was started for the last time. */
  #latest = 0;
  #before = 0;
  #starts = 1;
  #isShuffled = false;

  /** Takes an entry in, and gives its place in the order of arrival. */
  add({ id, arrival, time, fault, session, outcome }: RecordedExchange): number {
    const at = Date.parse(time);
    this.#followId(id, at);
    this.#exchanges += 1;
    this.#from = Math.min(this.#from, at);
    this.#to = Math.max(this.#to, at);
    if (outcome === 'refused') this.#refused += 1;
    if (fault !== undefined) {
      this.#faults += 1;
      if (session !== undefined) this.#ofSessions += 1;
    }
    const place = this.#before + arrival;
    this.#latest = Math.max(this.#latest, place);
    return place;
  }

  /** Exchanges are numbered as they end: a number left out is one that is missing, and one that is too low a new start. */
  #followId(id: number, at: number): void {
    if (id > this.#lastId) {
      this.#missing += id - this.#lastId - 1;
    } else if (at >= this.#to) {
      this.#starts += 1;
      this.#before = this.#latest;
      this.#missing += id - 1;
    } else {
      this.#isShuffled = true;
    }
    this.#lastId = id;
  }

  /** Lines of text; so many of the faults are left out of the rules. */
  summary(leftOut: number): string[] {
    if (this.#exchanges === 0) return ['Repeats nothing: the journal has no exchanges.'];
    const [from, to] = [this.#from, this.#to].map((at) => new Date(at).toISOString());
    return [
      `Repeats ${leftOut === 0 ? '' : `${this.#faults - leftOut} of `}${counted(this.#faults, 'fault')} of ${counted(this.#exchanges, 'exchange')} from ${from} to ${to}.`,
      'Of requests that are alike, "after: 2, first: 1" means the third, those not counted that an earlier rule takes.',
    ];
  }

  /** What may keep the rules from doing just what was done. */
  notes(): string[] {
    const notes: string[] = [];
    if (this.#isShuffled) {
      notes.push('the files were not given oldest first, or one was given twice: FILE.2 comes before FILE.1');
    } else if (this.#missing > 0) {
      const are = this.#missing === 1 ? 'is' : 'are';
      notes.push(
        `${counted(this.#missing, 'exchange')} of the run ${are} not in the journal, so "after" may be too low. give all files: FILE.2 FILE.1 FILE`,
      );
    }
    if (this.#starts > 1) {
      notes.push(`the proxy was started ${this.#starts} times; the rules repeat all of it as one run`);
    }
    if (this.#ofSessions > 0) {
      notes.push(
        `${counted(this.#ofSessions, 'fault')} came from the plans of sessions; the rules are for every request alike`,
      );
    }
    if (this.#refused > 0) {
      const requests = this.#refused === 1 ? '1 request was' : `${this.#refused} requests were`;
      notes.push(
        `${requests} refused the fault asked for by header, as happens again only with --allow-header-faults`,
      );
    }
    return notes;
  }
}
