import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createProxy, type ProxyServer, type ProxySettings } from '../../src/proxy/proxy.ts';
import { RuleSet } from '../../src/rules/decide.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';

/** Options that differ from the defaults below. */
export type ProxyOptions = Partial<Upstream> &
  Partial<
    Pick<ProxySettings, 'journalSize' | 'provider' | 'stealth' | 'allowHeaderFaults' | 'idleTimeout' | 'tls'>
  > & {
    rules?: RuleSet;
  };

/** Starts a proxy in this process, on a free port, without rules by default. Closed when the test ends. */
export async function proxyTo(
  upstream: string,
  options: ProxyOptions = {},
): Promise<{ port: number; url: string; proxy: ProxyServer; swapRules: (next: RuleSet) => void }> {
  let { rules = new RuleSet([], new Map()) } = options;
  const { rules: _, journalSize = 100, stealth = false, ...rest } = options;
  const { provider = 'aws-s3', allowHeaderFaults = false, idleTimeout = 30_000, tls, ...more } = rest;
  const proxy = createProxy(
    {
      upstream: { url: new URL(upstream), ca: undefined, timeout: 60_000, rewriteHost: false, ...more },
      tls,
      addressing: {},
      provider,
      stealth,
      allowHeaderFaults,
      journalSize,
      idleTimeout,
    },
    { rules: () => rules, journalDropped: () => 0 },
  );
  const { port } = await proxy.listen(0, '127.0.0.1');
  onTestFinished(() => proxy.close(0));
  const swapRules = (next: RuleSet) => {
    rules = next;
  };
  return { port, url: `http://127.0.0.1:${port}`, proxy, swapRules };
}

/** Waits up to 5 s until a condition holds. Throws an Error with its name if it does not. */
export async function eventually(name: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 5000; waited += 10) {
    if (await holds()) return;
    await sleep(10);
  }
  throw new Error(`still not so after 5 s: ${name}`);
}
