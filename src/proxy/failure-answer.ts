import { loadProvider } from '../catalog/catalog.ts';
import { type ErrorText, writeDocument } from '../catalog/document.ts';
import { providerFor } from '../catalog/recognition.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { REFUSED_HEADER } from '../exchange/marks.ts';
import { ClientGone } from '../exchange/outcome.ts';
import { subjectOf } from '../exchange/subject.ts';
import { headerText } from '../http/headers.ts';
import { UpstreamFailure } from '../upstream/upstream.ts';

/** Answers 400 to a request whose fault header is refused, in the dialect of the provider, or of the client if none is given. */
export function answerRefusal(exchange: Exchange, refusal: string, provider: string | undefined): void {
  exchange.refusal = refusal;
  const text = { code: 'InvalidArgument', status: 400, message: `brownout: ${refusal}` };
  // The answer to HEAD has no body, so only this header tells it from an answer of the upstream.
  answerWith(exchange, text, provider, [REFUSED_HEADER, headerText(refusal)]);
}

/**
 * Answers 502 or 504 if the upstream gave no answer, in the dialect of the provider, or of the client if none is given.
 * Any other error ends this exchange, but never the process.
 */
export function answerFailure(exchange: Exchange, error: unknown, provider: string | undefined): void {
  const { response } = exchange;
  if (error instanceof ClientGone || response.destroyed) return;
  if (!(error instanceof UpstreamFailure)) {
    giveUp(exchange, error);
    return;
  }
  const { status, message } = error;
  exchange.injection?.skip();
  exchange.clientSawFailure = true;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const code = status === 504 ? 'GatewayTimeout' : 'BadGateway';
  answerWith(exchange, { code, status, message: `brownout: ${message}.` }, provider);
}

function answerWith(
  exchange: Exchange,
  text: ErrorText,
  provider: string | undefined,
  headers: readonly string[] = [],
): void {
  const { facts } = exchange;
  try {
    const dialect = loadProvider(providerFor(facts, provider));
    const { requestId: _, ...reply } = writeDocument(dialect, text, subjectOf(facts), new Date());
    exchange.answer({ ...reply, headers: [...reply.headers, ...headers] });
  } catch (error) {
    giveUp(exchange, error);
  }
}

function giveUp({ response }: Exchange, error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
  response.destroy();
}
