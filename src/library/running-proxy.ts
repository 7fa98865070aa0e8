import type { JournalEntry } from '../observe/journal.ts';
import type { JournalFilter } from '../observe/journal-filter.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { RuleInForce } from '../rulebook/entry.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { SessionReport } from '../sessions/session.ts';
import type { SessionSpec } from '../sessions/spec.ts';

/**
 * A running proxy. After `close()`, methods that change something throw or reject; the rest can still be read. In the
 * examples `proxy` is one.
 *
 * @example
 * ```ts
 * {
 *   await using proxy = await startProxy({ upstream: 'memory:' });
 *   await fetch(`${proxy.url}/photos/a.jpg`);
 * } // closed here
 * ```
 */
export interface RunningProxy extends AsyncDisposable {
  /** URL for clients: `http://127.0.0.1:40123`, or `https://…`. */
  readonly url: string;
  /** URL of the admin server, if there is one. */
  readonly adminUrl: string | undefined;
  /** URL that requests are forwarded to; that of the embedded store for `memory:`. */
  readonly upstreamUrl: string;
  /** Metrics of docs/metrics.md, as the admin port has them. */
  readonly metrics: Metrics;
  /** Number of exchanges that have ended, those that the journal has forgotten included. */
  readonly exchanges: number;
  /** Sentence that says how many entries the journal file lacks and why; `undefined` if none. Complete after `close()`. */
  readonly journalLoss: string | undefined;
  /** All rules with their current counts, in the order in which they are asked. */
  readonly rules: readonly RuleInForce[];
  /** Seed of each rule file, by the file's name. */
  readonly seeds: ReadonlyMap<string, number | string>;
  /**
   * Lists the latest exchanges that have ended, oldest first. A field that does not apply is `undefined`. Throws an Error
   * at a filter that could select nothing.
   *
   * @example
   * ```ts
   * const throttled = proxy.journal({ operation: 'UploadPart', status: 503 });
   * console.log(throttled.map(({ key, part, rule }) => `${key} part ${part}: ${rule}`));
   * ```
   */
  journal(filter?: JournalFilter): JournalEntry[];
  /**
   * Adds rules, which are asked before those of files. Throws {@link BadRules}.
   *
   * @example
   * ```ts
   * proxy.addRules({
   *   provider: 'aws-s3',
   *   rules: [{ name: 'slow', match: { operation: 'PutObject' }, fault: { delay: '200ms' } }],
   * });
   * ```
   */
  addRules(rules: RuleFile | string): readonly RuleInForce[];
  /**
   * Replaces the rule of this name by the only rule of another file. Throws {@link BadRules}, or an Error if there is none
   * of this name.
   *
   * @example
   * ```ts
   * proxy.replaceRule('slow', 'rules: [{ name: slow, fault: { delay: 2s } }]');
   * ```
   */
  replaceRule(name: string, rules: RuleFile | string): RuleInForce;
  /**
   * Removes a rule. A rule of a file comes back with {@link reset}. Throws an Error if there is none of this name.
   *
   * @example
   * ```ts
   * proxy.removeRule('slow');
   * ```
   */
  removeRule(name: string): void;
  /**
   * Lets a disabled rule fire again. Throws an Error if there is none of this name.
   *
   * @example
   * ```ts
   * const { enabled, fired } = proxy.enableRule('slow');
   * ```
   */
  enableRule(name: string): RuleInForce;
  /**
   * Keeps a rule from firing, until it is enabled again. Throws an Error if there is none of this name.
   *
   * @example
   * ```ts
   * for (const { name } of proxy.rules) proxy.disableRule(name);
   * ```
   */
  disableRule(name: string): RuleInForce;
  /**
   * Reads the rule files again. Rejects with {@link BadRules} if they are bad, and leaves the old rules in force.
   *
   * @example
   * ```ts
   * await proxy.reload().catch((error: Error) => console.error(error.message));
   * ```
   */
  reload(): Promise<void>;
  /**
   * Gives all rules this seed and begins their counts again: the same requests meet the same faults.
   *
   * @example
   * ```ts
   * proxy.reseed(42);
   * ```
   */
  reseed(seed: number | string): void;
  /**
   * Begins a session: requests of one key meet a plan, which is asked before the rules. Rejects with {@link BadRules} if
   * the plan is bad, and with an Error if another session has the same key.
   *
   * @example
   * ```ts
   * await using session = await proxy.session({
   *   key: { bucket: 'photos' },
   *   provider: 'aws-s3',
   *   plan: { PutObject: ['SlowDown', { reset: { at: 'commit' } }] },
   * });
   * await fetch(`${proxy.url}/photos/a.jpg`, { method: 'PUT', body: 'a' });
   * await proxy.idle();
   * console.log(session.report().complete);
   * ```
   */
  session(spec: SessionSpec | string): Promise<RunningSession>;
  /**
   * Undoes all changes since the start: rules, seed and counts are as they were, the journal is empty, sessions have
   * ended. Metrics go on.
   *
   * @example
   * ```ts
   * const afterEach = () => proxy.reset();
   * ```
   */
  reset(): void;
  /**
   * Resolves when no exchange goes on, and all that ended are in the journal.
   *
   * @example
   * ```ts
   * await fetch(`${proxy.url}/photos/a.jpg`);
   * await proxy.idle();
   * const last = proxy.journal().at(-1);
   * ```
   */
  idle(): Promise<void>;
  /**
   * Lets exchanges end for up to `grace` ms, then cuts them off, and frees every port. The default is 8000, because docker
   * kills a container after 10 s.
   *
   * @example
   * ```ts
   * await proxy.close(0);
   * ```
   */
  close(grace?: number): Promise<void>;
}

/** A session that goes on. In the examples `session` is one. It can also be ended by `await using`. */
export interface RunningSession extends AsyncDisposable {
  /** Id of the session in the journal and at the admin port. */
  readonly id: string;
  /** URL for clients if the session has a port of its own. */
  readonly url: string | undefined;
  /**
   * Reports what of the plan was met; after the end, what had been met by then.
   *
   * @example
   * ```ts
   * const { complete, instructions } = session.report();
   * console.log(complete, `${instructions.waiting} instructions were not taken`);
   * ```
   */
  report(): SessionReport;
  /**
   * Ends the session and closes its port. Its requests are like any others then.
   *
   * @example
   * ```ts
   * await session.end();
   * ```
   */
  end(): Promise<void>;
}
