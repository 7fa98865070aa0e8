import { loadProvider } from '../catalog/catalog.ts';
import { type ErrorText, writeDocument } from '../catalog/document.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { REFUSED_HEADER } from '../exchange/marks.ts';
import { ClientGone } from '../exchange/outcome.ts';
import { subjectOf } from '../exchange/subject.ts';
import { headerText } from '../http/headers.ts';
import { providerFor } from '../request/provider.ts';
import { UpstreamFailure } from '../upstream/upstream.ts';
import { FaultRefused } from './header-faults.ts';

/**
 * Answers for an upstream that gave no answer, and a request for a fault that there is not, in the dialect of the
 * provider, or where none is given of the client. Whatever else goes wrong ends this exchange, and never the process.
 */
export function answerFailure(exchange: Exchange, reason: unknown, provider: string | undefined): void {
  const { response, facts } = exchange;
  if (reason instanceof ClientGone || response.destroyed) return;
  try {
    const text = note(exchange, reason);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const dialect = loadProvider(providerFor(facts, provider));
    const { requestId: _, ...reply } = writeDocument(dialect, text, subjectOf(facts), new Date());
    // The answer to HEAD has no body that could say it, and looks like the upstream's own.
    const mark = exchange.reason === undefined ? [] : [REFUSED_HEADER, headerText(exchange.reason)];
    exchange.answer({ ...reply, headers: [...reply.headers, ...mark] });
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
    response.destroy();
  }
}

/** Notes on the exchange why it failed, and says it to the client; what is no failure that can happen is thrown on. */
function note(exchange: Exchange, reason: unknown): ErrorText {
  if (reason instanceof FaultRefused) {
    exchange.outcome = 'refused';
    exchange.reason = reason.message;
    return { code: 'InvalidArgument', status: 400, message: `brownout: ${reason.message}` };
  }
  if (!(reason instanceof UpstreamFailure)) throw reason;
  const { status, message } = reason;
  exchange.injection?.skip();
  exchange.failed(status === 504 ? 'time-out' : 'no-answer');
  const code = status === 504 ? 'GatewayTimeout' : 'BadGateway';
  return { code, status, message: `brownout: ${message}.` };
}
