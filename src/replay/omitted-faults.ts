import { counted, printable } from '../notation/text.ts';
import type { RequestFingerprint } from './fingerprint.ts';
import type { CountedGroup } from './rule-drafts.ts';

/** Why faults are left out of rules: a rule for them would fire on other requests as well, or nobody knows. */
const REASONS = {
  met: 'as no rule can ask for their requests and not for others of the run',
  cut: 'as the journal has only the beginning of such requests',
} as const;

/** How many places are named. */
const SHOWN = 3;

/** Faults that no rule repeats. */
export class OmittedFaults {
  readonly #faults = { met: 0, cut: 0 };
  readonly #places = { met: new Set<string>(), cut: new Set<string>() };

  get count(): number {
    return this.#faults.met + this.#faults.cut;
  }

  /** Takes in that the faults of a share are left out. */
  add(reason: keyof typeof REASONS, { fingerprint: likeness, drafts: hits }: CountedGroup): void {
    const count = hits.reduce((sum, { first }) => sum + first, 0);
    if (count === 0) return;
    this.#faults[reason] += count;
    if (this.#places[reason].size <= SHOWN) this.#places[reason].add(describe(likeness));
  }

  /** Lines of text, one for each reason. */
  notes(): string[] {
    return (['met', 'cut'] as const)
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
