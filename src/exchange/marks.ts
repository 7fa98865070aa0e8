/** What request ids of injected errors end in: digits of every provider's ids, and `FAILED` to whoever reads them. */
export const ID_TAIL = 'FA11ED';

/** Headers that mark an injected answer, names and values in turn; `rule` as a header can have it. */
export function marksOf(rule: string, fault: string): string[] {
  return ['x-brownout-rule', rule, 'x-brownout-fault', fault];
}

/** The header by which a request asks for a fault: a code, or the `fault` of a rule in YAML or JSON. */
export const FAULT_HEADER = 'x-brownout-fault';

/** The header of the answer that says why a fault was refused, under `stealth` too: nothing was injected. */
export const REFUSED_HEADER = 'x-brownout-refused';
