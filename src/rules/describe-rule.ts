import type { Fault } from '../faults/fault.ts';
import type { Phase } from '../faults/point.ts';
import { printable } from '../notation/text.ts';
import { describeMatch } from './describe-match.ts';
import { describeTrigger } from './describe-trigger.ts';
import type { Rule } from './rule.ts';

/**
 * Says a whole rule in one sentence (which requests, when, and which faults): `UploadPart of keys like backups/**, one in
 * ten: answers SlowDown 503 before the body is read`.
 */
export function describeRule({ match, trigger, faults }: Pick<Rule, 'match' | 'trigger' | 'faults'>): string {
  const which = [describeMatch(match.spec), ...describeTrigger(trigger.spec)].join(', ');
  return printable(`${which}: ${describeFaults(faults)}`);
}

const PHASES: readonly Phase[] = ['headers', 'body', 'commit', 'response'];

/** Says what the faults do, in the order of time. */
function describeFaults(faults: readonly Fault[]): string {
  if (faults.length === 0) return 'forwards the request';
  return faults
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ summary }) => summary)
    .join(', then ');
}

/** Within a phase, a fault that ends the exchange is the last one. */
function rank({ phase = 'headers', forwards = false, answers = false }: Fault): number {
  return PHASES.indexOf(phase) * 3 + (forwards ? 0 : answers ? 2 : 1);
}
