import type { RuleFile } from '../rules/rule-schema.ts';
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
import { notesOn, ruleFileOf, withoutFiles, writeRules } from './rule-file.ts';

/** Rule file that repeats a run, with notes for its user. */
interface ReplayRules {
  readonly text: string;
  /** The same rules as an object, without the files that they name, which may not exist here: for a check of the rules. */
  readonly withoutFiles: RuleFile;
  readonly notes: readonly string[];
}

/**
 * Makes rules that inject the faults of a recorded run into the same requests again. It keeps 24 bytes per entry, and each
 * fingerprint once: a request that is unlike all others takes some 400 bytes.
 */
export class Replay {
  readonly #run = new RecordedRun();
  /** Place, fault and access key of each request in turn, by fingerprint. Objects would take several times the memory. */
  readonly #requests = new Map<string, number[]>();
  readonly #faults = new Numbers<FaultGroup>();
  readonly #accessKeys = new Numbers<string>();

  /** Adds an entry of the journal. */
  add(entry: RecordedExchange): void {
    const place = this.#run.add(entry);
    const fault = this.#faults.of(faultGroupOf(entry));
    const accessKey = this.#accessKeys.of(entry.accessKey);
    const fingerprint = JSON.stringify(fingerprintOf(entry));
    const requests = this.#requests.get(fingerprint);
    if (requests) requests.push(place, fault, accessKey);
    else this.#requests.set(fingerprint, [place, fault, accessKey]);
  }

  /** Returns the rules that repeat the run so far. */
  rules(): ReplayRules {
    const omitted = new OmittedFaults();
    const rules = mergeKeys(this.#drafts(omitted)).sort((a, b) => a.level - b.level);
    const notes = [...this.#run.notes(), ...omitted.notes(), ...notesOn(rules)];
    const head = [...this.#run.summary(omitted.count), ...notes];
    return { text: writeRules(rules, head), withoutFiles: ruleFileOf(withoutFiles(rules)), notes };
  }

  /** Drafts the rules that fire on no other request of the run. */
  #drafts(omitted: OmittedFaults): RuleDraft[] {
    const groups = this.#groups();
    const collisions = new CollisionCheck(groups.map(({ group }) => group));
    if (collisions.isNeeded) {
      for (const [text, numbers] of this.#requests) {
        collisions.check(
          JSON.parse(text),
          new Set(this.#requestsOf(numbers).map(({ accessKey }) => accessKey)),
        );
      }
    }
    return groups.flatMap(({ group, isCut }) => {
      if (!isCut && !collisions.collides(group)) return group.drafts;
      omitted.add(isCut ? 'cut' : 'collision', group);
      return [];
    });
  }

  /** Groups the requests that met a fault. `isCut`: the journal has only a part of them, or of requests with the same target. */
  #groups(): { readonly group: CountedGroup; readonly isCut: boolean }[] {
    const siblings = new Map<string, RequestFingerprint[]>();
    const faulted: RequestGroup[] = [];
    for (const [text, numbers] of this.#requests) {
      if (!numbers.some((each, i) => i % 3 === 1 && each > 0)) continue;
      const fingerprint: RequestFingerprint = JSON.parse(text);
      faulted.push({ fingerprint: fingerprint, requests: this.#requestsOf(numbers) });
      siblings.set(targetOf(fingerprint), []);
    }
    for (const text of this.#requests.keys()) {
      const fingerprint: RequestFingerprint = JSON.parse(text);
      for (const place of targetsOf(fingerprint)) siblings.get(place)?.push(fingerprint);
    }
    return faulted.flatMap((requestGroup) => {
      const groupSiblings = siblings.get(targetOf(requestGroup.fingerprint)) ?? [];
      const isCut = groupSiblings.some((each) => each.isCut);
      return countedGroupsOf(requestGroup, groupSiblings).map((group) => ({ group: group, isCut }));
    });
  }

  /** Makes requests of their numbers, in the order of arrival. A journal has the order in which they ended. */
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

/** Numbers values from 1, so that each value is kept once. The number of no value is 0. */
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

function faultGroupOf({
  fault,
  code,
  provider = '',
  settings = {},
}: RecordedExchange): FaultGroup | undefined {
  if (fault === undefined) return undefined;
  return { provider, title: code === undefined ? fault : `${fault} ${code}`, settings };
}
