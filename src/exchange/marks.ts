/** End of the request ids of injected errors: digits that all providers use, which people read as `FAILED`. */
export const ID_TAIL = 'FA11ED';

/** Returns the headers that mark an injected answer, names and values in turn; `rule` must be a header value. */
export function marksOf(rule: string, fault: string): string[] {
  return ['x-brownout-rule', rule, 'x-brownout-fault', fault];
}

/** Header by which a request asks for a fault: a code, or the `fault` of a rule in YAML or JSON. */
export const FAULT_HEADER = 'x-brownout-fault';

/** Header of the answer that says why a fault was refused; sent with `stealth` too, because nothing was injected. */
export const REFUSED_HEADER = 'x-brownout-refused';
