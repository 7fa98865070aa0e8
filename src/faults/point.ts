import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { headerValue } from '../http/headers.ts';
import { parsedWith } from '../notation/quantity.ts';
import { exactSize, parseSize } from '../notation/units.ts';

/** Place in a body: after a number of bytes, after a share of it (0 to 1), or at its end. */
export type Place = { readonly bytes: number } | { readonly share: number } | 'end';

/**
 * Moment of an exchange, on one time axis: `headers` (before anything is forwarded), `body:…` (within the upload),
 * `commit` (the upstream has answered, and the client has received nothing; `response:headers` is the same moment),
 * `response:…` (within the download).
 */
export type Point =
  | { readonly phase: 'headers' | 'commit'; readonly text: string }
  | { readonly phase: 'body' | 'response'; readonly place: Place; readonly text: string };

/** Phase of an exchange. */
export type Phase = Point['phase'];

const FORMS: Readonly<Record<Phase, string>> = {
  headers: 'headers',
  body: 'body:25%, body:5MiB, body:end',
  commit: 'commit (or response:headers)',
  response: 'response:50%, response:1MiB',
};

/** Makes the schema of points in these phases. Its message for any other text lists the forms of a point. */
export function pointIn(...phases: Phase[]) {
  const forms = phases.map((phase) => FORMS[phase]).join(', ');
  return parsedWith(z.string({ error: unlessMissing(`points are written ${forms}`) }), (text) =>
    readPoint(text, phases, forms),
  ).meta({ description: `A point of the exchange: ${forms}` });
}

/** Makes the same schema for a setting that can also be a word. */
export function pointOr<Word extends string>(word: Word, ...phases: Phase[]) {
  const forms = [...phases.map((phase) => FORMS[phase]), word].join(', ');
  return parsedWith(
    z.string({ error: unlessMissing(`points are written ${forms}`) }),
    (text): Point | Word => (text === word ? word : readPoint(text, phases, forms)),
  ).meta({ description: `A point of the exchange: ${forms}` });
}

/** Makes a message that is left out if the key is missing: then its value is not the problem. */
function unlessMissing(help: string) {
  return ({ input }: { readonly input?: unknown }) => (input === undefined ? undefined : help);
}

function readPoint(text: string, phases: readonly Phase[], forms: string): Point {
  const point = parsePoint(text, `points are written ${forms}`);
  if (phases.includes(point.phase)) return point;
  throw new Error(`"${text}" cannot be used here; points are written ${forms}`);
}

function parsePoint(text: string, help: string): Point {
  if (text === 'headers' || text === 'commit') return { phase: text, text };
  if (text === 'response:headers') return { phase: 'commit', text };
  const [, phase, place] = /^(body|response):(.+)$/.exec(text) ?? [];
  if ((phase !== 'body' && phase !== 'response') || place === undefined) {
    throw new Error(`"${text}" is not a point of an exchange; ${help}`);
  }
  return { phase, place: parsePlace(place), text };
}

/** Schema of a place without a phase, for a fault that acts on only one body. */
export const placeText = parsedWith(
  z.string({ error: 'places are written 50%, 1MiB or end' }),
  parsePlace,
).meta({
  description: 'A place in the body: 50%, 1MiB, end',
});

function parsePlace(text: string): Place {
  if (text === 'end') return text;
  const [, percent] = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent === undefined) return { bytes: parseSize(text) };
  if (Number(percent) > 100)
    throw new RangeError(`${text} is more than the whole body; shares go from 0% to 100%`);
  return { share: Number(percent) / 100 };
}

/** Describes a point in words: `before the request is forwarded`, `at 25% of the upload`. */
export function pointInWords(point: Point): string {
  if ('place' in point) {
    return `${placeInWords(point.place)} of the ${point.phase === 'body' ? 'upload' : 'download'}`;
  }
  return point.phase === 'headers' ? 'before the request is forwarded' : 'after the upstream has answered';
}

/** Describes a place in words: `at 25%`, `after 5MiB`, `at the end`. */
export function placeInWords(place: Place): string {
  if (place === 'end') return 'at the end';
  return 'bytes' in place
    ? `after ${exactSize(place.bytes)}`
    : `at ${Number((place.share * 100).toFixed(4))}%`;
}

/** Tells whether a place comes after another in every body. Returns false if that depends on the length. */
export function isBehind(place: Place, other: Place): boolean {
  if (place === 'end' || other === 'end') return place === 'end' && other !== 'end';
  if ('share' in place && 'share' in other) return place.share > other.share;
  return 'bytes' in place && 'bytes' in other && place.bytes > other.bytes;
}

/** Counts the bytes before a place. Returns `Infinity` for the end of a body, and for a share of an unknown length. */
export function bytesBefore(place: Place, length: number | undefined): number {
  if (place === 'end') return Number.POSITIVE_INFINITY;
  if ('bytes' in place) return place.bytes;
  return length === undefined ? Number.POSITIVE_INFINITY : Math.floor(length * place.share);
}

/**
 * Returns the length of a request's body in bytes, if its head has it (RFC 9112 6.3). A body in chunks has no length.
 * Without either header, there is no body, so the length is 0.
 */
export function uploadLength({ headers }: Pick<IncomingMessage, 'headers'>): number | undefined {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
}

/** Returns the length of an answer's body in bytes, if its head has it. */
export function downloadLength({ rawHeaders }: UpstreamAnswer): number | undefined {
  if (headerValue(rawHeaders, 'transfer-encoding') !== undefined) return undefined;
  const length = headerValue(rawHeaders, 'content-length');
  return length === undefined ? undefined : Number(length);
}

/** Tells whether a body of this length ends before a place. Returns false if that is unknown. */
export function isBeyond(place: Place, length: number | undefined): boolean {
  return typeof place === 'object' && 'bytes' in place && length !== undefined && place.bytes > length;
}
