import { aboutFile, BadRules, type Diagnostic, UnknownRule } from '../diagnostics/diagnostic.ts';
import type { Names } from '../rules/compile.ts';
import { RuleSet } from '../rules/decide.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import { Counts } from '../rules/trigger.ts';
import { carryOverCounts, identified, type ReadRule } from './carry-over.ts';
import { type RuleEntry, type RuleOverride, ruleEntriesOf } from './entry.ts';
import { type ReaderOptions, RuleReader } from './reader.ts';

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
  readonly #reader: RuleReader;
  readonly #givenSeed: number | string | undefined;
  #files: readonly ReadRule[] = [];
  #added: readonly ReadRule[] = [];
  /** By what the rules are known by; those of rules that files have lost wait for them to come back. */
  #edits: ReadonlyMap<string, RuleOverride> = new Map();
  #fileSeeds: RuleSet['seeds'] = new Map();
  /** Overrides those of files and texts. */
  #seed: number | string | undefined;
  #pages: readonly RuleEntry[] = [];
  #set = new RuleSet([], new Map());
  #lastReload: Reload | undefined;
  readonly #subscribers = new Set<(reload: Reload) => void>();

  private constructor(options: ReaderOptions) {
    this.#reader = new RuleReader(options);
    this.#givenSeed = options.seed;
  }

  /** Reads the rules for the first time; throws {@link BadRules}. */
  static async open(options: ReaderOptions): Promise<RuleBook> {
    const book = new RuleBook(options);
    await book.#readFiles(false);
    return book;
  }

  /** The rules in force. */
  get set(): RuleSet {
    return this.#set;
  }

  /** Every rule, disabled ones too, in the order in which they are asked. */
  get entries(): readonly RuleEntry[] {
    return this.#pages;
  }

  /** The rules of files that were taken out, as their files have them. */
  get removed(): readonly Rule[] {
    return this.#files.filter(({ id }) => this.#edits.get(id)?.isRemoved).map(({ rule }) => rule);
  }

  /** The seed that overrides those of the files, if there is one. */
  get seed(): number | string | undefined {
    return this.#seed ?? this.#givenSeed;
  }

  /** What came of reading the rules again, once that was done. */
  get lastReload(): Reload | undefined {
    return this.#lastReload;
  }

  /** Calls back when the rules were read again, or could not be. Returns a function that unsubscribes. */
  subscribe(listener: (reload: Reload) => void): () => void {
    this.#subscribers.add(listener);
    return () => void this.#subscribers.delete(listener);
  }

  /** Reads the files again; what was changed since the start stays on top of them. Throws {@link BadRules}. */
  reload(): Promise<void> {
    return this.#readAgain(false);
  }

  /** Reads the files again, and does no more if they are as they were when last read. Throws {@link BadRules}. */
  refresh(): Promise<void> {
    return this.#readAgain(true);
  }

  /** Adds the rules of a rule file, given as a text or an object: they are asked after those added before, and before those of files. */
  add(given: string | RuleFile): readonly RuleEntry[] {
    const rules = this.#reader.readGiven(given, this.#names());
    this.#added = [...this.#added, ...rules.map((rule) => ({ id: rule.name, rule: this.#seeded(rule) }))];
    this.#change();
    return rules.map(({ name }) => this.entry(name));
  }

  /** Puts the one rule of a rule file, given as a text or an object, in the place of the rule of that name. Throws {@link UnknownRule}, {@link BadRules}. */
  replace(name: string, given: string | RuleFile): RuleEntry {
    const { id, origin, rule: before } = this.entry(name);
    const names = this.#names();
    names.delete(name);
    const rules = this.#reader.readGiven(given, names);
    const [rule] = rules;
    if (rule?.name !== name || rules.length > 1) {
      const message = `what replaces the rule "${name}" is one rule, of the same name`;
      throw new BadRules([aboutFile(rule?.file ?? name, 'bad-name', message)]);
    }
    const instead = carryOverCounts(this.#seeded(rule), before);
    if (origin !== 'added') this.#edit(id, { replacement: instead });
    else this.#added = this.#added.map((each) => (each.id === id ? { id, rule: instead } : each));
    this.#change();
    return this.entry(name);
  }

  /** Takes a rule out; one that stands in a file comes back with {@link reset}. Throws {@link UnknownRule}. */
  remove(name: string): void {
    const { id, origin } = this.entry(name);
    if (origin !== 'added') this.#edit(id, { isRemoved: true });
    else this.#added = this.#added.filter((each) => each.id !== id);
    this.#edit(id, { isDisabled: false });
    this.#change();
  }

  /** Puts a rule in force or out of it. Throws {@link UnknownRule}. */
  enable(name: string, enabled: boolean): RuleEntry {
    this.#edit(this.entry(name).id, { isDisabled: !enabled });
    this.#change();
    return this.entry(name);
  }

  /** The rule of that name; throws {@link UnknownRule}. */
  entry(name: string): RuleEntry {
    const entry = this.#pages.find(({ rule }) => rule.name === name);
    if (entry) return entry;
    throw new UnknownRule(
      name,
      this.#pages.map(({ rule }) => rule.name),
    );
  }

  /** Gives all rules another seed and begins all counts anew, so that the same requests meet the same faults again. */
  reseed(seed: number | string): void {
    this.#seed = seed;
    this.#begin();
  }

  /** Undoes every change since the start, to the seed and the rules, and begins all counts anew. */
  reset(): void {
    this.#seed = undefined;
    this.#added = [];
    this.#edits = new Map();
    this.#begin();
  }

  #edit(id: string, edit: RuleOverride): void {
    this.#edits = new Map(this.#edits).set(id, { ...this.#edits.get(id), ...edit });
  }

  /** Names that are taken, and where. */
  #names(entries: readonly RuleEntry[] = this.#pages): Names {
    return new Map(entries.map(({ rule }) => [rule.name, rule.place]));
  }

  async #readAgain(onlyNews: boolean): Promise<void> {
    const read = await this.#readFiles(onlyNews).catch((error: unknown) => {
      if (error instanceof BadRules) return error;
      throw error;
    });
    if (read === false) return;
    const diagnostics = read === true ? [] : read.diagnostics;
    this.#lastReload = { time: new Date().toISOString(), diagnostics };
    for (const subscriber of this.#subscribers) subscriber(this.#lastReload);
    if (read !== true) throw read;
  }

  #readFiles(onlyNews: boolean): Promise<boolean> {
    // A rule that was taken out leaves its name to one that was added.
    const added = () =>
      this.#pages.filter(({ id, origin }) => origin === 'added' && !this.#edits.get(id)?.isRemoved);
    return this.#reader.readFiles(
      () => this.#names(added()),
      ({ rules, seeds }) => {
        const before = new Map(this.#files.map(({ id, rule }) => [id, rule]));
        this.#fileSeeds = seeds;
        this.#files = identified(rules).map(({ id, rule }) => ({
          id,
          rule: carryOverCounts(this.#seeded(rule), before.get(id)),
        }));
        this.#change();
      },
      onlyNews,
    );
  }

  #seeded(rule: Rule): Rule {
    const seed = this.#seed ?? rule.seed;
    return seed === rule.trigger.seed ? rule : { ...rule, trigger: { ...rule.trigger, seed } };
  }

  /** Begins all counts anew, with the seed that holds now. */
  #begin(): void {
    const now = performance.now();
    const anew = (rule: Rule): Rule => ({ ...this.#seeded(rule), counts: new Counts(now) });
    const all = (read: readonly ReadRule[]) => read.map(({ id, rule }) => ({ id, rule: anew(rule) }));
    this.#files = all(this.#files);
    this.#added = all(this.#added);
    this.#edits = new Map(
      [...this.#edits].map(([id, edit]) => [
        id,
        edit.replacement ? { ...edit, replacement: anew(edit.replacement) } : edit,
      ]),
    );
    this.#set = new RuleSet([], new Map(), this.#set);
    this.#change();
  }

  #change(): void {
    this.#pages = ruleEntriesOf(this.#added, this.#files, this.#edits);
    const inForce = this.#pages.filter(({ enabled }) => enabled).map(({ rule }) => rule);
    const files = [...this.#fileSeeds].map(([file, seed]): [string, number | string] => [
      file,
      this.#seed ?? seed,
    ]);
    const seeds = new Map([
      ...files,
      ...this.#pages.map(({ rule }) => [rule.file, rule.trigger.seed] as const),
    ]);
    this.#set = new RuleSet(inForce, seeds, this.#set);
  }
}
