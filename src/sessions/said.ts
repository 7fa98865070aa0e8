import { alternatives } from '../diagnostics/zod-issues.ts';
import { type Asked, afterwards } from '../rules/decide.ts';

/** Lists of a plan that a sentence names. */
const MOST_NAMES = 5;

/** What a session whose plan has lists of these names says to a request for which it has none. */
export function wantsOthers(session: string, names: readonly string[]): Asked {
  const more = names.length - MOST_NAMES;
  const shown = more > 0 ? [...names.slice(0, MOST_NAMES), `${more} others`] : names;
  return said(session, `its plan is for ${alternatives(shown)}`);
}

/** What a session says to a request when earlier ones have taken all it had for such. */
export function nothingLeft(session: string): Asked {
  return said(session, 'earlier requests have taken all that its plan has for such');
}

/** What an instruction says to the request that takes it. */
export function taken(instruction: string): Asked {
  return said(instruction, 'it is the next of the plan', true);
}

const NONE: readonly string[] = [];

/** One sentence, and nothing of the plan: the journal keeps it for longer than there is a session. */
function said(name: string, why: string, fires = false): Asked {
  return {
    headers: NONE,
    query: NONE,
    verdicts: (_, __, earlier) =>
      earlier === undefined
        ? [{ rule: { name }, fires, why }]
        : [{ rule: { name }, fires: false, why: afterwards(earlier) }],
  };
}
