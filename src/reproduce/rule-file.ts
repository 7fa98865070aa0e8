import type { RuleObject } from '../rules/rule-schema.ts';
import { SCHEMA_LINE, writeRuleFile } from '../rules/write.ts';
import { answerTo } from './answer.ts';
import type { Finding } from './finding.ts';
import { requestOf, titleOf } from './in-words.ts';
import { matchOf } from './match.ts';
import { type RuleLimit, turnOf } from './plan.ts';
import type { Found } from './reproduce.ts';
import type { ReproducedFault } from './reproduced-fault.ts';

/** Writes a rule file that answers with the findings, and comments about them. `source` is the name of the report. */
export function ruleFile({ findings, notes }: Found, source: string): string {
  const all = findings.map((finding, i) => ({ finding, answer: answerTo(finding), number: i + 1 }));
  const planned = all.flatMap(({ answer, ...rest }) => (answer === undefined ? [] : [{ ...rest, answer }]));
  const isChain = planned.length > 1;
  const turns = planned.map(({ finding }, i) =>
    isChain ? turnOf(finding, i === planned.length - 1) : undefined,
  );
  const provider = findings[0]?.provider.name;
  const rules = planned.map(({ finding, answer }, i) => ruleOf(finding, answer, provider, turns[i]));
  const head = [
    SCHEMA_LINE,
    `Reproduces ${source}.`,
    ...(isChain ? [ORDER] : []),
    ...notes,
    ...all.flatMap(({ finding, answer, number }) =>
      answer === undefined
        ? ['', `Error ${number} has no rule:`, ...describe(finding, undefined, number)]
        : [],
    ),
  ];
  const comments = planned.map(({ finding, answer, number }, i) =>
    describe(finding, answer, number, turns[i]),
  );
  return writeRuleFile({ ...(provider === undefined ? {} : { provider }), rules }, { head, rules: comments });
}

const ORDER =
  'The errors come in the order of the text: each but the last ends when a client has used up its attempts, the last one does not.';

function ruleOf(
  finding: Finding,
  { fault }: ReproducedFault,
  provider: string | undefined,
  turn: RuleLimit | undefined,
): RuleObject {
  const { provider: own } = finding;
  const match = matchOf(finding);
  return {
    ...(own.name === provider ? {} : { provider: own.name }),
    ...(Object.keys(match).length > 0 ? { match } : {}),
    ...(turn?.limit === undefined ? {} : { trigger: { limit: turn.limit } }),
    fault,
  };
}

/** Returns the facts of a finding, one per line. */
function describe(
  finding: Finding,
  answer: ReproducedFault | undefined,
  number: number,
  turn?: RuleLimit,
): string[] {
  const { entry, provider, lines, formats, time, requestId, times, retries } = finding;
  const isSentence = finding.network !== undefined || finding.refusedKeys !== undefined;
  const where = lines[0] === lines[1] ? `line ${lines[0]}` : `lines ${lines[0]} to ${lines[1]}`;
  const met = times > 1 ? `${times} times` : undefined;
  const tries =
    retries === undefined || retries === 0
      ? undefined
      : `on ${retries + 1} attempts; the rule fails however often the client tries`;
  const stored =
    entry?.stored === true ? 'the object is stored although the client is told otherwise' : undefined;
  const rows: (readonly [string, string | undefined])[] = [
    [
      `${number}`,
      `${titleOf(finding)}${isSentence ? ',' : ''} of ${provider.name}, ${where} (${formats.join(', ')})`,
    ],
    ['request', requestOf(finding)],
    [
      'request id',
      requestId === undefined
        ? undefined
        : `${requestId}${time === undefined ? '' : `, made at ${time.toISOString()}`}`,
    ],
    ['met', turn?.why ?? ([met, tries].filter((each) => each !== undefined).join(', ') || undefined)],
    ['stored', stored],
    ['explanation', entry?.en?.explanation],
    ['remedy', entry?.en?.remedy],
    ['解释', entry?.zh?.explanation],
    ['处理', entry?.zh?.remedy],
    ['note', entry?.note],
    ['source', entry?.source],
    ...finding.assumed.map(
      ({ what, why, flag }) =>
        ['assumed', `${what}: ${why}${flag === undefined ? '' : `; ${flag} settles it`}`] as const,
    ),
    ...(answer?.notes ?? []).map((note) => ['answer', note] as const),
  ];
  return rows.flatMap(([name, text]) =>
    text === undefined || text === '' ? [] : [`${name}: ${text.trim().replaceAll('\n', ' ')}`],
  );
}
