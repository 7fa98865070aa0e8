import { startCli } from './run-cli.ts';
import type { RunningBrownout } from './spawn-brownout.ts';

/** Runs `brownout serve …` in this process on free ports. Resolves when it has printed both of its URLs. */
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
  early.catch(() => {}); // later it is not an error that it ends
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
