import { z } from 'zod';
import { duration } from '../notation/quantity.ts';
import { formatDuration } from '../notation/units.ts';
import { atPoint, downloadThrough, type PointStage, uploadThrough } from './at-point.ts';
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
  at: point.describe('Point at which bytes stop moving'),
  for: duration.optional().describe('Time after which they move on; if left out, they never do'),
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
      summary: `stalls ${pointInWords(at)} ${until}`,
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
  let held: Promise<void> | undefined;
  const holdOnce = () => {
    held = hold();
    return held;
  };
  const length = uploadLength(context.exchange.request);
  // Nothing moves in a stall. An answer to half of the upload, or a failure, waits until the stall is over.
  const nextAfterHold = () => next().finally(() => held);
  return uploadThrough(context, nextAfterHold, stageAt(context, place, length, holdOnce));
}

async function stallAnswer(next: Next, hold: Hold): Promise<Answer> {
  const answer = await next();
  if (answer) await hold();
  return answer;
}

async function stallDownload(context: FaultContext, next: Next, place: Place, hold: Hold): Promise<Answer> {
  const answer = await next();
  if (answer) downloadThrough(context, answer, stageAt(context, place, downloadLength(answer), hold));
  return answer;
}

function stageAt(
  { skip }: FaultContext,
  place: Place,
  length: number | undefined,
  onReach: Hold,
): PointStage {
  return atPoint({ bytes: bytesBefore(place, length), length, onReach, onMiss: skip });
}
