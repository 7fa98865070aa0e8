import type { ClientRequest } from 'node:http';
import type { Exchange } from '../exchange/exchange.ts';
import { pump } from '../http/stream.ts';
import { hasBody } from './outgoing-head.ts';

/** Sends the client's body on through the stages of the exchange, or what stands in its place, and ends the outgoing request. */
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
  // What the upstream did not read is still to be read, or the client could not get past it to the answer.
  outgoing.once('close', () => {
    request.unpipe();
    request.resume();
  });
  // Before the stages: what came in is what the client has sent, whatever became of it.
  exchange.countUpload();
  // A stage may hold back even the first byte; the head is not its business.
  if (exchange.upload.length > 0) outgoing.flushHeaders();
  const sent = { body: request, trailers: () => request.rawTrailers };
  pump(sent, outgoing, undefined, exchange.upload, () =>
    exchange.upload.length === 0 ? outgoing.end() : exchange.endBody(outgoing),
  );
}
