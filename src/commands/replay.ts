import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { BadRules, type Diagnostic, formatDiagnostic } from '../diagnostics/diagnostic.ts';
import { valueSource } from '../diagnostics/plain-value.ts';
import { LARGEST_FILE } from '../diagnostics/source.ts';
import { formatSize } from '../notation/units.ts';
import { recordedSchema } from '../replay/recorded.ts';
import { Replay } from '../replay/replay.ts';
import { parseRules } from '../rules/load.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { Io } from './io.ts';

const HELP = `
The rules go to standard output. Warnings go to standard error: they say which
faults may not repeat exactly. The repeated run must send the same requests,
because the rules count requests that are the same.

Examples:
  brownout replay journal.ndjson > rules.yaml
  brownout replay journal.ndjson.2 journal.ndjson.1 journal.ndjson > rules.yaml
  zcat journal.ndjson.gz | brownout replay - > rules.yaml`;

/** `brownout replay`: rules that repeat the faults of a recorded run. */
export function replayCommand(io: Io): Command {
  return new Command('replay')
    .description('make rules of a recorded journal that inject the same faults again')
    .argument('<files...>', 'journals (NDJSON), oldest first; - is standard input')
    .addHelpText('after', HELP)
    .action((files) => replay(files, io));
}

async function replay(files: readonly string[], { process, console }: Io): Promise<void> {
  const warn = (message: string) => console.error(`warning: ${message}`);
  const replay = new Replay();
  for (const file of files) {
    for await (const line of linesOf(file, process)) {
      const entry = readLine(line, warn);
      if (entry) replay.add(entry);
    }
  }
  const { text, withoutFiles, notes } = replay.rules();
  for (const note of notes) warn(note);
  const bytes = Buffer.byteLength(text);
  if (bytes <= LARGEST_FILE) {
    check(withoutFiles);
  } else {
    warn(
      `the rules have ${formatSize(bytes)}, and a rule file may have ${formatSize(LARGEST_FILE)}: take less of the journal`,
    );
  }
  process.stdout.write(text);
}

/** Throws an Error if the rules do not load. A journal may contain anything. */
function check(rules: RuleFile): void {
  const [first, ...others] = problemsOf(rules);
  if (first === undefined) return;
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  throw new Error(`no rules that load can be made of this journal: ${formatDiagnostic(first)}${more}`);
}

function problemsOf(rules: RuleFile): readonly Diagnostic[] {
  try {
    const loaded = parseRules([valueSource('rules', rules)]);
    return 'ok' in loaded ? [] : loaded.diagnostics;
  } catch (error) {
    if (error instanceof BadRules) return error.diagnostics;
    throw error;
  }
}

interface Line {
  readonly text: string;
  /** File and line: `journal.ndjson:3`. */
  readonly place: string;
}

/** Longest line, in characters. The longest entry is that of a rule with a literal answer of 1 MiB, escaped. */
const LONGEST_LINE = 8 * 1024 ** 2;

/** Yields the lines of a file one by one, as a journal may be larger than memory. */
async function* linesOf(file: string, process: Io['process']): AsyncGenerator<Line> {
  const name = file === '-' ? 'standard input' : file;
  const stream = file === '-' ? process.stdin.setEncoding('utf8') : createReadStream(file, 'utf8');
  let rest = '';
  let number = 0;
  try {
    for await (const chunk of stream) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        number += 1;
        yield { text, place: `${name}:${number}` };
      }
      if (rest.length > LONGEST_LINE)
        throw new Error(`${name}:${number + 1}: ${NO_ENTRY}: the line does not end`);
    }
  } catch (error) {
    throw unreadable(error, name);
  }
  if (rest !== '') yield { text: rest, place: `${name}:${number + 1}` };
}

function unreadable(error: unknown, name: string): unknown {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ENOENT':
      return new Error(`${name}: there is no such file`);
    case 'EISDIR':
      return new Error(`${name}: this is a folder`);
    case 'EACCES':
      return new Error(`${name}: no permission to read it`);
    default:
      return error;
  }
}

const NO_ENTRY = 'this is not a journal entry';

/** Parses the entry of a line; `undefined` for an empty line, and for one that was not written to its end. */
function readLine({ text, place }: Line, warn: (message: string) => void) {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (!text.startsWith('{')) {
      throw new Error(`${place}: ${NO_ENTRY}, which is a JSON object in one line`);
    }
    warn(`${place}: the line is cut short or broken, and left out`);
    return undefined;
  }
  const read = recordedSchema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new Error(`${place}: ${NO_ENTRY}. ${where}${issue?.message}`);
}
