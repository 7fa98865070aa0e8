import { startProxy } from '../../src/index.ts';
import type { JournalEntry } from '../../src/observe/journal.ts';

/** Running brownout in the process of the test, on a free port. */
export interface Brownout {
  readonly url: string;
  readonly port: number;
  /** Returns the exchanges that have ended, in order. */
  entries(): JournalEntry[];
  stop(): Promise<void>;
}

/** Starts brownout with a rule file of this text. */
export async function startBrownout(upstream: string, rules: string): Promise<Brownout> {
  const proxy = await startProxy({ upstream, rules: [{ name: 'rules.yaml', text: rules }] });
  return {
    url: proxy.url,
    port: Number(new URL(proxy.url).port),
    entries: () => proxy.journal(),
    stop: () => proxy.close(),
  };
}
