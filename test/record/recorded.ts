import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../src/index.ts';
import { eventually } from '../support/proxy.ts';
import { type RawAnswer, rawClient, readAnswer } from '../support/raw.ts';

/** A folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'brownout-record-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A brownout in this process, closed when the test is over. */
export async function running(options: ProxyOptions): Promise<RunningProxy & { readonly port: number }> {
  const proxy = await startProxy(options);
  onTestFinished(() => proxy.close(0));
  return Object.assign(proxy, { port: Number(new URL(proxy.url).port) });
}

/** Returns the number of errors by result, from the metric. */
export async function counts({ metrics }: RunningProxy): Promise<Record<string, number>> {
  const text = await metrics.registry.metrics();
  const lines = text.matchAll(/^brownout_recorded_errors_total\{result="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, result, count]) => [result, Number(count)]));
}

/** Waits until so many errors have been dealt with. */
export async function dealtWith(proxy: RunningProxy, number: number): Promise<void> {
  await eventually(`${number} errors are dealt with`, async () => {
    const sum = Object.values(await counts(proxy)).reduce((all, each) => all + each, 0);
    return sum >= number;
  });
}

/** The files of a folder, by name, oldest first. */
export async function filesIn(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder)).sort((a, b) => numberOf(a) - numberOf(b));
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as [string, string]),
    ),
  );
}

function numberOf(name: string): number {
  return Number(/-(\d+)\.\w+$/.exec(name)?.[1]);
}

/** Sends a request and reads the answer, as soon as it is whole, without what is about the connection. */
export async function answered(port: number, request: string): Promise<Omit<RawAnswer, 'rest'>> {
  const client = rawClient(port);
  client.socket.on('error', () => {});
  client.socket.write(request);
  let answer: RawAnswer | undefined;
  await eventually('it is answered', () => {
    answer = readAnswer(client.received(), /^\w+/.exec(request)?.[0]);
    return answer !== undefined;
  });
  client.socket.destroy();
  const { statusLine = '', headers = [], body = '' } = answer ?? {};
  return { statusLine, headers: headers.filter((line) => !/^(?:connection|keep-alive):/i.test(line)), body };
}
