import { z } from 'zod';
import { ofKind } from '../diagnostics/problem.ts';
import { duration } from '../notation/quantity.ts';
import { formatDuration } from '../notation/units.ts';
import type { FaultAction, FaultContext, FaultKind } from './fault.ts';
import { pointIn } from './point.ts';

const map = z
  .strictObject({
    for: duration.optional().describe('Fixed time'),
    min: duration.optional().describe('Shortest time of a range …'),
    max: duration.optional().describe('… and the longest'),
    median: duration.optional().describe('Lognormal: half of the delays are shorter than this …'),
    p99: duration.optional().describe('… and 99 of 100 shorter than that'),
    at: pointIn('headers', 'commit')
      .optional()
      .describe(
        'headers: before the request is forwarded, the default. commit: before the answer is passed on',
      ),
  })
  .superRefine((given, context) => {
    const problem = problemOf(given);
    if (problem !== undefined) context.addIssue({ code: 'custom', ...problem });
  });

type DelaySettings = z.output<typeof map>;
type Spec = number | DelaySettings;

function problemOf({ for: always, min, max, median, p99 }: DelaySettings) {
  const pairs = [always, min ?? max, median ?? p99].filter((each) => each !== undefined);
  const isWhole =
    (min === undefined) === (max === undefined) && (median === undefined) === (p99 === undefined);
  if (pairs.length !== 1 || !isWhole) {
    const message = 'a delay is a duration, or has "for", or "min" and "max", or "median" and "p99"';
    return { message, ...ofKind(pairs.length > 1 ? 'contradiction' : 'missing-key') };
  }
  if (min !== undefined && max !== undefined && min > max) {
    return { message: '"min" must not be more than "max"', ...ofKind('contradiction') };
  }
  if (median !== undefined && p99 !== undefined && !(median > 0 && median < p99)) {
    return { message: '"median" must be more than 0 and less than "p99"', ...ofKind('contradiction') };
  }
  return undefined;
}

/** Waits before the request is forwarded, or before the answer is passed on. */
export const delay = {
  name: 'delay',
  summary: 'waits: a fixed time, one from a range, or lognormal by median and p99',
  schema: z.union([duration, map]),
  compile(spec): FaultAction {
    const point = typeof spec === 'number' ? undefined : spec.at;
    const isLate = point?.phase === 'commit';
    const rolls = typeof spec !== 'number' && spec.for === undefined;
    return {
      summary: `waits ${describe(spec)}${isLate ? ' before the answer is passed on' : ''}`,
      phase: isLate ? 'commit' : 'headers',
      rolls,
      async inject(context, next) {
        const ms = draw(spec, context.roll);
        if (rolls) context.recordDraw(drawnSettings(ms, point?.text));
        if (!isLate) await context.hold(ms);
        const answer = await next();
        if (isLate && answer) await context.hold(ms);
        return answer;
      },
    };
  },
} as const satisfies FaultKind<Spec>;

/** 99th percentile of the standard normal distribution. */
const Z99 = 2.326347874;

/** Returns the time to wait, in ms. */
function draw(spec: Spec, roll: FaultContext['roll']): number {
  if (typeof spec === 'number') return spec;
  const { for: always, min, max, median, p99 } = spec;
  if (min !== undefined && max !== undefined) return min + (max - min) * roll();
  if (median === undefined || p99 === undefined) return always ?? 0;
  // Box-Muller makes a normal draw from two uniform ones. 0 has no logarithm, hence 1 - x.
  const normal = Math.sqrt(-2 * Math.log(1 - roll())) * Math.cos(2 * Math.PI * roll(', angle'));
  return median * Math.exp((normal * Math.log(p99 / median)) / Z99);
}

/** Makes the settings of a delay that was drawn. They are in ms, because a larger unit would be rounded. */
function drawnSettings(ms: number, at: string | undefined) {
  return { for: `${Number(ms.toFixed(3))}ms`, ...(at !== undefined && { at }) };
}

function describe(spec: Spec): string {
  if (typeof spec === 'number') return formatDuration(spec);
  const { for: always = 0, min, max, median, p99 } = spec;
  if (min !== undefined && max !== undefined) return `${formatDuration(min)} to ${formatDuration(max)}`;
  if (median === undefined || p99 === undefined) return formatDuration(always);
  return `around ${formatDuration(median)} (99 in 100 times less than ${formatDuration(p99)})`;
}
