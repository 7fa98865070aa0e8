import { onTestFinished } from 'vitest';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../src/index.ts';

/** Rule file with one rule, which answers every PUT with SlowDown. */
export const SLOW =
  'provider: aws-s3\nseed: 7\nrules:\n  - { name: slow, match: { method: PUT }, fault: { error: SlowDown } }\n';

/** Running proxy and its admin port. */
export interface Operator {
  readonly proxy: RunningProxy;
  readonly adminUrl: string;
  readonly adminPort: number;
  /** Sentences about changes, as in the log. */
  readonly changes: readonly string[];
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Sends a request and reads the JSON of the answer, whatever its status. */
  json(path: string, init?: RequestInit): Promise<{ status: number; body: Body }>;
  /** Sends a body of YAML or JSON. */
  send(method: string, path: string, body: string, type?: string): Promise<{ status: number; body: Body }>;
  /** Sends a request through the proxy, and waits until it is in the journal. */
  exchange(method: string, path: string): Promise<number>;
}

/** JSON of an answer; each test checks its structure. */
// biome-ignore lint/suspicious/noExplicitAny: each test checks the structure of its answers
type Body = any;

/** Starts a proxy with the rules above in front of the embedded store. It is closed when the test ends. */
export async function operator(options: Partial<ProxyOptions> = {}): Promise<Operator> {
  const changes: string[] = [];
  const proxy = await startProxy({
    upstream: 'memory:',
    rules: [{ name: 'slow.yaml', text: SLOW }],
    adminPort: 0,
    onAdminChange: (sentence) => changes.push(sentence),
    ...options,
  });
  onTestFinished(() => proxy.close(0));
  const adminUrl = proxy.adminUrl ?? '';
  const ask = (path: string, init?: RequestInit) => fetch(adminUrl + path, init);
  const json = async (path: string, init?: RequestInit) => {
    const response = await ask(path, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    proxy,
    adminUrl,
    adminPort: Number(new URL(adminUrl).port),
    changes,
    ask,
    json,
    send: (method, path, body, type = 'application/yaml') =>
      json(path, { method, body, headers: { 'Content-Type': type } }),
    async exchange(method, path) {
      const response = await fetch(proxy.url + path, { method });
      await response.arrayBuffer();
      await proxy.idle();
      return response.status;
    },
  };
}
