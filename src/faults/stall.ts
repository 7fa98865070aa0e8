import { z } from 'zod';
import { isBodiless } from '../http/headers.ts';
import { duration } from '../notation/quantity.ts';
import { formatDuration } from '../notation/units.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import { bytesBefore, holdAt, isBeyond, lengthOf, type Place, type Point, pointIn } from './point.ts';

const point = pointIn('headers', 'body', 'commit', 'response');

const map = z.strictObject({
  at: point.describe('Where bytes stop moving'),
  for: duration.optional().describe('They move on after so long; left out: they do not'),
});

type Spec = Point | z.output<typeof map>;

/** Stops moving bytes at a point, for a time or until the client leaves. */
export const stall = {
  name: 'stall',
  summary: 'stops moving bytes at a point, for a time or until the client leaves',
  schema: z.union([point, map]),
  compile(spec): FaultAction {
    const { at, for: time } = 'at' in spec ? spec : { at: spec };
    const until = time === undefined ? 'until the client leaves' : `for ${formatDuration(time)}`;
    return {
      summary: `stalls at ${at.text} ${until}`,
      phase: at.phase,
      place: 'place' in at ? at.place : undefined,
      answers: time === undefined,
      inject(context, next) {
        const hold = () => context.hold(time);
        if (at.phase === 'body') return stallUpload(context, next, at.place, hold);
        if (at.phase === 'response') return stallDownload(context, next, at.place, hold);
        return at.phase === 'headers' ? hold().then(next) : stallAnswer(next, hold);
      },
    };
  },
} as const satisfies FaultKind<Spec>;

type Hold = () => Promise<void>;

async function stallUpload(context: FaultContext, next: Next, place: Place, hold: Hold): Promise<Answer> {
  const { exchange } = context;
  let held: Promise<void> | undefined;
  const bytes = bytesBefore(place, lengthOf(exchange.request));
  exchange.upload.push(
    holdAt(bytes, () => {
      held = hold();
      return held;
    }),
  );
  // Nothing moves in a stall: an upstream that refuses half of an upload, or fails, is not heard before its end.
  const answer = await next().finally(() => held);
  if (held === undefined) context.skip();
  return answer;
}

async function stallAnswer(next: Next, hold: Hold): Promise<Answer> {
  const answer = await next();
  if (answer) await hold();
  return answer;
}

async function stallDownload(context: FaultContext, next: Next, place: Place, hold: Hold): Promise<Answer> {
  const { exchange, skip } = context;
  const answer = await next();
  if (!answer) return undefined;
  const length = lengthOf(answer);
  if (isBodiless(exchange.request.method, answer.statusCode) || isBeyond(place, length)) skip();
  else exchange.download.push(holdAt(bytesBefore(place, length), hold, skip));
  return answer;
}
