import { startCli } from './run-cli.ts';
import type { RunningBrownout } from './spawn-brownout.ts';

/** Runs `brownout serve …` inside this process on free ports and waits until it says that both of them listen. */
export async function serveBrownout(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RunningBrownout> {
  const cli = startCli(['serve', '--port', '0', '--admin-port', '0', ...args], env);
  const urls = new Promise<[string, string]>((resolve) => {
    cli.onOutput(() => {
      const proxy = /^proxy listening on (https?:\S+)/m.exec(cli.output())?.[1];
      const admin = /^admin listening on (http:\S+)/m.exec(cli.output())?.[1];
      if (proxy !== undefined && admin !== undefined) resolve([proxy, admin]);
    });
  });
  const early = cli.ended.then(({ code }): never => {
    throw new Error(`brownout ended with ${code} before it listened:\n${cli.output()}`);
  });
  const [proxyUrl, adminUrl] = await Promise.race([urls, early]);
  early.catch(() => {}); // it ends at last, which is no error then
  const ended = async () => (await cli.ended).code;
  return {
    proxyUrl,
    adminUrl,
    output: cli.output,
    signal: cli.signal,
    ended,
    async stop() {
      cli.signal('SIGTERM');
      return ended();
    },
  };
}
