#!/usr/bin/env node
import { run } from './commands/run.ts';

// `brownout catalog | head` is no accident.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

await run(process.argv, { process, console });
