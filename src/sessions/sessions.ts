import { randomBytes } from 'node:crypto';
import { valueSource } from '../diagnostics/plain-value.ts';
import type { RuleSource } from '../diagnostics/source.ts';
import { formatSize } from '../notation/units.ts';
import type { Facts } from '../request/facts.ts';
import { type IndexField, indexFieldOf, keyIdentity } from './key.ts';
import { lengthOf, Session } from './session.ts';
import { type Plan, readPlan, type SessionSpec } from './spec.ts';

/** Sessions at a time, at most. */
const MOST_SESSIONS = 1000;

/** Instructions, and characters of plans, that all sessions may have together. */
const MOST_INSTRUCTIONS = 100_000;
const LARGEST = 64 * 1024 ** 2;

/** Error for a session that is refused because of other sessions or because the proxy closes. */
export class SessionRefused extends Error {
  /** `same-key`: another session has this key; `too-many`: there are too many; `closing`: the proxy closes. */
  readonly reason: 'same-key' | 'too-many' | 'closing';

  constructor(reason: SessionRefused['reason'], message: string) {
    super(message);
    this.name = 'SessionRefused';
    this.reason = reason;
  }
}

/** Error for the id of a session that does not exist. */
export class UnknownSession extends Error {
  constructor(id: string) {
    super(`there is no session "${id}"; it may have ended, or expired`);
    this.name = 'UnknownSession';
  }
}

/** Ports that belong to one session each. */
export interface SessionPorts {
  /** True once the proxy begins to close. */
  readonly areClosing: boolean;
  /** Listens, and resolves with the URL; rejects with a sentence. */
  open(port: number, session: Session): Promise<string>;
  /** Closes the port of a session, if it has one, and its connections. */
  close(session: Session): void;
}

/** Makes the source of a session. Throws an Error with a sentence if it is no session, {@link BadRules} if YAML cannot have it. */
function sourceOf(spec: SessionSpec | string): RuleSource {
  const name = 'session';
  if (typeof spec === 'string') return { name, text: spec };
  if (typeof spec === 'object' && spec !== null) return valueSource(name, spec);
  throw new Error(
    'a session is an object with the keys key, plan, provider, seed and expires, or one in JSON or YAML',
  );
}

/** Sessions by the value of one field of their keys. */
interface KeyIndex {
  readonly read: IndexField['read'];
  readonly sessions: Map<string | undefined, Set<Session>>;
}

const NONE: readonly Session[] = [];

/** Sessions that have not ended. */
export class Sessions {
  readonly #ports: SessionPorts;
  readonly #provider: string | undefined;
  readonly #sessions = new Map<string, Session>();
  /** Indexes of the sessions without a port, by the name of the field. */
  readonly #indexes = new Map<string, KeyIndex>();
  #count = 0;

  /** @param provider provider of plans that name none */
  constructor(ports: SessionPorts, provider: string | undefined) {
    this.#ports = ports;
    this.#provider = provider;
  }

  /** All sessions that have not ended, oldest first. */
  get all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /**
   * Begins a session that is given as an object, or as JSON or YAML. Throws {@link BadRules}, {@link SessionRefused}, or
   * an Error if its port cannot be opened.
   */
  async open(spec: SessionSpec | string): Promise<Session> {
    if (this.#ports.areClosing)
      throw new SessionRefused('closing', 'the proxy is closed, so no session can begin');
    const plan = readPlan(sourceOf(spec), this.#provider);
    this.#refuse(plan);
    this.#count += 1;
    const id = this.#newId();
    const session = new Session(id, this.#count, plan, (expired) => this.end(expired));
    this.#sessions.set(id, session);
    if (plan.key.port === undefined) {
      this.#addToIndex(session);
      return session;
    }
    try {
      session.url = await this.#ports.open(plan.key.port, session);
      return session;
    } catch (error) {
      this.end(session);
      throw error;
    }
  }

  /** Returns the session of that id; throws {@link UnknownSession}. */
  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new UnknownSession(id);
    return session;
  }

  /** Ends a session, closes its port, and treats its requests like any others; does nothing if it has ended. */
  end(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    session.end();
    this.#ports.close(session);
    const { name, value } = indexFieldOf(session.key);
    const index = this.#indexes.get(name);
    const same = index?.sessions.get(value);
    same?.delete(session);
    if (same?.size === 0) index?.sessions.delete(value);
    if (index?.sessions.size === 0) this.#indexes.delete(name);
  }

  /** Ends all sessions. */
  endAll(): void {
    for (const session of this.all) this.end(session);
  }

  /** Returns the sessions that a request belongs to by its key, oldest first; `at` is the session whose port it came in by. */
  ownersOf(facts: Facts, at: Session | undefined): readonly Session[] {
    if (this.#sessions.size === 0) return NONE;
    const owners = at !== undefined && this.#sessions.has(at.id) && at.owns(facts) ? [at] : [];
    for (const { read, sessions } of this.#indexes.values()) {
      for (const session of sessions.get(read(facts)) ?? NONE) if (session.owns(facts)) owners.push(session);
    }
    return owners.length > 1 ? owners.sort((a, b) => a.nth - b.nth) : owners;
  }

  #newId(): string {
    const id = randomBytes(4).toString('hex');
    return this.#sessions.has(id) ? this.#newId() : id;
  }

  #refuse(plan: Plan): void {
    const others = this.all;
    const same = keyIdentity(plan.key);
    const twin = same === undefined ? undefined : others.find((each) => keyIdentity(each.key) === same);
    if (twin !== undefined) {
      const message = `session ${twin.id} has the same key, so requests would belong to both. end it first, or give this one another key`;
      throw new SessionRefused('same-key', message);
    }
    const instructions = others.reduce((sum, { length }) => sum + length, lengthOf(plan));
    const size = others.reduce((sum, session) => sum + session.size, plan.size);
    const excess =
      others.length >= MOST_SESSIONS
        ? `there are ${MOST_SESSIONS} sessions, which is the limit`
        : instructions > MOST_INSTRUCTIONS
          ? `all sessions together would have ${instructions} instructions, and may have ${MOST_INSTRUCTIONS}`
          : size > LARGEST
            ? `all sessions together would have ${formatSize(size)}, and may have ${formatSize(LARGEST)}`
            : undefined;
    if (excess !== undefined) {
      throw new SessionRefused('too-many', `${excess}. end those that are done, or let them expire sooner`);
    }
  }

  #addToIndex(session: Session): void {
    const { name, read, value } = indexFieldOf(session.key);
    const index = this.#indexes.get(name) ?? { read, sessions: new Map() };
    this.#indexes.set(name, index);
    const same = index.sessions.get(value) ?? new Set();
    index.sessions.set(value, same.add(session));
  }
}
