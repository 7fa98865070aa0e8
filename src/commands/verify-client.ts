import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Misuse } from './misuse.ts';

/** How a client's process ended, and what it printed. */
export interface ClientRun {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** The signal by which the user broke it off. */
  readonly interrupted: NodeJS.Signals | undefined;
  /** Both of its outputs, as they came; only the beginning and the end where there was too much. */
  readonly printed: string;
  readonly isCut: boolean;
}

/** Bytes of each end of the output that are read. */
const HALF = 512 * 1024;

/** How long it may take to end, in ms, after it was told to; and its output to end after it. */
const GRACE = 2000;

interface ClientSettings {
  readonly env: NodeJS.ProcessEnv;
  /** How long it may take, in ms; 0 is for ever. */
  readonly timeout: number;
  /** Whether it reads our standard input. */
  readonly reads: boolean;
  /** Where its outputs go. */
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Runs a client, its output passed on as it comes, and ends all that is left of it; throws {@link Misuse} where it cannot be run. */
export async function runClient(command: readonly string[], settings: ClientSettings): Promise<ClientRun> {
  const child = start(command, settings);
  const printed = new Excerpt();
  let [timedOut, interrupted]: [boolean, NodeJS.Signals | undefined] = [false, undefined];
  const onSignal = (signal: NodeJS.Signals) => {
    // Who asks twice means it.
    signalAll(child, interrupted === undefined ? signal : 'SIGKILL');
    interrupted ??= signal;
  };
  const timers = after(settings.timeout, () => {
    timedOut = true;
    signalAll(child, 'SIGTERM');
  }).concat(after(settings.timeout && settings.timeout + GRACE, () => signalAll(child, 'SIGKILL')));
  for (const signal of INTERRUPTS) process.on(signal, onSignal);
  try {
    const passed = Promise.all([
      pass(child.stdout, settings.stdout, printed),
      pass(child.stderr, settings.stderr, printed),
    ]);
    const [code, signal] = await once(child, 'exit');
    signalAll(child, 'SIGKILL');
    // What has left its process group may hold its output open for ever.
    await Promise.race([passed, wait(GRACE, undefined, { ref: false })]);
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
      // A process group of its own, so that what it starts can be ended with it. Windows has none.
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

/** Signals a client and all that it has started; nothing, if they have ended. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // They have.
  }
}

/** Timers wait 24.8 days at most. */
function after(ms: number, act: () => void): NodeJS.Timeout[] {
  return ms === 0 ? [] : [setTimeout(act, Math.min(ms, 2 ** 31 - 1))];
}

/** Passes output on no faster than it is taken, and keeps an excerpt. */
async function pass(from: Readable, to: Writable, printed: Excerpt): Promise<void> {
  try {
    for await (const chunk of from) {
      printed.add(chunk);
      // Called back after an error, too: who read it has gone, and the client is to go on.
      await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
    }
  } catch {
    // It was destroyed: the client could not be run, or its output did not end with it.
  }
}

/** The beginning and the end of an output of any length. */
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
