import { diagnosticJson } from '../diagnostics/diagnostic.ts';
import { counted } from '../notation/text.ts';
import type { RuleEntry } from '../rulebook/entry.ts';
import { ruleInForce } from '../rulebook/entry.ts';
import type { Reload, RuleBook } from '../rulebook/rulebook.ts';
import { type AdminAnswer, created, done, json } from './answer.ts';
import type { Call, Route } from './route.ts';

/** Routes that show and change the rules. */
export const RULE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/rules', handle: ({ book }) => json(list(book)) },
  { method: 'POST', path: '/rules', takesBody: true, handle: add },
  { method: 'POST', path: '/rules/reload', handle: reload },
  {
    method: 'GET',
    path: '/rules/{name}',
    handle: ({ book, params: [name = ''] }) => json(ruleJson(book, book.entry(name))),
  },
  { method: 'PUT', path: '/rules/{name}', takesBody: true, handle: replace },
  {
    method: 'DELETE',
    path: '/rules/{name}',
    handle({ book, params: [name = ''] }) {
      book.remove(name);
      return done(`rule "${name}" removed`);
    },
  },
  { method: 'POST', path: '/rules/{name}/disable', handle: (call) => enable(call, false) },
  { method: 'POST', path: '/rules/{name}/enable', handle: (call) => enable(call, true) },
];

function list(book: RuleBook): Record<string, unknown> {
  return {
    rules: book.entries.map((entry) => ruleJson(book, entry)),
    removed: book.removed.map(({ name, file, line }) => ({ name, file, line })),
    lastReload: book.lastReload && reloadJson(book.lastReload),
  };
}

function reloadJson({ time, diagnostics }: Reload): Record<string, unknown> {
  return { time, ok: diagnostics.length === 0, diagnostics: diagnostics.map(diagnosticJson) };
}

function ruleJson(book: RuleBook, entry: RuleEntry): Record<string, unknown> {
  const { provider, file, spec } = entry.rule;
  return { ...ruleInForce(entry), provider: provider.name, seed: book.set.seeds.get(file), rule: spec };
}

function add({ book, body }: Call): AdminAnswer {
  const entries = book.add(body);
  const [first] = entries;
  const only = entries.length === 1 ? first : undefined;
  return created(
    { rules: entries.map((entry) => ruleJson(book, entry)) },
    only && `/rules/${encodeURIComponent(only.rule.name)}`,
    `${only ? `rule "${only.rule.name}"` : counted(entries.length, 'rule')} added`,
  );
}

function replace({ book, body, params: [name = ''] }: Call): AdminAnswer {
  const entry = book.replace(name, body);
  return json(ruleJson(book, entry), `rule "${name}" replaced`);
}

function enable({ book, params: [name = ''] }: Call, enabled: boolean): AdminAnswer {
  const entry = book.enable(name, enabled);
  return json(ruleJson(book, entry), `rule "${name}" ${enabled ? 'enabled' : 'disabled'}`);
}

/** Reads the rule files again. The answer has no change for the log, as each reload is logged anyway. */
async function reload({ book }: Call): Promise<AdminAnswer> {
  await book.reload();
  return json(list(book));
}
