import { formatDuration } from '../notation/units.ts';
import type { TriggerSpec } from './rule-schema.ts';
import { SCOPES } from './trigger.ts';

/** Says when a trigger fires, in phrases: `the first 2 of each key`, `one in ten`; none: always. */
export function describeTrigger(spec: TriggerSpec): string[] {
  const { limit, window, probability, per = 'rule' } = spec;
  const each = per === 'rule' ? '' : ` each ${SCOPES[per]}`;
  const selected = selection(spec);
  return [
    ...(selected === undefined ? [] : [`${selected}${each && ` of${each}`}`]),
    ...(window ? windowInWords(window) : []),
    ...(probability === undefined || probability === 1 ? [] : [shareInWords(probability)]),
    ...(limit === undefined
      ? []
      : [`at most ${limit === 1 ? 'once' : `${limit} times`}${each && ` for${each}`}`]),
  ];
}

function selection({ after = 0, first, every = 1 }: TriggerSpec): string | undefined {
  const behind = after === 0 ? '' : after === 1 ? ' after the first' : ` after the first ${after}`;
  if (every > 1) {
    const range = first === undefined ? behind : ` of the ${after === 0 ? 'first ' : ''}${first}${behind}`;
    return `every ${ordinal(every)}${range}`;
  }
  if (first === 1) return `the ${after === 0 ? 'first' : ordinal(after + 1)}`;
  if (first !== undefined) return after === 0 ? `the first ${first}` : `the ${first}${behind}`;
  return after === 0 ? undefined : `all${behind}`;
}

/** `1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`. */
function ordinal(number: number): string {
  const teen = number % 100 >= 11 && number % 100 <= 13;
  return `${number}${(!teen && ['', 'st', 'nd', 'rd'][number % 10]) || 'th'}`;
}

function windowInWords(window: NonNullable<TriggerSpec['window']>): string[] {
  const { from = 0, for: length, every } = window;
  const opens = from === 0 ? '' : `${formatDuration(from)} after the rules were loaded`;
  if (length === undefined) return opens === '' ? [] : [`from ${opens}`];
  if (every !== undefined) {
    const open = `for ${formatDuration(length)} of every ${formatDuration(every)}`;
    return [opens === '' ? open : `${open} from ${opens}`];
  }
  return [
    opens === '' ? `for the first ${formatDuration(length)}` : `for ${formatDuration(length)} from ${opens}`,
  ];
}

const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** Digits of a share that are shown, at most: more tell a reader nothing. */
const MOST_DIGITS = 9;

/** Writes a share from 0 to 1 in words: `never`, `half of them`, `one in ten`, `three in four`, `3 in 100`. */
function shareInWords(share: number): string {
  if (share === 0) return 'never';
  if (share === 0.5) return 'half of them';
  for (const parts of [3, 4, 5, 6, 8, 10]) {
    const count = Math.round(share * parts);
    if (Math.abs(count / parts - share) < 1e-9) return `${NUMBERS[count]} in ${NUMBERS[parts]}`;
  }
  const whole = Math.round(1 / share);
  if (Math.abs(1 / whole - share) < 1e-12) return `one in ${whole}`;
  for (let digits = 2; digits <= MOST_DIGITS; digits += 1) {
    const parts = 10 ** digits;
    const count = Math.round(share * parts);
    if (count > 0 && Math.abs(count / parts - share) < 1e-12) return `${count} in ${parts}`;
  }
  return `${share * 100}% of them`;
}
