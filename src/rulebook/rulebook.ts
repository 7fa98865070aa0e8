import { aboutFile, BadRules, type Diagnostic, UnknownRule } from '../diagnostics/diagnostic.ts';
import type { Names } from '../rules/compile.ts';
import { RuleSet } from '../rules/decide.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import { Counts } from '../rules/trigger.ts';
import { carryOverCounts, type ReadRule, withIds } from './carry-over.ts';
import { type RuleEntry, type RuleOverride, ruleEntriesOf } from './entry.ts';
import { type ReaderOptions, RuleReader } from './reader.ts';

/** Result of reading the rules again. */
export interface Reload {
  /** Time, ISO 8601. */
  readonly time: string;
  /** Problems of the rules; empty if the rules are in force. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Rules of a running proxy: those of its files, and the changes since. Each change makes a new set, which replaces the
 * old one as a whole. A refused change throws and changes nothing.
 */
export class RuleBook {
  readonly #reader: RuleReader;
  readonly #givenSeed: number | string | undefined;
  #files: readonly ReadRule[] = [];
  #added: readonly ReadRule[] = [];
  /** Changes by the id of their rule. Those of a rule that its file has lost wait until it comes back. */
  #edits: ReadonlyMap<string, RuleOverride> = new Map();
  #fileSeeds: RuleSet['seeds'] = new Map();
  /** Seed that overrides those of files and texts. */
  #seed: number | string | undefined;
  #entries: readonly RuleEntry[] = [];
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

  /** Rules in force. */
  get set(): RuleSet {
    return this.#set;
  }

  /** All rules, disabled ones too, in the order in which they are asked. */
  get entries(): readonly RuleEntry[] {
    return this.#entries;
  }

  /** Removed rules of files, as their files have them. */
  get removed(): readonly Rule[] {
    return this.#files.filter(({ id }) => this.#edits.get(id)?.isRemoved).map(({ rule }) => rule);
  }

  /** Seed that overrides those of the files, if there is one. */
  get seed(): number | string | undefined {
    return this.#seed ?? this.#givenSeed;
  }

  /** Result of the last time that the rules were read again; `undefined` before the first. */
  get lastReload(): Reload | undefined {
    return this.#lastReload;
  }

  /** Calls back when the rules were read again, or could not be. Returns a function that unsubscribes. */
  subscribe(listener: (reload: Reload) => void): () => void {
    this.#subscribers.add(listener);
    return () => void this.#subscribers.delete(listener);
  }

  /** Reads the files again; changes since the start stay in force. Throws {@link BadRules}. */
  reload(): Promise<void> {
    return this.#readAgain(false);
  }

  /** Reads the files again, and does nothing if they have not changed since the last reading. Throws {@link BadRules}. */
  refresh(): Promise<void> {
    return this.#readAgain(true);
  }

  /** Adds the rules of a rule file, given as a text or an object. They are asked after those added before, and before those of files. */
  add(given: string | RuleFile): readonly RuleEntry[] {
    const rules = this.#reader.readGiven(given, this.#names());
    this.#added = [...this.#added, ...rules.map((rule) => ({ id: rule.name, rule: this.#seeded(rule) }))];
    this.#rebuild();
    return rules.map(({ name }) => this.entry(name));
  }

