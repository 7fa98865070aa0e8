import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Misuse } from './misuse.ts';

/** Exit and output of a client's process. */
export interface ClientRun {
  /** Exit code; `null` if a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** Signal by which the user interrupted the run. */
  readonly interrupted: NodeJS.Signals | undefined;
  /** Both outputs, in the order of arrival; only the beginning and the end if there was too much. */
  readonly printed: string;
  readonly isCut: boolean;
}

/** Bytes that are kept of the beginning of the output, and of its end. */
const HALF = 512 * 1024;

/** Time in ms that a client gets to end after a signal, and its output to end after its process. */
const GRACE = 2000;

interface ClientSettings {
  readonly env: NodeJS.ProcessEnv;
  /** Time limit in ms; 0 is none. */
  readonly timeout: number;
  /** True if the client reads our standard input. */
  readonly reads: boolean;
  /** Streams that the outputs go to. */
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * Runs a client and passes its output on as it comes. Afterwards ends all processes that it left. Rejects with
 * {@link Misuse} if it cannot be run.
 */
export async function runClient(command: readonly string[], settings: ClientSettings): Promise<ClientRun> {
  const child = start(command, settings);
  const printed = new Excerpt();
  let [timedOut, interrupted]: [boolean, NodeJS.Signals | undefined] = [false, undefined];
  const onSignal = (signal: NodeJS.Signals) => {
    // The second signal kills the client.
    signalAll(child, interrupted === undefined ? signal : 'SIGKILL');
    interrupted ??= signal;
  };
  const timers = after(settings.timeout, () => {
    timedOut = true;
    signalAll(child, 'SIGTERM');
  }).concat(after(settings.timeout && settings.timeout + GRACE, () => signalAll(child, 'SIGKILL')));
  for (const signal of INTERRUPTS) process.on(signal, onSignal);
  try {
    const forwarding = Promise.all([
      forward(child.stdout, settings.stdout, printed),
      forward(child.stderr, settings.stderr, printed),
    ]);
    const [code, signal] = await once(child, 'exit');
    signalAll(child, 'SIGKILL');
    // A process that has left the process group may keep the output open for ever.
    await Promise.race([forwarding, wait(GRACE, undefined, { ref: false })]);
    return { code, signal, timedOut, interrupted, printed: printed.text(), isCut: printed.isCut };
  } catch (error) {
    throw notRun(command, error);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    for (const signal of INTERRUPTS) process.off(signal, onSignal);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function start(command: readonly string[], { env, reads }: ClientSettings) {
  const [file = '', ...args] = command;
  try {
    return spawn(file, args, {
      env,
      stdio: [reads ? 'inherit' : 'ignore', 'pipe', 'pipe'],
      // A new process group, so that processes which the client starts can be ended with it. Windows has none.
      detached: process.platform !== 'win32',
    });
  } catch (error) {
    throw notRun(command, error);
  }
}

function notRun([file = '']: readonly string[], error: unknown): Misuse {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ENOENT':
      return new Misuse(`there is no command "${file}"`);
    case 'EACCES':
      return new Misuse(`"${file}" cannot be run: no permission`);
    default:
      return new Misuse(`"${file}" cannot be run: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Sends a signal to a client and all processes that it has started, if they still run. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // They have ended.
  }
}

/** Starts a timer if `ms` is not 0. Timers wait 24.8 days at most. */
function after(ms: number, act: () => void): NodeJS.Timeout[] {
  return ms === 0 ? [] : [setTimeout(act, Math.min(ms, 2 ** 31 - 1))];
}

/** Passes output on with back-pressure, and keeps an excerpt. */
async function forward(from: Readable, to: Writable, printed: Excerpt): Promise<void> {
  try {
    for await (const chunk of from) {
      printed.add(chunk);
      // Also called after an error: if the reader of the output has gone, the client still goes on.
      await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
    }
  } catch {
    // The stream was destroyed: the client could not be run, or its output did not end with it.
  }
}

/** Keeps the beginning and the end of an output of any length. */
class Excerpt {
  readonly #head: Buffer[] = [];
  #room = HALF;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  isCut = false;

  add(chunk: Buffer): void {
    const first = chunk.subarray(0, this.#room);
    const rest = chunk.subarray(first.length);
    if (first.length > 0) this.#head.push(first);
    this.#room -= first.length;
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    if (this.#tailBytes > HALF) this.isCut = true;
    if (this.#tailBytes > 2 * HALF) {
      this.#tail = [Buffer.concat(this.#tail).subarray(-HALF)];
      this.#tailBytes = HALF;
    }
  }

  text(): string {
    const tail = Buffer.concat(this.#tail).subarray(-HALF);
    return Buffer.concat([...this.#head, ...(this.isCut ? [Buffer.from('\n…\n')] : []), tail]).toString();
  }
}
