import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { z } from 'zod';
import type { Problem } from '../diagnostics/problem.ts';
import { unlessClientGone } from '../exchange/outcome.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { size } from '../notation/quantity.ts';
import { drain } from './answering.ts';
import type { Answer, FaultAction, FaultContext, FaultKind, Next } from './fault.ts';
import { uploadLength } from './point.ts';

/** Default of `limit`, in bytes. */
const LIMIT = 64 * 1024 ** 2;

const map = z.strictObject({
  relay: z
    .enum(['first', 'second'])
    .optional()
    .describe('Answer that the client gets; if left out, the second'),
  limit: size.optional().describe('Largest body that is sent twice; if left out, 64MiB'),
});

type DuplicateSettings = z.output<typeof map>;

/** Sends the request to the upstream a second time when the first has been answered. */
export const duplicate = {
  name: 'duplicate',
  summary: 'the upstream gets the request twice',
  schema: z.union([z.literal(true), map]),
  compile(spec): FaultAction | Problem[] {
    const { relay = 'second', limit = LIMIT } = spec === true ? {} : spec;
    const folder = tmpdir();
    if (!isWritable(folder)) {
      const message = `bodies are kept in ${folder}, which is not writable. set TMPDIR to a writable folder`;
      return [{ path: [], kind: 'bad-file', message }];
    }
    return {
      summary: `sends the request to the upstream twice and passes on the ${relay} answer`,
      phase: 'commit',
      forwards: true,
      inject: (context, next) => sendTwice(context, next, relay, limit),
    };
  },
} as const satisfies FaultKind<true | DuplicateSettings>;

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function sendTwice(
  context: FaultContext,
  next: Next,
  relay: 'first' | 'second',
  limit: number,
): Promise<Answer> {
  const { exchange } = context;
  const length = uploadLength(exchange.request);
  const spool = length !== 0 && (length ?? 0) <= limit ? await openSpool(limit) : undefined;
  if (length !== 0 && spool === undefined) return sendOnce(context, next);
  try {
    if (spool) exchange.upload.push(spool.stage);
    const first = await next();
    if (!first) return undefined;
    if (spool && !spool.isWhole(length)) {
      await spool.close();
      context.skip();
      return first;
    }
    const again = () => {
      exchange.uploadOverride = spool && {
        body: spool.read(),
        trailers: () => exchange.request.rawTrailers,
      };
      return next();
    };
    return await (relay === 'first' ? relayFirst(context, first, again) : relaySecond(context, first, again));
  } catch (error) {
    await spool?.close();
    throw error;
  }
}

function sendOnce(context: FaultContext, next: Next): Promise<Answer> {
  context.skip();
  return next();
}

async function relaySecond(context: FaultContext, first: UpstreamAnswer, again: Next): Promise<Answer> {
  const { exchange } = context;
  await drain(context, first);
  // The journal shall have the answer that is passed on.
  exchange.upstreamStatus = undefined;
  exchange.upstreamCode = undefined;
  return again();
}

/** Sends the request again. Meanwhile the first answer is held back, unread. */
async function relayFirst(context: FaultContext, first: UpstreamAnswer, again: Next): Promise<Answer> {
  const { exchange } = context;
  // The client gets the first answer, even if the second request fails.
  const second = await again().catch(unlessClientGone);
  if (second) await drain(context, second);
  exchange.upstreamStatus = first.status;
  exchange.upstreamCode = undefined;
  return first;
}

/** Copy of a body in a file without a name. The file disappears when this process ends in any way. */
interface Spool {
  readonly stage: Transform;
  /** Tells whether the whole body is in the file. `length` is the length in the head of the request, if it has one. */
  isWhole(length: number | undefined): boolean;
  /** Reads the body from its start, and closes the file. Can be called once. */
  read(): Readable;
  close(): Promise<void>;
}

/** Opens a spool for that many bytes. Resolves with `undefined` if no file can be made. */
async function openSpool(limit: number): Promise<Spool | undefined> {
  const file = await openUnnamedFile().catch(() => undefined);
  if (file === undefined) return undefined;
  let bytes = 0;
  let state: 'open' | 'whole' | 'lost' = 'open';
  const keep = async (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limit) state = 'lost';
    if (state !== 'open') return;
    await file.appendFile(chunk).catch(() => {
      state = 'lost';
    });
  };
  const stage = new Transform({
    transform: (chunk: Buffer, _, done) => void keep(chunk).then(() => done(null, chunk)),
    flush: (done) => {
      if (state === 'open') state = 'whole';
      done();
    },
  });
  return {
    stage,
    isWhole: (length) => state === 'whole' || (state === 'open' && bytes === length),
    read: () => file.createReadStream({ start: 0 }),
    close: () => file.close(),
  };
}

async function openUnnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `brownout-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
