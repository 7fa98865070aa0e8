import { z } from 'zod';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { drain } from './answering.ts';
import { atPoint, closingAs, downloadThrough, type PointStage, uploadThrough } from './at-point.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import {
  bytesBefore,
  downloadLength,
  type Place,
  type Point,
  pointIn,
  pointInWords,
  uploadLength,
} from './point.ts';

const point = pointIn('headers', 'body', 'commit', 'response');

const map = z.strictObject({
  at: point.describe('Point at which the connection breaks off'),
  with: z
    .enum(['rst', 'fin'])
    .optional()
    .describe('rst: by a reset, the default. fin: by an orderly end of it'),
});

type Spec = Point | z.output<typeof map>;
type How = 'rst' | 'fin';

/** Breaks the client's connection off at a point of the exchange. */
export const reset = {
  name: 'reset',
  summary: 'breaks the connection off at a point, by a reset or by an orderly end',
  schema: z.union([point, map]),
  compile(spec): FaultAction {
    const { at, with: how = 'rst' }: z.output<typeof map> = 'phase' in spec ? { at: spec } : spec;
    return {
      summary: `${how === 'rst' ? 'resets' : 'closes'} the connection ${pointInWords(at)}`,
      phase: at.phase,
      place: 'place' in at ? at.place : undefined,
      answers: true,
      inject(context, next) {
        if (at.phase === 'body') return resetUpload(context, next, at.place, how);
        if (at.phase === 'response') return resetDownload(context, next, at.place, how);
        return at.phase === 'headers'
          ? context.exchange.cut(how).then(noAnswer)
          : loseAnswer(context, next, how);
      },
    };
  },
} as const satisfies FaultKind<Spec>;

function noAnswer(): undefined {}

async function resetUpload(context: FaultContext, next: Next, place: Place, how: How): Promise<Answer> {
  const length = uploadLength(context.exchange.request);
  const stage = atPoint({
    bytes: bytesBeforeEnd(place, length),
    length,
    onReach: closingAs(context, how),
    onMiss: context.skip,
  });
  const answer = await uploadThrough(context, next, stage);
  return stage.isMissed ? answer : undefined;
}

/** Counts the bytes before the place, at most all but one: an upstream that has the last byte stores the object. */
function bytesBeforeEnd(place: Place, length: number | undefined): number {
  const bytes = bytesBefore(place, length);
  if (length === undefined) return bytes;
  return bytes === length || bytes === Number.POSITIVE_INFINITY ? length - 1 : bytes;
}

async function loseAnswer(context: FaultContext, next: Next, how: How): Promise<Answer> {
  const { exchange } = context;
  const answer = await next();
  if (!answer) return undefined;
  // The head of an answer may come before the work is done (CompleteMultipartUpload). Its end comes after that.
  if (exchange.request.method !== 'GET') await drain(context, answer);
  await exchange.cut(how);
  return undefined;
}

async function resetDownload(context: FaultContext, next: Next, place: Place, how: How): Promise<Answer> {
  const answer = await next();
  if (answer) downloadThrough(context, answer, cutStage(context, answer, place, how));
  return answer;
}

function cutStage(context: FaultContext, answer: UpstreamAnswer, place: Place, how: How): PointStage {
  const length = downloadLength(answer);
  const bytes = bytesBefore(place, length);
  return atPoint({ bytes, length, onReach: closingAs(context, how), onMiss: context.skip });
}
