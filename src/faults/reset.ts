import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { discard } from './answering.ts';
import { cutDownload, endAt } from './cut.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import { bytesBefore, isBeyond, lengthOf, type Place, type Point, pointIn } from './point.ts';

const point = pointIn('headers', 'body', 'commit', 'response');

const map = z.strictObject({
  at: point.describe('Where the connection breaks off'),
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
      summary: `${how === 'rst' ? 'resets' : 'closes'} the connection at ${at.text}`,
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
  const { exchange } = context;
  let isOver = false;
  const stage = endAt(bytesBeforeEnd(place, lengthOf(exchange.request)), () => {
    if (!isOver) exchange.closeAs = how;
    return !isOver;
  });
  exchange.upload.push(stage);
  const answer = await next();
  if (exchange.closeAs !== undefined) return undefined;
  // The upload had no such point, or the upstream did not wait for it.
  isOver = true;
  context.skip();
  return answer;
}

/** An upstream that has the last byte has it all and stores it, so the end comes one byte before. */
function bytesBeforeEnd(place: Place, length: number | undefined): number {
  const bytes = bytesBefore(place, length);
  if (length === undefined) return bytes;
  return bytes === length || bytes === Number.POSITIVE_INFINITY ? length - 1 : bytes;
}

async function loseAnswer(context: FaultContext, next: Next, how: How): Promise<Answer> {
  const { exchange } = context;
  const answer = await next();
  if (!answer) return undefined;
  // The head of an answer may come before the work is done (CompleteMultipartUpload); its end does not.
  if (exchange.request.method !== 'GET') await discard(context, answer);
  await exchange.cut(how);
  return undefined;
}

async function resetDownload(context: FaultContext, next: Next, place: Place, how: How): Promise<Answer> {
  const answer = await next();
  if (answer) cutAnswer(context, answer, place, how);
  return answer;
}

function cutAnswer(context: FaultContext, answer: IncomingMessage, place: Place, how: How): void {
  const length = lengthOf(answer);
  if (isBeyond(place, length)) context.skip();
  else cutDownload(context, answer, { bytes: bytesBefore(place, length), how });
}
