import { type Readable, Transform } from 'node:stream';
import { z } from 'zod';
import { findEntry } from '../catalog/catalog.ts';
import { ofKind, type Problem } from '../diagnostics/problem.ts';
import { alternatives } from '../diagnostics/zod-issues.ts';
import { changedAnswer, type UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { FRAMING, headerValue, without } from '../http/headers.ts';
import { bodyOf } from '../http/stream.ts';
import { compileGlob, globOf, globText } from '../notation/glob.ts';
import { type KeyRefusal, type ObjectName, readDeleteRequest, refuseIn } from './delete-result.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import { notDocumented } from './not-documented.ts';

/** Largest request or answer that is read as a whole, in bytes. A larger one passes unchanged. */
const MAX_BODY = 1024 ** 2;

const settings = z
  .strictObject({
    keys: z
      .union([globText, z.array(globText).min(1)])
      .optional()
      .describe('Keys that fail: a glob, or a list of globs'),
    share: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('Share of the keys that fail, from 0 to 1, by the dice'),
    count: z.int().min(1).optional().describe('Number of keys that fail: the first ones of the request'),
    code: z.string().optional().describe("Code of the provider's catalog; if left out, InternalError"),
    message: z.string().optional().describe('Message instead of the documented one'),
  })
  .refine(({ keys, share, count }) => keys !== undefined || share !== undefined || count !== undefined, {
    error: 'which keys fail? say "keys", "share" or "count"',
    ...ofKind('missing-key'),
  });

type PartialSettings = z.output<typeof settings>;

/** Reports some keys of a DeleteObjects as not deleted, inside a 200. The upstream has deleted them. */
export const partial = {
  name: 'partial',
  summary: 'DeleteObjects: some keys fail inside a 200 answer',
  schema: settings,
  compile(set, provider): FaultAction | Problem[] {
    const code = set.code ?? 'InternalError';
    const entry = findEntry(provider, code);
    const format = provider.dialect.formats.xml;
    if (entry === undefined) return [notDocumented(provider, code)];
    if (format === undefined) {
      const message = `${provider.name} writes no XML, and DeleteObjects is answered in it`;
      return [{ path: [], kind: 'contradiction', message }];
    }
    const refusal = { code: entry.code, message: set.message ?? entry.message, format };
    const chooses = keyChooser(set);
    return {
      code: entry.code,
      summary: `answers ${entry.code} for ${describe(set)} although the upstream deletes them`,
      phase: 'commit',
      rolls: set.share !== undefined,
      inject: (context, next) => refuseSome(context, next, chooses, refusal),
    };
  },
} as const satisfies FaultKind<PartialSettings>;

type Chooser = (objects: readonly ObjectName[], context: FaultContext) => readonly ObjectName[];

function keyChooser(set: PartialSettings): Chooser {
  const { keys, share, count } = set;
  const globs = [keys ?? '**'].flat().map((pattern) => compileGlob(pattern));
  const among = (objects: readonly ObjectName[]) =>
    objects.filter(({ key }) => globs.some((matches) => matches(key)));
  if (share === undefined) return (objects) => among(objects).slice(0, count);
  return (objects, context) => {
    const chosen = among(objects)
      .filter(({ key }) => context.roll(`\n${key}`) < share)
      .slice(0, count);
    recordKeys(context, set, chosen);
    return chosen;
  };
}

/** Characters of keys that an exchange can have in the journal. With more, the journal has the share instead. */
const MAX_RECORDED_KEYS = 64 * 1024;

function recordKeys(
  { recordDraw }: FaultContext,
  { share: _, ...set }: PartialSettings,
  chosen: readonly ObjectName[],
): void {
  const keys = [...new Set(chosen.map(({ key }) => globOf(key)))];
  if (keys.join('').length <= MAX_RECORDED_KEYS) recordDraw({ ...set, keys });
}

function describe({ keys, share, count }: PartialSettings): string {
  const some = [
    ...(count === undefined ? [] : [`the first ${count}`]),
    ...(share === undefined ? [] : [`${Number((share * 100).toFixed(4))}%`]),
  ].join(' of ');
  const globs = [keys ?? []].flat();
  const isLike = globs.some((each) => /[*?]/.test(each));
  const which = globs.length === 0 ? 'the keys' : `the keys ${isLike ? 'like ' : ''}${alternatives(globs)}`;
  return some === '' ? which : `${some} of ${which}`;
}

async function refuseSome(
  context: FaultContext,
  next: Next,
  chooses: Chooser,
  refusal: KeyRefusal,
): Promise<Answer> {
  const { facts, upload } = context.exchange;
  if (facts.operation !== 'DeleteObjects') {
    context.skip();
    return next();
  }
  const sent = new Copy();
  upload.push(sent.stage);
  const upstream = await next();
  const body = upstream?.status === 200 ? await readWhole(upstream.body) : undefined;
  if (!upstream || !body) {
    context.skip();
    return upstream;
  }
  const request = readDeleteRequest(sent.bytes(), facts.chunkedSigning);
  const refused = chooses(request.objects, context);
  const isReadable = headerValue(upstream.rawHeaders, 'content-encoding') === undefined;
  const rewritten = isReadable ? refuseIn(body.toString(), request, refused, refusal) : undefined;
  if (rewritten === undefined) context.skip();
  return rewritten === undefined
    ? changedAnswer(upstream, { body: bodyOf(body) })
    : withBody(upstream, Buffer.from(rewritten), refusal.format.contentType);
}

/** Copy of a body that passes through its stage. Nothing is kept of a body that is too large. */
class Copy {
  #chunks: Buffer[] = [];
  #length = 0;

  readonly stage = new Transform({
    transform: (chunk: Buffer, _, done) => {
      this.#length += chunk.length;
      if (this.#length > MAX_BODY) this.#chunks = [];
      else this.#chunks.push(chunk);
      done(null, chunk);
    },
  });

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** Reads a body. Resolves with `undefined` if it breaks off or is too large; then all of it can still be read. */
function readWhole(answer: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const read = () => {
      for (let chunk: Buffer | null = answer.read(); chunk !== null; chunk = answer.read()) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= MAX_BODY) continue;
        answer.off('readable', read);
        answer.unshift(Buffer.concat(chunks));
        resolve(undefined);
        return;
      }
    };
    answer.on('readable', read);
    answer.once('end', () => resolve(Buffer.concat(chunks)));
    answer.once('close', () => resolve(undefined));
  });
}

function withBody(answer: UpstreamAnswer, body: Buffer, contentType: string): UpstreamAnswer {
  const rawHeaders = without(answer.rawHeaders, (name) => FRAMING.has(name));
  if (headerValue(rawHeaders, 'content-type') === undefined) rawHeaders.push('Content-Type', contentType);
  rawHeaders.push('Content-Length', String(body.length));
  return changedAnswer(answer, { rawHeaders, body: bodyOf(body), trailers: () => [] });
}
