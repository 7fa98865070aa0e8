import { newSeed } from './random.ts';
import type { Names } from './rules/compile.ts';
import { type Changes, compose, heirOf, type Page, sourceOf, unchanged } from './rules/compose.ts';
import { RuleSet } from './rules/decide.ts';
import { BadRules, type Diagnostic, type Source } from './rules/diagnose.ts';
import { readSources } from './rules/files.ts';
import { parseRules } from './rules/load.ts';
import { didYouMean } from './rules/suggest.ts';

/** Thrown where a rule is named that there is not. */
export class UnknownRule extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`there is no rule "${name}"${didYouMean(name, known)}`);
    this.name = 'UnknownRule';
  }
}

/** Where rules come from, and what holds for all of them. */
interface RuleOptions {
  /** Files and folders, or texts. */
  readonly rules: readonly string[] | readonly Source[];
  readonly seed: number | string | undefined;
  readonly provider: string | undefined;
}

/** What came of reading the rules again. */
export interface Reload {
  /** When, ISO 8601. */
  readonly time: string;
  /** What was wrong with them; empty if they are in force. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The rules of a running proxy: those of its files, and what was changed of them since. Each change makes a new set,
 * which takes the place of the old one whole; one that is refused throws and changes nothing.
 */
export class RuleBook {
  readonly #options: RuleOptions;
  // Drawn once: a reload must not change the dice of files that state no seed.
  readonly #runSeed = newSeed();
  #state: Changes;
  #pages: readonly Page[] = [];
  #set = new RuleSet([], new Map());
  #reading: Promise<void> = Promise.resolve();
  #lastRead = '';
  #lastReload: Reload | undefined;
  #texts = 0;
  /** Called with each set that comes into force. */
  onChange: (set: RuleSet) => void = () => {};
  /** Called when the rules were read again, or should have been. */
  onReload: (reload: Reload) => void = () => {};

  private constructor(options: RuleOptions) {
    this.#options = options;
    this.#state = unchanged([], options.seed);
  }

  /** Reads the rules for the first time; throws {@link BadRules}. */
  static async open(options: RuleOptions): Promise<RuleBook> {
    const book = new RuleBook(options);
    await book.#readFiles();
    return book;
  }

  /** The rules in force. */
  get set(): RuleSet {
    return this.#set;
  }

  /** Every rule, disabled ones too, in the order in which they are asked. */
  get pages(): readonly Page[] {
    return this.#pages;
  }

  /** The seed that overrides those of the files, if there is one. */
  get seed(): number | string | undefined {
    return this.#state.seed;
  }

  /** What came of reading the rules again, once that was done. */
  get lastReload(): Reload | undefined {
    return this.#lastReload;
  }

  /** Reads the files again; what was changed since the start stays on top of them. Throws {@link BadRules}. */
  async reload(): Promise<void> {
    try {
      await this.#readFiles();
      this.#reloaded([]);
    } catch (error) {
      if (error instanceof BadRules) this.#reloaded(error.diagnostics);
      throw error;
    }
  }

