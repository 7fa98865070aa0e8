import type { Exchange } from '../exchange/exchange.ts';
import { Injection } from '../exchange/injection.ts';
import type { Answer, Fault, FaultContext, Next } from '../faults/fault.ts';
import { headerText } from '../http/headers.ts';
import type { Fired } from '../rules/decide.ts';
import type { Forwarder } from '../upstream/forwarder.ts';

/** Runs the faults of the rule that fired. Each wraps the next one; the innermost step forwards the request. */
export async function inject(
  { rule, roll }: Fired,
  exchange: Exchange,
  forwarder: Forwarder,
  stealth: boolean,
): Promise<Answer> {
  const { name, label = name, faults, provider, settings } = rule;
  const mark = stealth ? undefined : headerText(name);
  const injection = new Injection({
    rule: name,
    label,
    provider: provider.name,
    faults,
    settings,
    roll,
    mark,
  });
  exchange.injection = injection;
  const forward: Next = () => forwarder.forward(exchange);
  return nested(faults).reduceRight<Next>((next, fault) => {
    const context = contextFor(fault, exchange, injection);
    return () => fault.inject(context, next);
  }, forward)();
}

/** Makes the context of a fault, which is bound to the kind of the fault. */
function contextFor({ kind }: Fault, exchange: Exchange, injection: Injection): FaultContext {
  return {
    exchange,
    idTail: injection.idTail,
    roll: (detail = '') => injection.roll(kind + detail),
    recordDraw: (settings) => injection.recordDraw(kind, settings),
    skip: () => injection.skip(kind),
    wait: (ms) => exchange.wait(ms),
    hold: (ms) => {
      if (!exchange.response.destroyed) injection.markActive(kind);
      return exchange.wait(ms);
    },
  };
}

/** Orders faults from the outermost to the innermost. Those that act on the answer come in reverse, because the inner one acts first. */
function nested(faults: readonly Fault[]): Fault[] {
  const rest = faults.filter(({ forwards }) => !forwards);
  const actsOnAnswer = ({ phase }: Fault) => phase === 'commit' || phase === 'response';
  return [
    ...rest.filter((each) => !actsOnAnswer(each)),
    ...rest.filter(actsOnAnswer).reverse(),
    ...faults.filter(({ forwards }) => forwards),
  ];
}
