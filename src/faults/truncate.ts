import { z } from 'zod';
import { ofKind } from '../diagnostics/problem.ts';
import { changedAnswer, type UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { atPoint, closingAs, downloadThrough } from './at-point.ts';
import type { FaultAction, FaultKind } from './fault.ts';
import { bytesBefore, downloadLength, type Place, placeInWords, placeText, pointIn } from './point.ts';

const map = z
  .strictObject({
    at: pointIn('response').describe('Place up to which the answer arrives'),
    length: z
      .enum(['promised', 'sent'])
      .optional()
      .describe(
        'promised: Content-Length stays what it was, or the last chunk is missing; the default. sent: the answer passes for whole',
      ),
    end: z
      .enum(['fin', 'rst'])
      .optional()
      .describe(
        'End of the connection, with length: promised. fin: an orderly end, the default. rst: a reset',
      ),
  })
  .refine(({ length, end }) => length !== 'sent' || end === undefined, {
    error: '"end" goes with "length: promised" only: an answer that passes for whole keeps its connection',
    path: ['end'],
    ...ofKind('contradiction'),
  });

type Spec = Place | z.output<typeof map>;

/** Cuts the download short. */
export const truncate = {
  name: 'truncate',
  summary: 'cuts the answer short, with its length as promised or quietly smaller',
  schema: z.union([placeText, map]),
  compile(spec): FaultAction {
    const place = placeOf(spec);
    const { end = 'fin', length = 'promised' } = typeof spec === 'object' && 'at' in spec ? spec : {};
    return {
      summary: `cuts the download off ${placeInWords(place)} and ${length === 'sent' ? 'passes it off as whole' : `${end === 'rst' ? 'resets' : 'closes'} the connection`}`,
      phase: 'response',
      place,
      answers: true,
      async inject(context, next) {
        const answer = await next();
        if (answer === undefined) return undefined;
        const whole = downloadLength(answer);
        const bytes = bytesBefore(place, whole);
        const onReach = length === 'sent' ? () => 'end' as const : closingAs(context, end);
        // An answer that is cut at its end is whole. Only an answer in chunks lacks its last chunk, with `promised`.
        const isWithin = length === 'sent' || whole !== undefined;
        const stage = atPoint({ bytes, length: whole, isWithin, onReach, onMiss: context.skip });
        if (length === 'sent' && bytes === Number.POSITIVE_INFINITY) stage.miss();
        downloadThrough(context, answer, stage);
        return length === 'sent' && !stage.isMissed ? promising(answer, bytes) : answer;
      },
    };
  },
} as const satisfies FaultKind<Spec>;

/** Returns the place. The short form has no phase, because the fault acts on only one body. */
function placeOf(spec: Spec): Place {
  if (typeof spec !== 'object' || !('at' in spec)) return spec;
  return 'place' in spec.at ? spec.at.place : 'end';
}

/** Copies an answer with this length, if it has a Content-Length. */
function promising(answer: UpstreamAnswer, bytes: number): UpstreamAnswer {
  const rawHeaders = answer.rawHeaders.map((value, i, all) =>
    i % 2 === 1 && all[i - 1]?.toLowerCase() === 'content-length' ? String(bytes) : value,
  );
  return changedAnswer(answer, { rawHeaders });
}
