import { unlessClientGone } from '../exchange/outcome.ts';
import type { Reply } from '../exchange/reply.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { captureErrorCode } from '../http/error-code.ts';
import { without } from '../http/headers.ts';
import type { Answer, FaultContext, Next } from './fault.ts';
import { bytesBefore, isBeyond, type Place, uploadLength } from './point.ts';

/** Interval at which white space is sent while an embedded error is held back, in ms. */
const PADDING_INTERVAL = 100;

/** Steps between a request and an answer that does not wait for the upstream. */
interface EarlyAnswer {
  /** Place up to which the upload is read first; if left out, the client is not asked for its body. */
  readonly place: Place | undefined;
  /** Time that a client waits for `100 Continue`, or for the answer instead, in ms. */
  readonly continueDelay: number;
  /** A client that waits for `100 Continue` gets it, and the answer right after it. */
  readonly sendContinueFirst: boolean;
  /** Time before the answer, in ms. */
  readonly wait: number;
  /** The connection ends after the answer. */
  readonly close: boolean;
}

/** Answers before anything is forwarded. If the upload ends before the place, the request is forwarded instead. */
export async function answerEarly(
  context: FaultContext,
  next: Next,
  write: () => Reply,
  { place, continueDelay, sendContinueFirst, wait, close }: EarlyAnswer,
): Promise<Answer> {
  const { exchange } = context;
  const length = uploadLength(exchange.request);
  if (place !== undefined && isBeyond(place, length)) {
    context.skip();
    return next();
  }
  if (continueDelay > 0 && exchange.awaitsContinue) await context.wait(continueDelay);
  if (sendContinueFirst) exchange.askForBody();
  if (place !== undefined) await exchange.receive(bytesBefore(place, length));
  if (wait > 0) await context.wait(wait);
  exchange.answer({ ...write(), close });
  return undefined;
}

/**
 * Answers instead of an upstream that has succeeded, and keeps some of its headers. If the upstream has failed, its answer
 * is passed on: "stored, but …" would be wrong.
 */
export async function answerAfterCommit(
  context: FaultContext,
  next: Next,
  write: () => Reply,
  keep: (upstream: UpstreamAnswer, written: Reply) => readonly string[] = () => [],
): Promise<Answer> {
  const upstream = await next();
  if (!upstream) return undefined;
  if (Math.floor(upstream.status / 100) !== 2) {
    context.skip();
    return upstream;
  }
  await drain(context, upstream);
  const written = write();
  context.exchange.answer({ ...written, headers: [...written.headers, ...keep(upstream, written)] });
  return undefined;
}

/** Answers 200 at once, and white space for `padding` ms. Sends the body of an error when the upstream has answered. */
export async function embed(
  context: FaultContext,
  next: Next,
  written: Reply,
  padding: number | undefined,
): Promise<Answer> {
  const { exchange } = context;
  const { body, ...head } = openEnded(written);
  exchange.askForBody();
  exchange.begin({ ...head, status: 200, reason: 'OK' });
  const pad =
    padding === undefined
      ? undefined
      : setInterval(() => exchange.send(Buffer.from('\r\n')), PADDING_INTERVAL);
  try {
    if (pad) exchange.send(Buffer.from('\r\n'));
    // The 200 has been sent, so the client gets the embedded error even if the upstream fails. The journal has the failure.
    const [upstream] = await Promise.all([next().catch(unlessClientGone), context.wait(padding ?? 0)]);
    if (upstream) await drain(context, upstream);
  } finally {
    clearInterval(pad);
  }
  exchange.send(body);
  exchange.end();
  return undefined;
}

/** Removes the headers that cannot be sent before the body is known. */
export function openEnded<Answer extends Reply>(written: Answer): Answer {
  const refused = new Set(['content-length', 'connection']);
  return { ...written, headers: without(written.headers, (name) => refused.has(name)) };
}

/** Reads an answer that the client does not get to its end. After that, the upstream's connection can be used again. */
export async function drain({ exchange }: FaultContext, upstream: UpstreamAnswer): Promise<void> {
  const { body } = upstream;
  if (body.destroyed) return;
  captureErrorCode(upstream, exchange);
  const closed = new Promise((resolve) => body.once('close', resolve));
  body.resume();
  await closed;
}
