import { LONGEST_GLOB } from '../notation/glob.ts';
import { SCHEMA_LINE, writeRuleFile } from '../rules/write.ts';
import type { FaultGroup, RuleDraft } from './rule-drafts.ts';

/** What of the rules themselves may keep them from doing just what was done. */
export function notesOn(hits: readonly RuleDraft[]): string[] {
  const notes: string[] = [];
  if (hits.some(({ match }) => match.accessKey !== undefined)) {
    notes.push('requests alike came from several access keys: rules for these fire on no other');
  }
  if (hits.some(({ injected }) => hasBodyFile(injected.settings))) {
    notes.push(
      'the path of a bodyFile starts at this file, and started at the rule file it was recorded with',
    );
  }
  return notes;
}

/** The same, with what is in no other file in the place of a `bodyFile`. */
export function withoutFiles(hits: readonly RuleDraft[]): RuleDraft[] {
  return hits.map((hit) => {
    const { injected } = hit;
    if (!hasBodyFile(injected.settings)) return hit;
    const { respond, ...settings } = injected.settings;
    const { bodyFile: _, ...rest } = Object(respond);
    return { ...hit, injected: { ...injected, settings: { ...settings, respond: rest } } };
  });
}

function hasBodyFile({ respond }: FaultGroup['settings']): boolean {
  return respond?.bodyFile !== undefined;
}

/** The text of a rule file, with such lines at its head. */
export function writeRules(hits: readonly RuleDraft[], head: readonly string[]): string {
  const providers = [...new Set(hits.map(({ injected }) => injected.provider))];
  const [provider] = providers;
  const rules = hits.map((hit, index) => ({
    name: nameOf(hit, index + 1),
    ...(providers.length > 1 && { provider: hit.injected.provider }),
    match: hit.match,
    trigger: { ...(hit.after > 0 && { after: hit.after }), first: hit.first, per: 'key' as const },
    fault: hit.injected.settings,
  }));
  return writeRuleFile(
    { ...(providers.length === 1 && { provider }), rules },
    { head: [SCHEMA_LINE, ...head], rules: hits.map(commentOn) },
  );
}

/** Characters of a name that may stand in one, at most; see the schema of rules. */
const LONGEST_NAME = 100;

function nameOf({ match, nth, first, injected }: RuleDraft, number: number): string {
  const part = match.part === undefined ? '' : ` part ${match.part}`;
  const which = first === 1 ? `request ${nth}` : `requests ${nth} to ${nth + first - 1}`;
  const name = `replay ${number}: ${match.operation}${part}, ${injected.title}, ${which}`;
  // What a journal says may be anything.
  return name.replace(/[^ -~]/g, '?').slice(0, LONGEST_NAME);
}

function commentOn({ match }: RuleDraft): string[] {
  const lines: string[] = [];
  const text = JSON.stringify(match);
  if (text.includes('?')) {
    lines.push(
      'A "*" or "?" that was sent stands here as "?", and so for any character: none else of the run is like it.',
    );
  }
  if (text.includes('**')) {
    lines.push(
      `Of what has more than ${LONGEST_GLOB} characters the beginning stands here: none else of the run begins so.`,
    );
  }
  return lines;
}
