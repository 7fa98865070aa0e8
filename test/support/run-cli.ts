import { Console } from 'node:console';
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { run } from '../../src/commands/run.ts';

/** Output of a command, and its exit code. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Command that runs in this process, with its own signals, standard input and outputs. */
export interface StartedCli {
  /** Everything printed so far, standard output and error together. */
  output(): string;
  /** Calls back at each output. */
  onOutput(listener: () => void): void;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<CliRun>;
}

/** Starts `brownout …` in this process. Variables are set while it runs; `undefined` unsets one. */
export function startCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input: readonly (string | Buffer)[] = [],
): StartedCli {
  const printed: { readonly name: 'stdout' | 'stderr'; readonly chunk: Buffer }[] = [];
  const listeners = new EventEmitter();
  const output = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk: Buffer, _, done) {
        printed.push({ name, chunk });
        listeners.emit('output');
        done();
      },
    });
  const [stdout, stderr] = [output('stdout'), output('stderr')];
  const stdin = Readable.from(
    input.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  );
  // Whoever wants to interrupt it emits the signal.
  const host = Object.assign(new EventEmitter(), { stdin, stdout, stderr, exitCode: 0 });
  const restore = setVariables(env);
  const text = (only?: 'stdout' | 'stderr') =>
    Buffer.concat(
      printed.filter(({ name }) => only === undefined || name === only).map(({ chunk }) => chunk),
    ).toString();
  const argv = [process.execPath, 'brownout', ...args];
  const ended = run(argv, { process: host, console: new Console(stdout, stderr) })
    .finally(restore)
    .then(() => ({ code: host.exitCode, stdout: text('stdout'), stderr: text('stderr') }));
  return {
    output: () => text(),
    onOutput: (listener) => void listeners.on('output', listener),
    signal: (name) => void host.emit(name),
    ended,
  };
}

/** Runs `brownout …` in this process to its end. */
export function runCli(...settings: Parameters<typeof startCli>): Promise<CliRun> {
  return startCli(...settings).ended;
}

/** Sets variables of this process. Returns a function that restores them. */
function setVariables(env: NodeJS.ProcessEnv): () => void {
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  for (const [name, value] of Object.entries(env)) set(name, value);
  return () => {
    for (const [name, value] of before) set(name, value);
  };
}
