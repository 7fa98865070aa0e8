import { counted, printable } from '../notation/text.ts';
import type { RequestFingerprint } from './fingerprint.ts';
import type { CountedGroup } from './rule-drafts.ts';

/** Reasons to omit faults: a rule for them would also fire on other requests, or it cannot be known whether it would. */
const REASONS = {
  collision: 'as no rule can ask for their requests and not for others of the run',
  cut: 'as the journal has only the beginning of such requests',
} as const;

/** Number of places that are named. */
const SHOWN = 3;

/** Collects the faults that no rule repeats. */
export class OmittedFaults {
  readonly #faults = { collision: 0, cut: 0 };
  readonly #places = { collision: new Set<string>(), cut: new Set<string>() };

  get count(): number {
    return this.#faults.collision + this.#faults.cut;
  }

  /** Adds the faults of a group. */
  add(reason: keyof typeof REASONS, { fingerprint, drafts }: CountedGroup): void {
    const count = drafts.reduce((sum, { first }) => sum + first, 0);
    if (count === 0) return;
    this.#faults[reason] += count;
    if (this.#places[reason].size <= SHOWN) this.#places[reason].add(describe(fingerprint));
  }

  /** Returns a sentence for each reason. */
  notes(): string[] {
    return (['collision', 'cut'] as const)
      .filter((reason) => this.#faults[reason] > 0)
      .map((reason) => {
        const count = this.#faults[reason];
        const places = [...this.#places[reason]];
        const more = places.length > SHOWN ? ', and others' : '';
        const are = `${counted(count, 'fault')} ${count === 1 ? 'is' : 'are'}`;
        return `${are} left out, ${REASONS[reason]}: ${places.slice(0, SHOWN).join(', ')}${more}`;
      });
  }
}

function describe({ operation, bucket, key, path = '' }: RequestFingerprint): string {
  const place = bucket === undefined ? path : key === undefined ? bucket : `${bucket}/${key}`;
  return printable(`${operation} ${place.length > 80 ? `${place.slice(0, 80)}…` : place}`);
}
