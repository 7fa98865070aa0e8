import { CHOOSING } from '../request/facts.ts';
import { parseQuery, splitTarget } from '../request/target.ts';
import { type Alike, hitsOf, type Injected, type Likeness, mergeKeys } from './hits.ts';
import { type Recorded, Run } from './recorded.ts';
import { notesOn, writeRules } from './write.ts';

/** A rule file, and what whoever uses it should know. */
interface ReplayRules {
  readonly text: string;
  readonly notes: readonly string[];
}

/**
 * Makes rules of a recorded run that inject the same faults into the same requests again. Of an entry it keeps 24 bytes,
 * and of those alike, once, what makes them so: a request that is unlike all others takes some 400 bytes.
 */
export class Replay {
  readonly #run = new Run();
  /** Place, fault and access key of each request in turn, by its likeness: objects would take several times the memory. */
  readonly #requests = new Map<string, number[]>();
  readonly #faults = new Numbers();
  readonly #accessKeys = new Numbers();

  /** Takes an entry in. */
  add(entry: Recorded): void {
    const place = this.#run.add(entry);
    const fault = this.#faults.of(faultOf(entry));
    const accessKey = this.#accessKeys.of(entry.accessKey);
    const likeness = JSON.stringify(likenessOf(entry));
    const requests = this.#requests.get(likeness);
    if (requests) requests.push(place, fault, accessKey);
    else this.#requests.set(likeness, [place, fault, accessKey]);
  }

  /** The rules that repeat what has been taken in. */
  rules(): ReplayRules {
    const hits = this.#faulted().flatMap((siblings) => siblings.flatMap((alike) => hitsOf(alike, siblings)));
    const rules = mergeKeys(hits).sort((a, b) => a.level - b.level);
    const notes = [...this.#run.notes(), ...notesOn(rules)];
    return { text: writeRules(rules, [...this.#run.summary(), ...notes]), notes };
  }

  /** What met a fault, and beside it what rules must tell it from. */
  #faulted(): Alike[][] {
    const groups = new Map<string, Alike[]>();
    for (const [text, numbers] of this.#requests) {
      if (numbers.some((each, i) => i % 3 === 1 && each > 0)) groups.set(placeOf(JSON.parse(text)), []);
    }
    const unpack = this.#unpacker();
    for (const [text, numbers] of this.#requests) {
      const likeness: Likeness = JSON.parse(text);
      groups.get(placeOf(likeness))?.push({ likeness, requests: unpack(numbers) });
    }
    return [...groups.values()];
  }

  /** Makes requests of their numbers, in the order in which they came: a journal has the order in which they ended. */
  #unpacker(): (numbers: readonly number[]) => Alike['requests'] {
    const faults = this.#faults.texts.map((text): Injected => JSON.parse(text));
    const accessKeys = this.#accessKeys.texts;
    return (numbers) =>
      Array.from({ length: numbers.length / 3 }, (_, i) => {
        const [place = 0, fault = 0, accessKey = 0] = numbers.slice(i * 3, i * 3 + 3);
        return { place, injected: faults[fault - 1], accessKey: accessKeys[accessKey - 1] };
      }).sort((a, b) => a.place - b.place);
  }
}

/** Numbers for texts, from 1 on, so that each of them is kept once; 0 is no text. */
class Numbers {
  readonly #numbers = new Map<string, number>();

  of(text: string | undefined): number {
    if (text === undefined) return 0;
    const number = this.#numbers.get(text) ?? this.#numbers.size + 1;
    this.#numbers.set(text, number);
    return number;
  }

  get texts(): string[] {
    return [...this.#numbers.keys()];
  }
}

function faultOf({ fault, code, provider, settings }: Recorded): string | undefined {
  if (fault === undefined) return undefined;
  return JSON.stringify({ provider, title: code === undefined ? fault : `${fault} ${code}`, settings });
}

function likenessOf({ operation, bucket, key, part, method, range, target }: Recorded) {
  const query = parseQuery(splitTarget(target).query);
  const chosen = Object.fromEntries(
    CHOOSING.flatMap((name) => (query.has(name) ? [[name, query.get(name)]] : [])),
  );
  return { operation, bucket, key, part, method, range, chosen };
}

function placeOf({ operation, bucket, key }: Likeness): string {
  return JSON.stringify([operation, bucket, key]);
}
