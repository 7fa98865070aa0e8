#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { catalogCommand } from './commands/catalog.ts';
import { checkCommand } from './commands/check.ts';
import { explainCommand } from './commands/explain.ts';
import { Misuse } from './commands/misuse.ts';
import { replayCommand } from './commands/replay.ts';
import { reproduceCommand, withoutClient } from './commands/reproduce.ts';
import { serveCommand } from './commands/serve.ts';
import { BadRules } from './diagnostics/diagnostic.ts';

const HELP = `
Rules are YAML files: which requests, when, and what happens to them.

  provider: aws-s3
  rules:
    - match: { operation: UploadPart }
      trigger: { probability: 0.3 }
      fault: { error: SlowDown }

Exit codes: 0 fine, 1 something was found to be wrong,
2 the command line makes no sense.`;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

// `brownout catalog | head` is no accident.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  const { own, client } = withoutClient(process.argv);
  await commands(client).parseAsync(own);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** The whole command line, less that of a client; a variable that makes no sense throws. */
function commands(client: readonly string[]): Command {
  const program = new Command('brownout')
    .description(
      'A fault-injecting reverse proxy for object storage: the errors that providers document, by rule.',
    )
    .version(version)
    .addHelpText('after', HELP);
  const all = [
    serveCommand(),
    checkCommand(),
    catalogCommand(),
    explainCommand(),
    replayCommand(),
    reproduceCommand(client),
  ];
  for (const command of all) {
    program.addCommand(command);
  }
  // Subcommands do not inherit it; without it commander exits with 1 on misuse, which here means findings.
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

/** A sentence on standard error, never a stack: what went wrong is said by its message. */
function exitCodeOf(error: unknown): number {
  // Commander has printed its own sentence already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  // Diagnostics begin with their place, for editors that jump there.
  console.error(error instanceof BadRules ? message : `error: ${message}`);
  return error instanceof Misuse ? 2 : 1;
}
