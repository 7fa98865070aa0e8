/** Finds the object's own bytes in each chunk of a body, as pairs of from and to. */
export type Spans = (chunk: Buffer) => readonly (readonly [number, number])[];

/** Spans of a body that is the object and nothing else. */
export const wholeChunk: Spans = (chunk) => [[0, chunk.length]];

/**
 * Makes the spans of an `aws-chunked` body: `size;chunk-signature=…`, that many bytes, and so on, then trailers (AWS S3,
 * "Signature calculations for the authorization header: transferring a payload in multiple chunks").
 */
export function spansOfAwsChunks(): Spans {
  let line = '';
  let left = 0;
  return (chunk) => {
    const spans: [number, number][] = [];
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const to = Math.min(at + left, chunk.length);
        spans.push([at, to]);
        left -= to - at;
        at = to;
        continue;
      }
      const end = chunk.indexOf('\n', at);
      const to = end < 0 ? chunk.length : end;
      // A size has 16 digits at most. Other lines (the line break after data, a trailer) count as size 0.
      line = (line + chunk.toString('latin1', at, to)).slice(0, 20);
      at = to + 1;
      if (end < 0) break;
      left = Number.parseInt(/^[0-9a-f]{1,12}(?=;|\r|$)/i.exec(line)?.[0] ?? '0', 16);
      line = '';
    }
    return spans;
  };
}

/** Extracts the object from a whole `aws-chunked` body, without signatures and trailers; `undefined` if the body is malformed. */
export function unwrapAwsChunked(body: Buffer): Buffer | undefined {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const start = body.indexOf('\n', at) + 1;
    const [hex = ''] = /^[\da-f]{1,8}(?=;|\r)/i.exec(body.toString('latin1', at, start)) ?? [];
    const end = start + Number.parseInt(hex, 16);
    if (!(end <= body.length)) return undefined;
    if (end === start) return Buffer.concat(pieces);
    pieces.push(body.subarray(start, end));
    at = end + 2;
  }
}
