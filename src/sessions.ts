import type { Outcome } from './outcome.ts';
import type { Facts } from './request/facts.ts';
import type { RuleSet } from './rules/decide.ts';
import type { Rule } from './rules/rule.ts';

/** Requests that belong together by a key, and the plan of what is to happen to them. */
export interface Session {
  readonly id: string;
  /** The plan: a rule for each instruction, which fires once. */
  readonly rules: RuleSet;
  /** Whether a request bears the key. */
  owns(facts: Facts): boolean;
  /** Notes which exchange met an instruction, and how it ended. */
  met(instruction: Rule, exchange: number, outcome: Outcome): void;
}

/** The sessions going on. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  /** The sessions a request belongs to, oldest first: by its key, and by the port of one it came in at. */
  owning(facts: Facts, at: Session | undefined): readonly Session[] {
    if (this.#sessions.size === 0) return [];
    return [...this.#sessions.values()].filter((session) => session === at || session.owns(facts));
  }
}
