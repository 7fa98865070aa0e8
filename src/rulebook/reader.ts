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

/** Where rules come from, and what holds for all of them. */
export interface ReaderOptions {
  /** Files and folders, or texts and objects. */
  readonly rules: readonly string[] | readonly RuleSource[];
  readonly seed: number | string | undefined;
  readonly provider: string | undefined;
}

/** Reads rules again and again: files as they are by then, and texts that come in meanwhile. */
export class RuleReader {
  readonly #options: ReaderOptions;
  // Drawn once: another reading must not change the dice of files that state no seed.
  readonly #runSeed = newSeed();
  #turn: Promise<void> = Promise.resolve();
  #last = '';
  #given = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /**
   * Reads the files and hands their rules over, or does no more if only news are wanted and they are as they were when
   * last read, whatever came of that; gives whether it went on. `names` are those that are taken by then. One reading
   * after the other: what was read first must not come into force last. Throws {@link BadRules}.
   */
  readFiles(names: () => Names, take: (set: RuleSet) => void, onlyNews: boolean): Promise<boolean> {
    const turn = this.#turn.then(async () => {
      const read = await this.#sources();
      const text = JSON.stringify(read);
      if (onlyNews && text === this.#last) return false;
      this.#last = text;
      take(rulesIn(this.#parse(read.sources, names()), read.diagnostics));
      return true;
    });
    this.#turn = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  /** Reads the rules of a rule file, given as a text or an object, which goes by a name of its own; throws {@link BadRules}. */
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

/** The rules that were loaded; throws {@link BadRules} if anything was wrong, `unread` included. */
function rulesIn(loaded: Loaded, unread: readonly Diagnostic[] = []): RuleSet {
  if ('ok' in loaded && unread.length === 0) return loaded.ok;
  throw new BadRules([...unread, ...('ok' in loaded ? [] : loaded.diagnostics)]);
}