  /** Replaces the rule of that name by the one rule of a rule file, given as a text or an object. Throws {@link UnknownRule}, {@link BadRules}. */
  replace(name: string, given: string | RuleFile): RuleEntry {
    const { id, origin, rule: before } = this.entry(name);
    const names = this.#names();
    names.delete(name);
    const rules = this.#reader.readGiven(given, names);
    const [rule] = rules;
    if (rule?.name !== name || rules.length > 1) {
      const message = `the rule "${name}" can only be replaced by one rule of the same name`;
      throw new BadRules([aboutFile(rule?.file ?? name, 'bad-name', message)]);
    }
    const replacement = carryOverCounts(this.#seeded(rule), before);
    if (origin !== 'added') this.#edit(id, { replacement });
    else this.#added = this.#added.map((each) => (each.id === id ? { id, rule: replacement } : each));
    this.#rebuild();
    return this.entry(name);
  }

  /** Removes a rule; one of a file comes back with {@link reset}. Throws {@link UnknownRule}. */
  remove(name: string): void {
    const { id, origin } = this.entry(name);
    if (origin !== 'added') this.#edit(id, { isRemoved: true });
    else this.#added = this.#added.filter((each) => each.id !== id);
    this.#edit(id, { isDisabled: false });
    this.#rebuild();
  }

  /** Enables or disables a rule. Throws {@link UnknownRule}. */
  enable(name: string, enabled: boolean): RuleEntry {
    this.#edit(this.entry(name).id, { isDisabled: !enabled });
    this.#rebuild();
    return this.entry(name);
  }

  /** Returns the rule of that name; throws {@link UnknownRule}. */
  entry(name: string): RuleEntry {
    const entry = this.#entries.find(({ rule }) => rule.name === name);
    if (entry) return entry;
    throw new UnknownRule(
      name,
      this.#entries.map(({ rule }) => rule.name),
    );
  }

  /** Gives all rules another seed and starts all counts again, so that the same requests get the same faults again. */
  reseed(seed: number | string): void {
    this.#seed = seed;
    this.#restartCounts();
  }

  /** Undoes every change of seed and rules since the start, and starts all counts again. */
  reset(): void {
    this.#seed = undefined;
    this.#added = [];
    this.#edits = new Map();
    this.#restartCounts();
  }

  #edit(id: string, edit: RuleOverride): void {
    this.#edits = new Map(this.#edits).set(id, { ...this.#edits.get(id), ...edit });
  }

  /** Returns the taken names with their places. */
  #names(entries: readonly RuleEntry[] = this.#entries): Names {
    return new Map(entries.map(({ rule }) => [rule.name, rule.place]));
  }

  async #readAgain(onlyIfChanged: boolean): Promise<void> {
    const read = await this.#readFiles(onlyIfChanged).catch((error: unknown) => {
      if (error instanceof BadRules) return error;
      throw error;
    });
    if (read === false) return;
    const diagnostics = read === true ? [] : read.diagnostics;
    this.#lastReload = { time: new Date().toISOString(), diagnostics };
    for (const subscriber of this.#subscribers) subscriber(this.#lastReload);
    if (read !== true) throw read;
  }

  #readFiles(onlyIfChanged: boolean): Promise<boolean> {
    // The name of a removed rule is free for a rule that is added.
    const added = () =>
      this.#entries.filter(({ id, origin }) => origin === 'added' && !this.#edits.get(id)?.isRemoved);
    return this.#reader.readFiles(
      () => this.#names(added()),
      ({ rules, seeds }) => {
        const before = new Map(this.#files.map(({ id, rule }) => [id, rule]));
        this.#fileSeeds = seeds;
        this.#files = withIds(rules).map(({ id, rule }) => ({
          id,
          rule: carryOverCounts(this.#seeded(rule), before.get(id)),
        }));
        this.#rebuild();
      },
      onlyIfChanged,
    );
  }

  #seeded(rule: Rule): Rule {
    const seed = this.#seed ?? rule.seed;
    return seed === rule.trigger.seed ? rule : { ...rule, trigger: { ...rule.trigger, seed } };
  }

  /** Starts all counts again, with the seed that holds now. */
  #restartCounts(): void {
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
    this.#rebuild();
  }

  #rebuild(): void {
    this.#entries = ruleEntriesOf(this.#added, this.#files, this.#edits);
    const inForce = this.#entries.filter(({ enabled }) => enabled).map(({ rule }) => rule);
    const files = [...this.#fileSeeds].map(([file, seed]): [string, number | string] => [
      file,
      this.#seed ?? seed,
    ]);
    const seeds = new Map([
      ...files,
      ...this.#entries.map(({ rule }) => [rule.file, rule.trigger.seed] as const),
    ]);
    this.#set = new RuleSet(inForce, seeds, this.#set);
  }
}
