import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { isBodiless } from '../http/headers.ts';
import { formatSize } from '../notation/units.ts';
import { cutDownload, endAt } from './cut.ts';
import type { FaultAction, FaultContext, FaultKind } from './fault.ts';
import { bytesBefore, lengthOf, type Place, placeText, pointIn } from './point.ts';

const map = z
  .strictObject({
    at: pointIn('response').describe('How much of the answer arrives'),
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
        'How the connection ends, with length: promised. fin: in an orderly way, the default. rst: by a reset',
      ),
  })
  .refine(({ length, end }) => length !== 'sent' || end === undefined, {
    error: '"end" goes with "length: promised" only: an answer that passes for whole keeps its connection',
    path: ['end'],
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
      summary: `cuts the answer at ${describe(place)}, ${length === 'sent' ? 'as if that were all of it' : `then ${end.toUpperCase()}`}`,
      phase: 'response',
      place,
      answers: true,
      async inject(context, next) {
        const answer = await next();
        if (answer === undefined) return undefined;
        const bytes = bytesBefore(place, lengthOf(answer));
        if (isWhole(context, answer, bytes)) context.skip();
        else if (length === 'sent') shorten(context, answer, bytes);
        else cutDownload(context, answer, { bytes, how: end });
        return answer;
      },
    };
  },
} as const satisfies FaultKind<Spec>;

/** The short form's place has no phase, as only one body can be meant. */
function placeOf(spec: Spec): Place {
  if (typeof spec !== 'object' || !('at' in spec)) return spec;
  return 'place' in spec.at ? spec.at.place : 'end';
}

function describe(place: Place): string {
  if (place === 'end') return 'its end';
  return 'bytes' in place ? formatSize(place.bytes) : `${Number((place.share * 100).toFixed(2))}%`;
}

function isWhole({ exchange }: FaultContext, answer: IncomingMessage, bytes: number): boolean {
  const length = lengthOf(answer);
  return isBodiless(exchange.request.method, answer.statusCode) || (length !== undefined && bytes >= length);
}

/** Makes an answer promise and have so many bytes only. */
function shorten({ exchange, skip }: FaultContext, answer: IncomingMessage, bytes: number): void {
  answer.rawHeaders = answer.rawHeaders.map((value, i, all) =>
    i % 2 === 1 && all[i - 1]?.toLowerCase() === 'content-length' ? String(bytes) : value,
  );
  let isShort = false;
  const stage = endAt(bytes, () => {
    isShort = bytes !== Number.POSITIVE_INFINITY;
    return true;
  });
  stage.once('end', () => {
    if (!isShort) skip();
  });
  exchange.download.push(stage);
}
