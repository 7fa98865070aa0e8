import { Transform } from 'node:stream';
import { z } from 'zod';
import { ofKind } from '../diagnostics/problem.ts';
import { parsedWith } from '../notation/quantity.ts';
import { formatSize, parseSize, SIZE_HELP } from '../notation/units.ts';
import type { FaultAction, FaultContext, FaultKind } from './fault.ts';

/** Largest slice that is passed on at once, as ms of the rate; small enough for an even flow. */
const SLICE = 25;

/** Largest burst after a pause of the sender or of this process, as ms of the rate. */
const BURST = 100;

const rate = parsedWith(z.union([z.string(), z.number()], { error: SIZE_HELP }), (given): number => {
  if (/\/s$/.test(String(given))) throw new Error('a rate is always per second; leave "/s" out');
  const bytes = parseSize(given);
  if (bytes === 0) throw new RangeError('at 0 bytes per second nothing moves; that is a "stall"');
  return bytes;
}).meta({ description: 'Bytes per second: 64KiB, 1MiB' });

const map = z
  .strictObject({
    upload: rate.optional().describe('Bytes per second from the client to the upstream'),
    download: rate.optional().describe('Bytes per second from the upstream to the client'),
  })
  .refine(({ upload, download }) => (upload ?? download) !== undefined, {
    error: 'a throttle needs a rate: "upload", "download" or both',
    ...ofKind('missing-key'),
  });

type Spec = number | z.output<typeof map>;

/** Passes bodies on at a rate. Each exchange has the whole rate. */
export const throttle = {
  name: 'throttle',
  summary: 'lets bodies through at so many bytes per second',
  schema: z.union([rate, map]),
  compile(spec): FaultAction {
    const { upload, download } = typeof spec === 'number' ? { upload: spec, download: spec } : spec;
    return {
      summary: describe(upload, download),
      inject(context, next) {
        const { exchange, hold } = context;
        if (upload !== undefined) exchange.upload.push(atRate(upload, hold));
        if (download !== undefined) exchange.download.push(atRate(download, hold));
        return next();
      },
    };
  },
} as const satisfies FaultKind<Spec>;

/**
 * Makes a stage that passes on that many bytes per second. A slice is due at a time after the due time of the slice before,
 * not after the time when its timer fired: late timers do not add up.
 */
function atRate(bytesPerSecond: number, hold: FaultContext['hold']): Transform {
  const perMs = bytesPerSecond / 1000;
  const slice = Math.max(1, Math.floor(perMs * SLICE));
  let due: number | undefined;
  const pass = async (chunk: Buffer, to: Transform) => {
    for (let at = 0; at < chunk.length; at += slice) {
      const bytes = chunk.subarray(at, at + slice);
      const now = performance.now();
      due = Math.max(due ?? now, now - BURST) + bytes.length / perMs;
      if (due - now >= 1) await hold(due - now);
      to.push(bytes);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      pass(chunk, this).then(() => done(), done);
    },
  });
}

function describe(upload: number | undefined, download: number | undefined): string {
  if (upload === download && upload !== undefined) return `lets ${formatSize(upload)} per second pass`;
  const ways = [
    upload === undefined ? [] : `${formatSize(upload)} per second up`,
    download === undefined ? [] : `${formatSize(download)} per second down`,
  ];
  return `lets ${ways.flat().join(' and ')} pass`;
}
