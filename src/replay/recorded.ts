import { z } from 'zod';
import { counted } from '../notation/text.ts';
import { operationSchema, providerSchema } from '../rules/rule-schema.ts';

/** Schema of the fields of a journal entry that a replay uses. */
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

/** Deepest nesting of maps and lists. The settings of faults have a few levels only. */
const DEEPEST = 50;

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}

/** Journal entry with the fields that a replay uses. */
export type RecordedExchange = z.output<typeof recordedSchema>;

/** Summary of a recorded run, with notes about what the journal lacks. */
export class RecordedRun {
  #exchanges = 0;
  #faults = 0;
  #sessionFaults = 0;
  #refused = 0;
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;
  #lastId = 0;
  #missing = 0;
  /** Place of the latest arrival so far. */
  #latest = 0;
  /** Place of the last arrival before the latest start of the proxy. */
  #latestBeforeStart = 0;
  #starts = 1;
  #isShuffled = false;

  /** Adds an entry. Returns its place in the order of arrival. */
  add({ id, arrival, time, fault, session, outcome }: RecordedExchange): number {
    const at = Date.parse(time);
    this.#checkId(id, at);
    this.#exchanges += 1;
    this.#from = Math.min(this.#from, at);
    this.#to = Math.max(this.#to, at);
    if (outcome === 'refused') this.#refused += 1;
    if (fault !== undefined) {
      this.#faults += 1;
      if (session !== undefined) this.#sessionFaults += 1;
    }
    const place = this.#latestBeforeStart + arrival;
    this.#latest = Math.max(this.#latest, place);
    return place;
  }

  /** Checks the id of the next entry. Ids count ended exchanges: a gap means missing entries, a lower id a new start. */
  #checkId(id: number, at: number): void {
    if (id > this.#lastId) {
      this.#missing += id - this.#lastId - 1;
    } else if (at >= this.#to) {
      this.#starts += 1;
      this.#latestBeforeStart = this.#latest;
      this.#missing += id - 1;
    } else {
      this.#isShuffled = true;
    }
    this.#lastId = id;
  }

  /**
   * Returns sentences about the run.
   * @param omitted number of faults that no rule repeats
   */
  summary(omitted: number): string[] {
    if (this.#exchanges === 0) return ['Repeats nothing: the journal has no exchanges.'];
    const [from, to] = [this.#from, this.#to].map((at) => new Date(at).toISOString());
    return [
      `Repeats ${omitted === 0 ? '' : `${this.#faults - omitted} of `}${counted(this.#faults, 'fault')} of ${counted(this.#exchanges, 'exchange')} from ${from} to ${to}.`,
      '"after: 2, first: 1" means the third of the requests that match. Requests on which an earlier rule fires do not count.',
    ];
  }

  /** Returns sentences about the reasons why the rules may not repeat the run exactly. */
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
    if (this.#sessionFaults > 0) {
      notes.push(
        `${counted(this.#sessionFaults, 'fault')} came from the plans of sessions; the rules apply to the requests of all clients`,
      );
    }
    if (this.#refused > 0) {
      const requests = this.#refused === 1 ? '1 request was' : `${this.#refused} requests were`;
      notes.push(
        `${requests} refused the fault that a header asked for; that happens again only with --allow-header-faults`,
      );
    }
    return notes;
  }
}
