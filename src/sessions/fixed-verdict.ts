import { alternatives } from '../diagnostics/zod-issues.ts';
import { earlierRuleFired, type VerdictSource } from '../rules/decide.ts';

/** Lists of a plan that a sentence names. */
const MOST_NAMES = 5;

/** What a session whose plan has lists of these names says to a request for which it has none. */
export function wantsOthers(session: string, names: readonly string[]): VerdictSource {
  const more = names.length - MOST_NAMES;
  const shown = more > 0 ? [...names.slice(0, MOST_NAMES), `${more} others`] : names;
  return fixedVerdict(session, `its plan is for ${alternatives(shown)}`);
}

/** What a session says to a request when earlier ones have taken all it had for such. */
export function nothingLeft(session: string): VerdictSource {
  return fixedVerdict(session, 'earlier requests have taken all that its plan has for such');
}

/** What an instruction says to the request that takes it. */
export function taken(instruction: string): VerdictSource {
  return fixedVerdict(instruction, 'it is the next of the plan', true);
}

const NONE: readonly string[] = [];

/** One sentence, and nothing of the plan: the journal keeps it for longer than there is a session. */
function fixedVerdict(name: string, why: string, fires = false): VerdictSource {
  return {
    headers: NONE,
    query: NONE,
    verdicts: (_, __, earlier) =>
      earlier === undefined
        ? [{ rule: { name }, fires, why }]
        : [{ rule: { name }, fires: false, why: earlierRuleFired(earlier) }],
  };
}
