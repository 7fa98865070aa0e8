import { randomBytes } from 'node:crypto';
import { valueSource } from '../diagnostics/plain-value.ts';
import type { RuleSource } from '../diagnostics/source.ts';
import { formatSize } from '../notation/units.ts';
import type { Facts } from '../request/facts.ts';
import { type Handle, handleOf, sameness } from './key.ts';
import { lengthOf, Session } from './session.ts';
import { type Plan, readPlan, type SessionSpec } from './spec.ts';

/** Sessions that may go on at once. */
const MOST_SESSIONS = 1000;

/** Instructions that all of them may have together, and characters. */
const MOST_INSTRUCTIONS = 100_000;
const LARGEST = 64 * 1024 ** 2;

/** Thrown where a session is not to be had beside those that go on. */
export class SessionRefused extends Error {
  /** Another one has the same key, there are too many, or the proxy goes away. */
  readonly reason: 'same-key' | 'too-many' | 'closing';

  constructor(reason: SessionRefused['reason'], message: string) {
    super(message);
    this.name = 'SessionRefused';
    this.reason = reason;
  }
}

/** Thrown where a session is named that there is not. */
export class UnknownSession extends Error {
  constructor(id: string) {
    super(`there is no session "${id}"; it may have ended, or expired`);
    this.name = 'UnknownSession';
  }
}

/** Ports that belong to one session each. */
export interface SessionPorts {
  /** The proxy is being closed, or is. */
  readonly areClosing: boolean;
  /** Listens, and gives where clients point; rejects with a sentence. */
  open(port: number, session: Session): Promise<string>;
  /** Closes the port of a session, if it has one, and cuts off what goes on there. */
  close(session: Session): void;
}

/** What a session is read from; throws a sentence at what is none, {@link BadRules} at what no text could say. */
function sourceOf(spec: SessionSpec | string): RuleSource {
  const name = 'session';
  if (typeof spec === 'string') return { name, text: spec };
  if (typeof spec === 'object' && spec !== null) return valueSource(name, spec);
  throw new Error(
    'a session is an object with the keys key, plan, provider, seed and expires, or one in JSON or YAML',
  );
}

/** Sessions by the value of one thing of their keys. */
interface KeyIndex {
  readonly read: Handle['read'];
  readonly sessions: Map<string | undefined, Set<Session>>;
}

const NONE: readonly Session[] = [];

/** The sessions going on. */
export class Sessions {
  readonly #ports: SessionPorts;
  readonly #provider: string | undefined;
  readonly #sessions = new Map<string, Session>();
  /** Those without a port, by the name of what they are looked up by. */
  readonly #shelves = new Map<string, KeyIndex>();
  #count = 0;

  /** @param provider that of plans that name none */
  constructor(ports: SessionPorts, provider: string | undefined) {
    this.#ports = ports;
    this.#provider = provider;
  }

  /** Those going on, oldest first. */
  get all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /** Begins a session, given as an object or as JSON or YAML; throws {@link BadRules}, {@link SessionRefused}, or an Error where nobody can listen at its port. */
  async open(spec: SessionSpec | string): Promise<Session> {
    if (this.#ports.areClosing)
      throw new SessionRefused('closing', 'the proxy is closed, and begins no session');
    const plan = readPlan(sourceOf(spec), this.#provider);
    this.#refuse(plan);
    this.#count += 1;
    const id = this.#newId();
    const session = new Session(id, this.#count, plan, (expired) => this.end(expired));
    this.#sessions.set(id, session);
    if (plan.key.port === undefined) {
      this.#shelve(session);
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

  /** The session of that id; throws {@link UnknownSession}. */
  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new UnknownSession(id);
    return session;
  }

  /** Ends a session, once: its port is closed, and its requests are like any others. */
  end(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    session.end();
    this.#ports.close(session);
    const { name, value } = handleOf(session.key);
    const shelf = this.#shelves.get(name);
    const same = shelf?.sessions.get(value);
    same?.delete(session);
    if (same?.size === 0) shelf?.sessions.delete(value);
    if (shelf?.sessions.size === 0) this.#shelves.delete(name);
  }

  endAll(): void {
    for (const session of this.all) this.end(session);
  }

  /** Returns the sessions a request belongs to, oldest first: by its key, and by the port `at` which it came in. */
  ownersOf(facts: Facts, at: Session | undefined): readonly Session[] {
    if (this.#sessions.size === 0) return NONE;
    const owners = at !== undefined && this.#sessions.has(at.id) && at.owns(facts) ? [at] : [];
    for (const { read, sessions } of this.#shelves.values()) {
      for (const session of sessions.get(read(facts)) ?? NONE) if (session.owns(facts)) owners.push(session);
    }
    return owners.length > 1 ? owners.sort((a, b) => a.nth - b.nth) : owners;
  }

  #newId(): string {
    const id = randomBytes(4).toString('hex');
    return this.#sessions.has(id) ? this.#newId() : id;
  }

  #refuse(plan: Plan): void {
    const going = this.all;
    const same = sameness(plan.key);
    const twin = same === undefined ? undefined : going.find((each) => sameness(each.key) === same);
    if (twin !== undefined) {
      const message = `session ${twin.id} has the same key, and requests would not know whose they are. end it first, or give this one another key`;
      throw new SessionRefused('same-key', message);
    }
    const instructions = going.reduce((sum, { length }) => sum + length, lengthOf(plan));
    const size = going.reduce((sum, session) => sum + session.size, plan.size);
    const excess =
      going.length >= MOST_SESSIONS
        ? `there are ${MOST_SESSIONS} sessions, the most there may be`
        : instructions > MOST_INSTRUCTIONS
          ? `all sessions together would have ${instructions} instructions, and may have ${MOST_INSTRUCTIONS}`
          : size > LARGEST
            ? `all sessions together would have ${formatSize(size)}, and may have ${formatSize(LARGEST)}`
            : undefined;
    if (excess !== undefined) {
      throw new SessionRefused('too-many', `${excess}. end those that are done, or let them expire sooner`);
    }
  }

  #shelve(session: Session): void {
    const { name, read, value } = handleOf(session.key);
    const shelf = this.#shelves.get(name) ?? { read, sessions: new Map() };
    this.#shelves.set(name, shelf);
    const same = shelf.sessions.get(value) ?? new Set();
    shelf.sessions.set(value, same.add(session));
  }
}
