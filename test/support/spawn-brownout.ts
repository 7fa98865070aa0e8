import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Running `brownout serve`. */
export interface RunningBrownout {
  readonly proxyUrl: string;
  readonly adminUrl: string;
  /** Everything printed so far, standard output and error together. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code when it has ended; with `null` if a signal ended it. */
  ended(): Promise<number | null>;
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Runs `node dist/cli.js serve …` on free ports. Resolves when it has printed both of its URLs. Needs a build. */
export async function spawnBrownout(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RunningBrownout> {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--admin-port', '0', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Not 'exit', which may come before the end of the output.
  const exited = once(child, 'close');
  let output = '';
  const urls = new Promise<[string, string]>((resolve) => {
    const read = (text: Buffer) => {
      output += text.toString();
      const proxy = /^proxy listening on (https?:\S+)/m.exec(output)?.[1];
      const admin = /^admin listening on (http:\S+)/m.exec(output)?.[1];
      if (proxy !== undefined && admin !== undefined) resolve([proxy, admin]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
  });
  const early = exited.then(([code]): never => {
    throw new Error(`brownout exited with ${code} before it listened:\n${output}`);
  });
  const [proxyUrl, adminUrl] = await Promise.race([urls, early]);
  early.catch(() => {}); // later it is not an error that it ends
  const ended = async () => {
    const [code] = await exited;
    return code;
  };
  return {
    proxyUrl,
    adminUrl,
    output: () => output,
    signal: (name) => {
      child.kill(name);
    },
    ended,
    async stop() {
      child.kill('SIGTERM');
      return ended();
    },
  };
}
