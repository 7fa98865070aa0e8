import type { Transform } from 'node:stream';
import { z } from 'zod';
import { spansOfAwsChunks, wholeChunk } from '../http/aws-chunked.ts';
import { isBodiless } from '../http/headers.ts';
import { falsify, HEADERS } from './falsify.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import { type Flipping, flipAt, flipSomewhere, placeByDice } from './flip.ts';
import { bytesBefore, lengthOf, type Place, pointIn } from './point.ts';

const SIDES = ['upload', 'download'] as const;
type CorruptedBody = (typeof SIDES)[number];

const map = z
  .strictObject({
    in: z.enum(SIDES).optional().describe('Which body; can be left out beside "at"'),
    bytes: z.int().min(1).optional().describe('How many bytes are flipped; 1 if left out'),
    at: pointIn('body', 'response')
      .optional()
      .describe('Where; left out: a place by the dice, not in the first KiB of a longer body'),
    header: z
      .enum(HEADERS)
      .optional()
      .describe('Leaves the bytes as they are and falsifies that header of the answer'),
  })
  .superRefine((given, context) => {
    const problem = problemOf(given);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

type CorruptSettings = z.output<typeof map>;
type Spec = CorruptedBody | CorruptSettings;

function problemOf({ in: side, bytes, at, header }: CorruptSettings): string | undefined {
  if (header !== undefined) {
    return side === undefined && bytes === undefined && at === undefined
      ? undefined
      : '"header" falsifies a header and leaves the bytes alone; it goes without "in", "bytes" and "at"';
  }
  if (side === undefined && at === undefined)
    return 'what is corrupted? say "in: upload", "in: download" or "header"';
  if (side !== undefined && at !== undefined && side !== sideOf(at.phase)) {
    return `"${at.text}" is a place in the ${sideOf(at.phase)}, and "in" says ${side}`;
  }
  return undefined;
}

function sideOf(phase: string): CorruptedBody {
  return phase === 'body' ? 'upload' : 'download';
}

/** Changes bytes of a body and leaves its checksums as they were, or the other way round. */
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
      summary: `flips ${bytes === 1 ? 'a byte' : `${bytes} bytes`} of the ${body}${at === undefined ? '' : ` at ${at.text}`}`,
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
  /** Left out: by the dice. */
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
  else answer.rawHeaders = falsified;
  return answer;
}

async function corruptUpload(context: FaultContext, next: Next, how: Flip): Promise<Answer> {
  const { request, facts, upload } = context.exchange;
  let isOver = false;
  let wasFlipped = false;
  const mayFlip = () => {
    wasFlipped ||= !isOver;
    return !isOver;
  };
  // Between an object's chunks stand their sizes and signatures; without those nothing would come to be checked.
  const spans = facts.chunkedSigning ? spansOfAwsChunks() : wholeChunk;
  upload.push(flipStage(context, how, facts.size ?? lengthOf(request), { count: how.bytes, spans, mayFlip }));
  const answer = await next();
  isOver = true;
  if (!wasFlipped) context.skip();
  return answer;
}

async function corruptDownload(context: FaultContext, next: Next, how: Flip): Promise<Answer> {
  const answer = await next();
  if (answer === undefined) return undefined;
  const length = lengthOf(answer);
  const place = placeIn(how, length);
  const isShort = length !== undefined && (place ?? 0) >= length;
  if (isShort || isBodiless(context.exchange.request.method, answer.statusCode)) {
    context.skip();
    return answer;
  }
  let wasFlipped = false;
  const mayFlip = () => {
    wasFlipped = true;
    return true;
  };
  const stage = flipStage(context, how, length, { count: how.bytes, spans: wholeChunk, mayFlip });
  stage.once('end', () => {
    if (!wasFlipped) context.skip();
  });
  context.exchange.download.push(stage);
  return answer;
}

function flipStage(
  context: FaultContext,
  how: Flip,
  length: number | undefined,
  flipping: Flipping,
): Transform {
  const place = placeIn(how, length);
  if (place !== undefined) return flipAt(place, flipping);
  const choose = (length: number) => {
    const chosen = placeByDice(context.roll(), length, how.bytes);
    const at = `${how.phase}:${chosen}B`;
    context.recordDraw(how.bytes === 1 ? { at } : { bytes: how.bytes, at });
    return chosen;
  };
  return length === undefined ? flipSomewhere(choose, flipping) : flipAt(choose(length), flipping);
}

/** Where the first byte to flip is; `undefined`: left to the dice. The end of a body is where its last ones are. */
function placeIn({ place, bytes }: Flip, length: number | undefined): number | undefined {
  if (place === undefined || length === undefined) return place && bytesBefore(place, length);
  const last = Math.max(0, length - bytes);
  return typeof place === 'object' && 'bytes' in place
    ? place.bytes
    : Math.min(bytesBefore(place, length), last);
}
