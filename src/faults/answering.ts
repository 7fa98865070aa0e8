import { unlessClientGone } from '../exchange/outcome.ts';
import type { Reply } from '../exchange/reply.ts';
import type { UpstreamAnswer } from '../exchange/upstream-answer.ts';
import { captureErrorCode } from '../http/error-code.ts';
import { without } from '../http/headers.ts';
import type { Answer, FaultContext, Next } from './fault.ts';
import { bytesBefore, isBeyond, type Place, uploadLength } from './point.ts';

/** How often white space is sent while an embedded error is held back, in ms. */
const PAD_EVERY = 100;

/** What comes between a request and an answer that does not wait for the upstream. */
interface EarlyAnswer {
  /** Up to where the upload is read first; left out, the client is not asked for it. */
  readonly place: Place | undefined;
  /** ms by which `100 Continue`, or the answer in its stead, is late for a client that waits for it. */
  readonly continueDelay: number;
  /** `100 Continue` is sent and the answer right behind it, for a client that waits for it. */
  readonly sendContinueFirst: boolean;
  /** ms to wait before the answer. */
  readonly wait: number;
  /** Whether the connection ends with the answer. */
  readonly close: boolean;
}

/** Answers before anything is forwarded, or once so much of the upload is there; a body that ends before is forwarded. */
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
 * Answers in the place of an upstream that has done what it was asked, keeping some of its headers; where it has not, its
 * own answer is passed on: "stored, but …" would be a lie.
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

/** Answers 200 at once, and sends the body of an error when the upstream has answered; meanwhile white space for so many ms. */
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
    padding === undefined ? undefined : setInterval(() => exchange.send(Buffer.from('\r\n')), PAD_EVERY);
  try {
    if (pad) exchange.send(Buffer.from('\r\n'));
    // The 200 is out: whatever became of the upstream, the client gets the embedded error, and the journal the truth.
    const [upstream] = await Promise.all([next().catch(unlessClientGone), context.wait(padding ?? 0)]);
    if (upstream) await drain(context, upstream);
  } finally {
    clearInterval(pad);
  }
  exchange.send(body);
  exchange.end();
  return undefined;
}

/** An answer of which the head goes out first: nobody knows its length by then, and the connection has to outlast it. */
export function openEnded<Answer extends Reply>(written: Answer): Answer {
  const refused = new Set(['content-length', 'connection']);
  return { ...written, headers: without(written.headers, (name) => refused.has(name)) };
}

/** Reads an upstream's answer that the client will not see to its end, so that its connection can be used again. */
export async function drain({ exchange }: FaultContext, upstream: UpstreamAnswer): Promise<void> {
  const { body } = upstream;
  if (body.destroyed) return;
  captureErrorCode(upstream, exchange);
  const closed = new Promise((resolve) => body.once('close', resolve));
  body.resume();
  await closed;
}
