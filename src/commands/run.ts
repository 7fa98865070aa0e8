import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { BadRules } from '../diagnostics/diagnostic.ts';
import { catalogCommand } from './catalog.ts';
import { checkCommand } from './check.ts';
import { explainCommand } from './explain.ts';
import type { Io } from './io.ts';
import { Misuse } from './misuse.ts';
import { replayCommand } from './replay.ts';
import { reproduceCommand, withoutClient } from './reproduce.ts';
import { serveCommand } from './serve.ts';

const HELP = `
Rules are YAML files: which requests, when, and what happens to them.

  provider: aws-s3
  rules:
    - match: { operation: UploadPart }
      trigger: { probability: 0.3 }
      fault: { error: SlowDown }

Exit codes: 0 fine, 1 something was found to be wrong,
2 the command line makes no sense.`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Runs a command line (`argv` as in `process.argv`) to its end, and sets the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<void> {
  try {
    const { own, client } = withoutClient(argv);
    await commands(client, io).parseAsync(own);
  } catch (error) {
    io.process.exitCode = exitCodeOf(error, io);
  }
}

/** Makes the command line without the command of a client. Throws {@link Misuse} at an invalid variable. */
function commands(client: readonly string[], io: Io): Command {
  const program = new Command('brownout')
    .description(
      'A fault-injecting reverse proxy for object storage: the errors that providers document, by rule.',
    )
    .version(version)
    .addHelpText('after', HELP);
  const all = [
    serveCommand(io),
    checkCommand(io),
    catalogCommand(io),
    explainCommand(io),
    replayCommand(io),
    reproduceCommand(client, io),
  ];
  for (const command of all) {
    program.addCommand(command);
  }
  const { stdout, stderr } = io.process;
  // Subcommands inherit neither. Without `exitOverride` commander exits with 1 on misuse, but 1 means findings here.
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    });
  }
  return program;
}

/** Prints the message of an error on standard error, never its stack. */
function exitCodeOf(error: unknown, { console }: Io): number {
  // Commander has already printed its message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  // Diagnostics begin with their place, for editors that jump there.
  console.error(error instanceof BadRules ? message : `error: ${message}`);
  return error instanceof Misuse ? 2 : 1;
}
