import type { RuleSet } from '../../src/rules/decide.ts';
import { rulesOf } from '../rules/rule-set.ts';
import { eventually, type ProxyOptions, proxyTo } from '../support/proxy.ts';
import {
  type RawAnswer,
  type RawUpstream,
  rawExchange,
  type rawUpstream,
  readAnswer,
} from '../support/raw.ts';
import { upstreamSaying } from '../support/through.ts';

/** Rules of one rule, which injects this error (a code, or settings in YAML flow style) into every request. */
export function injecting(error: string, provider?: string, name?: string): RuleSet {
  return injectingAll(`{ error: ${error} }`, provider, name);
}

/** Rules of one rule, which injects these faults (in YAML flow style, by their kinds) into every request. */
export function injectingAll(fault: string, provider = 'aws-s3', name = 'faulty', seed?: number): RuleSet {
  return rulesOf(`provider: ${provider}\nrules: [{ name: '${name}', fault: ${fault} }]`, seed);
}

/** What a test may want of a faulty proxy. */
type FaultyOptions = ProxyOptions & {
  name?: string;
  seed?: number;
  upstream?: Parameters<typeof rawUpstream>[0];
};

/** A proxy that injects this error, before a raw upstream. */
export function faultyProxy(error: string, options?: FaultyOptions) {
  return proxyInjecting(`{ error: ${error} }`, options);
}

/** A proxy that injects these faults, before a raw upstream. */
export async function proxyInjecting(
  fault: string,
  { provider, name, seed, upstream: answer, ...options }: FaultyOptions = {},
) {
  const upstream = await upstreamSaying(answer);
  const rules = injectingAll(fault, provider, name, seed);
  return { ...(await proxyTo(upstream.url, { ...options, rules })), upstream };
}

/** Sends this request, which has to end its connection, and reads the answer. */
export async function ask(port: number, request: string | Uint8Array): Promise<RawAnswer> {
  const bytes = await rawExchange(port, request);
  const answer = readAnswer(bytes, request.toString().startsWith('HEAD') ? 'HEAD' : 'GET');
  if (!answer) throw new Error(`not a whole answer: ${bytes.toString('latin1')}`);
  return answer;
}

/** The head of a request that asks to close. */
export function closing(line: string, ...headers: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: storage.example', 'Connection: close', ...headers, '', ''].join('\r\n');
}

/** Timers this process waits for. One more after an exchange than before it is one that was forgotten. */
export function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

/** Waits until no exchange is going on and no connection to the upstream is busy. */
export async function nothingLeft(
  proxy: Awaited<ReturnType<typeof proxyTo>>['proxy'],
  upstream: RawUpstream,
): Promise<void> {
  await eventually('no exchange is left', () => proxy.inFlight() === 0);
  await eventually(
    'no upstream connection is left',
    () => proxy.forwarder.connections() === 0 && upstream.open() === 0,
  );
}
