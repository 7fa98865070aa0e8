import type { Exchange } from '../exchange/exchange.ts';
import { Injection } from '../exchange/injection.ts';
import type { Answer, Fault, Next } from '../faults/fault.ts';
import { headerText } from '../http/headers.ts';
import type { Fired } from '../rules/decide.ts';
import type { Forwarder } from '../upstream/http-proxy.ts';

/** Runs the faults of the rule that fired one inside the other, forwarding at the core. */
export async function inject(
  { rule, roll }: Fired,
  exchange: Exchange,
  forwarder: Forwarder,
  stealth: boolean,
): Promise<Answer> {
  const { name, label = name, faults, provider, settings } = rule;
  const mark = stealth ? undefined : headerText(name);
  exchange.injection = new Injection({
    rule: name,
    label,
    provider: provider.name,
    faults,
    settings,
    roll,
    mark,
  });
  if (faults.length > 0) exchange.outcome = 'injected';
  const forward: Next = () => forwarder.forward(exchange);
  return nested(faults).reduceRight<Next>((next, fault) => () => fault.inject(exchange, next), forward)();
}

/** Outermost first. What acts on the way back nests the other way round, or the last would act first there. */
function nested(faults: readonly Fault[]): Fault[] {
  const rest = faults.filter(({ forwards }) => !forwards);
  const isOnTheWayBack = ({ phase }: Fault) => phase === 'commit' || phase === 'response';
  return [
    ...rest.filter((each) => !isOnTheWayBack(each)),
    ...rest.filter(isOnTheWayBack).reverse(),
    ...faults.filter(({ forwards }) => forwards),
  ];
}
