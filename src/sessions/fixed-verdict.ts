import { alternatives } from '../diagnostics/zod-issues.ts';
import { earlierRuleFired, type VerdictSource } from '../rules/decide.ts';

/** Lists of a plan that a sentence names, at most. */
const MOST_NAMES = 5;

/** Makes the verdict of a session whose plan has no list for a request; `names` are the lists that it has. */
export function notInPlan(session: string, names: readonly string[]): VerdictSource {
  const more = names.length - MOST_NAMES;
  const shown = more > 0 ? [...names.slice(0, MOST_NAMES), `${more} others`] : names;
  return fixedVerdict(session, `its plan is for ${alternatives(shown)}`);
}

/** Makes the verdict of a session when earlier requests have taken all its instructions for requests like this one. */
export function planExhausted(session: string): VerdictSource {
  return fixedVerdict(session, 'earlier requests have taken all its instructions for such requests');
}

/** Makes the verdict of an instruction that a request takes. */
export function nextInstruction(instruction: string): VerdictSource {
  return fixedVerdict(instruction, 'it is the next of the plan', true);
}

const NONE: readonly string[] = [];

/** Makes a verdict of one sentence. It has no reference to the plan, because the journal keeps it longer than the session. */
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
