import { CollisionCheck } from './collision-check.ts';
import { fingerprintOf, type RequestFingerprint, targetOf, targetsOf } from './fingerprint.ts';
import { OmittedFaults } from './omitted-faults.ts';
import { type RecordedExchange, RecordedRun } from './recorded.ts';
import {
  type CountedGroup,
  countedGroupsOf,
  type FaultGroup,
  mergeKeys,
  type RequestGroup,
  type RuleDraft,
} from './rule-drafts.ts';
import { notesOn, withoutFiles, writeRules } from './rule-file.ts';

/** A rule file, and what whoever uses it should know. */
interface ReplayRules {
  readonly text: string;
  /** The same, if it named no files beside it: these are not there yet. */
  readonly alone: string;
  readonly notes: readonly string[];
}

/**
 * Makes rules of a recorded run that inject the same faults into the same requests again. Of an entry it keeps 24 bytes,
 * and of those alike, once, what makes them so: a request that is unlike all others takes some 400 bytes.
 */
export class Replay {
  readonly #run = new RecordedRun();
  /** Place, fault and access key of each request in turn, by its likeness: objects would take several times the memory. */
  readonly #requests = new Map<string, number[]>();
  readonly #faults = new Numbers<FaultGroup>();
  readonly #accessKeys = new Numbers<string>();

  /** Takes an entry in. */
  add(entry: RecordedExchange): void {
    const place = this.#run.add(entry);
    const fault = this.#faults.of(injectedOf(entry));
    const accessKey = this.#accessKeys.of(entry.accessKey);
    const likeness = JSON.stringify(fingerprintOf(entry));
    const requests = this.#requests.get(likeness);
    if (requests) requests.push(place, fault, accessKey);
    else this.#requests.set(likeness, [place, fault, accessKey]);
  }

  /** The rules that repeat what has been taken in. */
  rules(): ReplayRules {
    const leftOut = new OmittedFaults();
    const rules = mergeKeys(this.#hits(leftOut)).sort((a, b) => a.level - b.level);
    const notes = [...this.#run.notes(), ...leftOut.notes(), ...notesOn(rules)];
    const head = [...this.#run.summary(leftOut.count), ...notes];
    return { text: writeRules(rules, head), alone: writeRules(withoutFiles(rules), head), notes };
  }

  /** What is to be hit by rules that fire on nothing else. */
  #hits(leftOut: OmittedFaults): RuleDraft[] {
    const shares = this.#shares();
    const others = new CollisionCheck(shares.map(({ share }) => share));
    if (others.areAsked) {
      for (const [text, numbers] of this.#requests) {
        others.see(JSON.parse(text), new Set(this.#requestsOf(numbers).map(({ accessKey }) => accessKey)));
      }
    }
    return shares.flatMap(({ share, isCut }) => {
      if (!isCut && !others.areMetBy(share)) return share.drafts;
      leftOut.add(isCut ? 'cut' : 'met', share);
      return [];
    });
  }

  /** What met a fault; and whether it, or what rules must tell it from, is in the journal only in part. */
  #shares(): { readonly share: CountedGroup; readonly isCut: boolean }[] {
    const siblings = new Map<string, RequestFingerprint[]>();
    const faulted: RequestGroup[] = [];
    for (const [text, numbers] of this.#requests) {
      if (!numbers.some((each, i) => i % 3 === 1 && each > 0)) continue;
      const likeness: RequestFingerprint = JSON.parse(text);
      faulted.push({ fingerprint: likeness, requests: this.#requestsOf(numbers) });
      siblings.set(targetOf(likeness), []);
    }
    for (const text of this.#requests.keys()) {
      const likeness: RequestFingerprint = JSON.parse(text);
      for (const place of targetsOf(likeness)) siblings.get(place)?.push(likeness);
    }
    return faulted.flatMap((alike) => {
      const beside = siblings.get(targetOf(alike.fingerprint)) ?? [];
      const isCut = beside.some((each) => each.isCut);
      return countedGroupsOf(alike, beside).map((share) => ({ share, isCut }));
    });
  }

  /** Makes requests of their numbers, in the order in which they came: a journal has the order in which they ended. */
  #requestsOf(numbers: readonly number[]): RequestGroup['requests'] {
    return Array.from({ length: numbers.length / 3 }, (_, i) => {
      const [place = 0, fault = 0, accessKey = 0] = numbers.slice(i * 3, i * 3 + 3);
      return {
        place,
        injected: this.#faults.values[fault - 1],
        accessKey: this.#accessKeys.values[accessKey - 1],
      };
    }).sort((a, b) => a.place - b.place);
  }
}

/** Numbers for values that texts stand for, from 1 on, so that each of them is kept once; 0 is none. */
class Numbers<Value> {
  readonly #numbers = new Map<string, number>();
  readonly values: Value[] = [];

  of(value: Value | undefined): number {
    if (value === undefined) return 0;
    const text = JSON.stringify(value);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.values.push(value);
    this.#numbers.set(text, this.values.length);
    return this.values.length;
  }
}

function injectedOf({ fault, code, provider = '', settings = {} }: RecordedExchange): FaultGroup | undefined {
  if (fault === undefined) return undefined;
  return { provider, title: code === undefined ? fault : `${fault} ${code}`, settings };
}
