import type { Readable, Writable } from 'node:stream';

/** Parts of a process that commands use; the global `process` has all of them. */
interface CommandProcess {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  exitCode?: number | string | null | undefined;
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  once(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** Inputs and outputs of a command: the globals with these names, or those of a test. */
export interface Io {
  readonly process: CommandProcess;
  /** Prints to the outputs of `process`. */
  readonly console: Pick<Console, 'log' | 'error'>;
}
