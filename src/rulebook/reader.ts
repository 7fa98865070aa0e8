import { BadRules, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { valueSource } from '../diagnostics/plain-value.ts';
import type { RuleSource } from '../diagnostics/source.ts';
import type { Names } from '../rules/compile.ts';
import type { RuleSet } from '../rules/decide.ts';
import { newSeed } from '../rules/dice.ts';
import { readSources } from '../rules/files.ts';
import { type Loaded, parseRules } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleFile } from '../rules/rule-schema.ts';

/** Sources of rules, and options for all of them. */
export interface ReaderOptions {
  /** Files and folders, or texts and objects. */
  readonly rules: readonly string[] | readonly RuleSource[];
  readonly seed: number | string | undefined;
  readonly provider: string | undefined;
}

/** Reader of rules: it reads files again at each call, and rules that are given while the proxy runs. */
export class RuleReader {
  readonly #options: ReaderOptions;
  // Drawn once: a reload must not change the dice of files that state no seed.
  readonly #runSeed = newSeed();
  #lastReading: Promise<void> = Promise.resolve();
  #last = '';
  #given = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /**
   * Reads the files and calls `take` with their rules. With `onlyIfChanged` it does nothing if the files have not changed
   * since the last reading, even if that one failed. Resolves with true if it called `take`. `names` returns the taken
   * names. Readings come one after the other, so that an older one never replaces a newer one. Throws {@link BadRules}.
   */
  readFiles(names: () => Names, take: (set: RuleSet) => void, onlyIfChanged: boolean): Promise<boolean> {
    const reading = this.#lastReading.then(async () => {
      const read = await this.#sources();
      const text = JSON.stringify(read);
      if (onlyIfChanged && text === this.#last) return false;
      this.#last = text;
      take(rulesIn(this.#parse(read.sources, names()), read.diagnostics));
      return true;
    });
    this.#lastReading = reading.then(
      () => {},
      () => {},
    );
    return reading;
  }

  /** Reads the rules of a rule file that is given as a text or an object, and gives it a name; throws {@link BadRules}. */
  readGiven(given: string | RuleFile, names: Names): readonly Rule[] {
    this.#given += 1;
    const name = `added-${this.#given}`;
    const source = typeof given === 'string' ? { name, text: given } : valueSource(name, given);
    return rulesIn(this.#parse([source], names)).rules;
  }

  async #sources(): Promise<{ sources: readonly RuleSource[]; diagnostics: readonly Diagnostic[] }> {
    const paths = this.#options.rules.filter((each) => typeof each === 'string');
    const sources = this.#options.rules.filter((each) => typeof each !== 'string');
    return sources.length > 0 ? { sources, diagnostics: [] } : readSources(paths);
  }

  #parse(sources: readonly RuleSource[], names: Names): Loaded {
    const { seed, provider } = this.#options;
    return parseRules(sources, { seed, provider, runSeed: this.#runSeed }, names);
  }
}

/** Returns the loaded rules; throws {@link BadRules} if there are any problems, `unread` included. */
function rulesIn(loaded: Loaded, unread: readonly Diagnostic[] = []): RuleSet {
  if ('ok' in loaded && unread.length === 0) return loaded.ok;
  throw new BadRules([...unread, ...('ok' in loaded ? [] : loaded.diagnostics)]);
}
