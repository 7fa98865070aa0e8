import { z } from 'zod';
import { ofKind } from '../diagnostics/problem.ts';
import { changedAnswer } from '../exchange/upstream-answer.ts';
import { type Spans, spansOfAwsChunks, wholeChunk } from '../http/aws-chunked.ts';
import { atPoint, downloadThrough, type PointStage, uploadThrough } from './at-point.ts';
import { falsify, HEADERS } from './falsify.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import { flipNext, flipSomewhere, placeByDice } from './flip.ts';
import { bytesBefore, downloadLength, type Place, pointIn, pointInWords, uploadLength } from './point.ts';

const SIDES = ['upload', 'download'] as const;
type CorruptedBody = (typeof SIDES)[number];

const map = z
  .strictObject({
    in: z.enum(SIDES).optional().describe('Body that is corrupted; can be left out if there is "at"'),
    bytes: z.int().min(1).optional().describe('Number of bytes that are flipped; 1 if left out'),
    at: pointIn('body', 'response')
      .optional()
      .describe('Place; if left out, the dice choose one, not in the first KiB of a longer body'),
    header: z
      .enum(HEADERS)
      .optional()
      .describe('Header of the answer that is falsified; the bytes stay as they are'),
  })
  .superRefine((given, context) => {
    const problem = problemOf(given);
    if (problem !== undefined) context.addIssue({ code: 'custom', ...problem });
  });

type CorruptSettings = z.output<typeof map>;
type Spec = CorruptedBody | CorruptSettings;

function problemOf({ in: side, bytes, at, header }: CorruptSettings) {
  if (header !== undefined) {
    const isAlone = side === undefined && bytes === undefined && at === undefined;
    const message =
      '"header" falsifies a header and does not change bytes; it cannot stand beside "in", "bytes" or "at"';
    return isAlone ? undefined : { message, ...ofKind('contradiction') };
  }
  if (side === undefined && at === undefined) {
    const message = 'what is corrupted? say "in: upload", "in: download" or "header"';
    return { message, ...ofKind('missing-key') };
  }
  if (side !== undefined && at !== undefined && side !== sideOf(at.phase)) {
    const message = `"${at.text}" is a place in the ${sideOf(at.phase)}, and "in" says ${side}`;
    return { message, ...ofKind('contradiction') };
  }
  return undefined;
}

function sideOf(phase: string): CorruptedBody {
  return phase === 'body' ? 'upload' : 'download';
}

/** Changes bytes of a body and leaves its checksums, or changes a checksum and leaves the bytes. */
export const corrupt = {
  name: 'corrupt',
  summary: 'flips bytes of a body and leaves its checksums, or falsifies a checksum and leaves the bytes',
  schema: z.union([z.enum(SIDES), map]),
  compile(spec): FaultAction {
    const {
      in: side,
      bytes = 1,
      at,
      header,
    }: CorruptSettings = typeof spec === 'string' ? { in: spec } : spec;
    if (header !== undefined) {
      return {
        summary: `falsifies the ${header === 'etag' ? 'ETag' : 'checksum'} of the answer`,
        phase: 'commit',
        inject: (context, next) => falsifyHeader(context, next, header),
      };
    }
    const body = side ?? sideOf(at?.phase ?? 'response');
    const phase = body === 'upload' ? 'body' : 'response';
    const how: Flip = {
      phase,
      bytes,
      place: at?.phase === 'body' || at?.phase === 'response' ? at.place : undefined,
    };
    return {
      summary: `flips ${bytes === 1 ? 'a byte' : `${bytes} bytes`} ${at === undefined ? `of the ${body}` : pointInWords(at)}`,
      phase,
      place: at !== undefined && 'place' in at ? at.place : undefined,
      rolls: at === undefined,
      inject: (context, next) =>
        body === 'upload' ? corruptUpload(context, next, how) : corruptDownload(context, next, how),
    };
  },
} as const satisfies FaultKind<Spec>;

interface Flip {
  readonly phase: 'body' | 'response';
  readonly bytes: number;
  /** Place of the first byte; `undefined` leaves it to the dice. */
  readonly place: Place | undefined;
}

async function falsifyHeader(
  context: FaultContext,
  next: Next,
  header: (typeof HEADERS)[number],
): Promise<Answer> {
  const answer = await next();
  if (answer === undefined) return undefined;
  const falsified = falsify(answer.rawHeaders, header);
  if (falsified === undefined) context.skip();
  return falsified === undefined ? answer : changedAnswer(answer, { rawHeaders: falsified });
}

async function corruptUpload(context: FaultContext, next: Next, how: Flip): Promise<Answer> {
  const { request, facts } = context.exchange;
  // Sizes and signatures between the chunks stay as they are. Otherwise the upstream could not read the object.
  const spans = facts.chunkedSigning ? spansOfAwsChunks() : wholeChunk;
  return uploadThrough(context, next, flipStage(context, how, facts.size ?? uploadLength(request), spans));
}

async function corruptDownload(context: FaultContext, next: Next, how: Flip): Promise<Answer> {
  const answer = await next();
  if (answer) downloadThrough(context, answer, flipStage(context, how, downloadLength(answer), wholeChunk));
  return answer;
}

function flipStage(context: FaultContext, how: Flip, length: number | undefined, spans: Spans): PointStage {
  const choose = (length: number) => {
    const chosen = placeByDice(context.roll(), length, how.bytes);
    const at = `${how.phase}:${chosen}B`;
    context.recordDraw(how.bytes === 1 ? { at } : { bytes: how.bytes, at });
    return chosen;
  };
  const onMiss = () => context.skip();
  const place = placeIn(how, length) ?? (length === undefined ? undefined : choose(length));
  if (place === undefined) return flipSomewhere({ count: how.bytes, choose, onMiss });
  const onReach = () => flipNext(how.bytes);
  const stage = atPoint({ bytes: place, length, isWithin: true, spans, onReach, onMiss });
  // The last bytes of a body without a length are known only after they have been passed on.
  if (place === Number.POSITIVE_INFINITY) stage.miss();
  return stage;
}

/** Returns the place of the first byte to flip; `undefined` leaves it to the dice. `end` means the last bytes. */
function placeIn({ place, bytes }: Flip, length: number | undefined): number | undefined {
  if (place === undefined || length === undefined) return place && bytesBefore(place, length);
  const last = Math.max(0, length - bytes);
  return typeof place === 'object' && 'bytes' in place
    ? place.bytes
    : Math.min(bytesBefore(place, length), last);
}