  /** Reads the files again, and does no more if they are as they were when last read. Throws {@link BadRules}. */
  async refresh(): Promise<void> {
    const read = await this.#read();
    // Not what it was before: somebody else may have had them read meanwhile.
    if (JSON.stringify(read) !== this.#lastRead) await this.reload();
  }

  /** Adds the rules of a rule file's text: they are asked after those added before, and before those of files. */
  add(text: string): readonly Page[] {
    const texts = this.#parse(text, this.#names());
    this.#change({ added: new Map([...this.#state.added, ...texts]) });
    return [...texts.keys()].map((name) => this.page(name));
  }

  /** Puts the one rule of a rule file's text in the place of the rule of that name. Throws {@link UnknownRule}, {@link BadRules}. */
  replace(name: string, text: string): Page {
    const { origin } = this.page(name);
    const names = this.#names();
    names.delete(name);
    const texts = this.#parse(text, names);
    if (texts.size !== 1 || !texts.has(name)) {
      const message = `what replaces the rule "${name}" is one rule, of the same name`;
      throw new BadRules([{ file: `added-${this.#texts}`, place: undefined, message, excerpt: [] }]);
    }
    const kind = origin === 'added' ? 'added' : 'replaced';
    this.#change({ [kind]: new Map([...this.#state[kind], ...texts]) });
    return this.page(name);
  }

  /** Takes a rule out; one that stands in a file comes back with {@link reset}. Throws {@link UnknownRule}. */
  remove(name: string): void {
    const { origin } = this.page(name);
    const { added, removed, disabled } = this.#state;
    const left = { disabled: new Set([...disabled].filter((each) => each !== name)) };
    if (origin !== 'added') this.#change({ ...left, removed: new Set(removed).add(name) });
    else this.#change({ ...left, added: new Map([...added].filter(([each]) => each !== name)) });
  }

  /** Puts a rule in force or out of it. Throws {@link UnknownRule}. */
  enable(name: string, enabled: boolean): Page {
    this.page(name);
    const disabled = new Set(this.#state.disabled);
    if (enabled) disabled.delete(name);
    else disabled.add(name);
    this.#change({ disabled });
    return this.page(name);
  }

  /** The rule of that name; throws {@link UnknownRule}. */
  page(name: string): Page {
    const page = this.#pages.find(({ rule }) => rule.name === name);
    if (page) return page;
    throw new UnknownRule(
      name,
      this.#pages.map(({ rule }) => rule.name),
    );
  }

  /** Gives all rules another seed and begins all counts anew, so that the same requests meet the same faults again. */
  reseed(seed: number | string): void {
    this.#change({ seed }, []);
  }

  /** Undoes every change since the start, to the seed and the rules, and begins all counts anew. */
  reset(): void {
    this.#change(unchanged(this.#state.files, this.#options.seed), []);
  }

  /** Names that are taken, and where. */
  #names(): Names {
    return new Map(this.#pages.map(({ rule }) => [rule.name, `${rule.file}:${rule.line}`]));
  }

  /** A text for each rule of a text, by name. */
  #parse(text: string, names: Names): ReadonlyMap<string, Source> {
    this.#texts += 1;
    const { provider } = this.#options;
    const options = { provider, runSeed: this.#runSeed };
    const loaded = parseRules([{ name: `added-${this.#texts}`, text }], options, names);
    if ('diagnostics' in loaded) throw new BadRules(loaded.diagnostics);
    const { rules, seeds } = loaded.ok;
    return new Map(rules.map((rule) => [rule.name, sourceOf(rule, seeds.get(rule.file))]));
  }

  async #read(): Promise<{ sources: readonly Source[]; diagnostics: readonly Diagnostic[] }> {
    const paths = this.#options.rules.filter((each) => typeof each === 'string');
    const sources = this.#options.rules.filter((each) => typeof each !== 'string');
    return sources.length > 0 ? { sources, diagnostics: [] } : readSources(paths);
  }

  /** One after the other: what was read first must not come into force last. */
  #readFiles(): Promise<void> {
    this.#reading = this.#reading
      .catch(() => {})
      .then(async () => {
        const read = await this.#read();
        this.#lastRead = JSON.stringify(read);
        this.#change({ files: read.sources }, this.#pages, read.diagnostics);
      });
    return this.#reading;
  }

  #reloaded(diagnostics: readonly Diagnostic[]): void {
    this.#lastReload = { time: new Date().toISOString(), diagnostics };
    this.onReload(this.#lastReload);
  }

  /** @param before the rules whose counts go on where their text stays the same */
  #change(change: Partial<Changes>, before = this.#pages, unread: readonly Diagnostic[] = []): void {
    const state = { ...this.#state, ...change };
    const { provider } = this.#options;
    const { pages, seeds } = compose(state, { provider, runSeed: this.#runSeed }, unread);
    const known = new Map(before.map(({ rule }) => [rule.name, rule]));
    this.#state = state;
    this.#pages = pages.map((page) => ({ ...page, rule: heirOf(page.rule, known.get(page.rule.name)) }));
    const inForce = this.#pages.filter(({ enabled }) => enabled).map(({ rule }) => rule);
    this.#set = new RuleSet(inForce, seeds, before.length > 0 ? this.#set : undefined);
    this.onChange(this.#set);
  }
}
