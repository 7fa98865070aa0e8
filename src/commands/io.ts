import type { Readable, Writable } from 'node:stream';

/** The parts of a process that commands use; the global `process` has them all. */
interface CommandProcess {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  exitCode?: number | string | null | undefined;
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  once(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** What a command reads and writes: the globals of these names, or those of a test. */
export interface Io {
  readonly process: CommandProcess;
  /** Prints to the outputs of `process`. */
  readonly console: Pick<Console, 'log' | 'error'>;
}
