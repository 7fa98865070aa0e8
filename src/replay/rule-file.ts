import { LONGEST_GLOB } from '../notation/glob.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import { SCHEMA_LINE, writeRuleFile } from '../rules/write.ts';
import type { FaultGroup, RuleDraft } from './rule-drafts.ts';

/** Returns sentences about rules that may not repeat the run exactly. */
export function notesOn(drafts: readonly RuleDraft[]): string[] {
  const notes: string[] = [];
  if (drafts.some(({ match }) => match.accessKey !== undefined)) {
    notes.push(
      'several access keys sent the same request: rules for it fire on the requests of one key only',
    );
  }
  if (drafts.some(({ injected }) => hasBodyFile(injected.settings))) {
    notes.push(
      'the path of a bodyFile is relative to this file; it was relative to the rule file of the recorded run',
    );
  }
  return notes;
}

/** Returns the drafts without their `bodyFile`. */
export function withoutFiles(drafts: readonly RuleDraft[]): RuleDraft[] {
  return drafts.map((draft) => {
    const { injected } = draft;
    if (!hasBodyFile(injected.settings)) return draft;
    const { respond, ...settings } = injected.settings;
    const { bodyFile: _, ...rest } = Object(respond);
    return { ...draft, injected: { ...injected, settings: { ...settings, respond: rest } } };
  });
}

function hasBodyFile({ respond }: FaultGroup['settings']): boolean {
  return respond?.bodyFile !== undefined;
}

/** Writes a rule file with these lines of comment at its head. */
export function writeRules(drafts: readonly RuleDraft[], head: readonly string[]): string {
  return writeRuleFile(ruleFileOf(drafts), { head: [SCHEMA_LINE, ...head], rules: drafts.map(commentOn) });
}

/** Makes a rule file of drafts, as an object. */
export function ruleFileOf(drafts: readonly RuleDraft[]): RuleFile {
  const providers = [...new Set(drafts.map(({ injected }) => injected.provider))];
  const [provider] = providers;
  const rules = drafts.map((draft, index) => ({
    name: nameOf(draft, index + 1),
    ...(providers.length > 1 && { provider: draft.injected.provider }),
    match: draft.match,
    trigger: { ...(draft.after > 0 && { after: draft.after }), first: draft.first, per: 'key' as const },
    fault: draft.injected.settings,
  }));
  return { ...(providers.length === 1 && { provider }), rules };
}

/** Longest name of a rule, in characters; see the schema of rules. */
const LONGEST_NAME = 100;

function nameOf({ match, nth, first, injected }: RuleDraft, number: number): string {
  const part = match.part === undefined ? '' : ` part ${match.part}`;
  const which = first === 1 ? `request ${nth}` : `requests ${nth} to ${nth + first - 1}`;
  const name = `replay ${number}: ${match.operation}${part}, ${injected.title}, ${which}`;
  // A journal may contain any text.
  return name.replace(/[^ -~]/g, '?').slice(0, LONGEST_NAME);
}

function commentOn({ match }: RuleDraft): string[] {
  const lines: string[] = [];
  const text = JSON.stringify(match);
  if (text.includes('?')) {
    lines.push(
      'A "*" or "?" in the request is "?" here, which matches any character. No other request of the run matches.',
    );
  }
  if (text.includes('**')) {
    lines.push(
      `A text of more than ${LONGEST_GLOB} characters is cut here. No other request of the run begins the same.`,
    );
  }
  return lines;
}
