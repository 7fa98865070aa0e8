import type { IncomingMessage } from 'node:http';
import { providerFor } from '../catalog/recognition.ts';
import { requestSigns } from '../catalog/request-signs.ts';
import { BadRules } from '../diagnostics/diagnostic.ts';
import { valueSource } from '../diagnostics/plain-value.ts';
import { readYaml } from '../diagnostics/yaml.ts';
import { FAULT_HEADER } from '../exchange/marks.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import { without } from '../http/headers.ts';
import type { Facts } from '../request/facts.ts';
import { isSigned } from '../request/signature.ts';
import { RuleSet } from '../rules/decide.ts';
import { parseRules } from '../rules/load.ts';
import { LruMap } from '../rules/lru-map.ts';
import { ANY_REQUEST } from '../rules/match.ts';
import type { Rule } from '../rules/rule.ts';
import { Counts } from '../rules/trigger.ts';

/** Name of the rule of all these faults, in the journal and the metrics. */
const RULE_NAME = `${FAULT_HEADER} header`;

/** Bytes of a value, at most: a short YAML text can make a large value. */
const LONGEST_VALUE = 2048;

/** Characters of a refusal, at most: it stands in a header, where each may become nine. */
const LONGEST_SENTENCE = 800;

/** Values that are remembered with their rule, at most. */
const VALUES_KEPT = 500;

/** Reader of the faults that requests ask for by a header. */
export class HeaderFaults {
  readonly #provider: string | undefined;
  /** Rules by the value that they were read from; for a value that is no fault, a sentence that says why. */
  readonly #read = new LruMap<Rule | string>(VALUES_KEPT);

  /** @param provider provider of the codes; `undefined`: the one that the client speaks to */
  constructor(provider: string | undefined) {
    this.#provider = provider;
  }

  /**
   * Returns the fault that a request asks for, as a set of one rule. Returns a sentence for its client if the fault is
   * refused, `undefined` if it asks for none.
   */
  requestedBy(request: IncomingMessage, facts: Facts): RuleSet | string | undefined {
    if (facts.headers[FAULT_HEADER] === undefined) return undefined;
    if (isSigned(FAULT_HEADER, facts, requestSigns().signatures)) {
      return refusal(
        'is among the signed headers, and the upstream would refuse the signature without it. add it after signing',
      );
    }
    const [value = '', ...others] = request.headersDistinct[FAULT_HEADER] ?? [];
    if (others.length > 0) {
      return refusal(
        'is given more than once. put all faults into one map, such as { delay: 200ms, error: SlowDown }',
      );
    }
    if (value.length > LONGEST_VALUE)
      return refusal(`has ${value.length} bytes, and may have ${LONGEST_VALUE}`);
    const provider = providerFor(facts, this.#provider);
    const name = `${provider} ${value}`;
    const known = this.#read.get(name);
    const rule = known ?? readFault(value, provider);
    if (known === undefined) this.#read.set(name, rule);
    if (typeof rule === 'string') return refusal(rule);
    // New counts for each request: its draws depend on this request alone, and no counts of old values stay in memory.
    return new RuleSet([{ ...rule, counts: new Counts() }], new Map());
  }
}

function refusal(why: string): string {
  const sentence = `${FAULT_HEADER} ${why}`;
  return sentence.length > LONGEST_SENTENCE ? `${sentence.slice(0, LONGEST_SENTENCE)}…` : sentence;
}

/** Removes the fault header from the trailers, which come too late to ask for a fault. */
export function removeTrailer(request: IncomingMessage): void {
  request.once('end', () => {
    request.rawTrailers = without(request.rawTrailers, (name) => name === FAULT_HEADER);
  });
}

/** Reads a value as a rule for any request; returns a sentence if it cannot be read. */
function readFault(value: string, provider: string): Rule | string {
  // Node decodes a head as latin1: each byte is one character.
  const text = Buffer.from(value, 'latin1').toString();
  const { read, diagnostics } = readYaml({ name: FAULT_HEADER, text });
  if (read === undefined || diagnostics.length > 0) return sentence(diagnostics);
  const fault = typeof read.value === 'string' ? { error: read.value } : read.value;
  if (typeof fault !== 'object' || fault === null || Array.isArray(fault)) {
    return 'is neither a code, such as SlowDown, nor a map of faults, such as { reset: { at: commit } }';
  }
  const kind = FAULT_KINDS.find(({ name }) => name === read.value)?.name;
  if (kind !== undefined) return `names a kind of fault, which takes settings: { ${kind}: … }`;
  try {
    const source = valueSource(FAULT_HEADER, { rules: [{ name: RULE_NAME, fault }] });
    const loaded = parseRules([source], { provider, seed: RULE_NAME });
    if ('diagnostics' in loaded) return sentence(loaded.diagnostics);
    const [rule] = loaded.ok.rules;
    if (rule === undefined) throw new Error('a list of one rule was read as none');
    return { ...rule, match: ANY_REQUEST };
  } catch (error) {
    // By an alias, a map can be a part of itself.
    if (error instanceof BadRules) return sentence(error.diagnostics);
    throw error;
  }
}

function sentence(diagnostics: readonly { readonly message: string }[]): string {
  return `cannot be read: ${diagnostics.map(({ message }) => message).join('; ')}`;
}
