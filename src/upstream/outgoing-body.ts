import type { ClientRequest } from 'node:http';
import type { Exchange } from '../exchange/exchange.ts';
import { pump } from '../http/stream.ts';
import { hasBody } from './outgoing-head.ts';

/** Sends the client's body, or the one that replaces it, to the upstream, and ends the outgoing request. */
export function writeOutgoingBody(outgoing: ClientRequest, exchange: Exchange): void {
  const { request, uploadOverride } = exchange;
  if (!hasBody(request)) {
    outgoing.end();
    return;
  }
  if (uploadOverride) {
    uploadOverride.body.once('error', (error) => outgoing.destroy(error));
    outgoing.once('close', () => uploadOverride.body.destroy());
    pump(uploadOverride, outgoing, undefined);
    return;
  }
  exchange.askForBody();
  // Some clients read the answer only after they have sent all, so the rest of the upload must be read.
  outgoing.once('close', () => {
    request.unpipe();
    request.resume();
  });
  // Counted before the stages, because the bytes that the client has sent count.
  exchange.countUpload();
  // A stage may hold back even the first byte of the body. The head does not wait for it.
  if (exchange.upload.length > 0) outgoing.flushHeaders();
  const sent = { body: request, trailers: () => request.rawTrailers };
  pump(sent, outgoing, undefined, exchange.upload, () =>
    exchange.upload.length === 0 ? outgoing.end() : exchange.endBody(outgoing),
  );
}
