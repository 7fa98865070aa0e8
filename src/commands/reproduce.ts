import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { toJson } from '../reproduce/json.ts';
import { findErrors, lookedFor } from '../reproduce/reproduce.ts';
import { ruleFile } from '../reproduce/rule-file.ts';
import { canonicalOperation, OPERATIONS } from '../request/operation.ts';
import { didYouMean } from '../rules/suggest.ts';
import { formatSize } from '../units.ts';
import { flag, provider } from './flags.ts';
import { Misuse } from './misuse.ts';

interface Flags {
  readonly provider?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly json?: boolean;
}

/** Bytes of a report that are read; the largest reports are logs, and their first errors say what went wrong. */
const MOST = 8 * 1024 ** 2;

const HELP = `
The report is whatever a customer has sent: an XML body, an SDK's exception,
a tool's log, the output of curl -v or mc --debug, a HAR file. What it does not
say is assumed, and a comment in the rule file says so, and how to settle it.

Examples:
  brownout reproduce report.txt > rules/ticket-1234.yaml
  pbpaste | brownout reproduce - --provider huawei-obs`;

/** `brownout reproduce`: a customer's report made into a rule file. */
export function reproduceCommand(): Command {
  return new Command('reproduce')
    .description('make a rule file of the storage errors in a report')
    .argument('[file]', 'the report; "-" or none: standard input', '-')
    .addOption(
      flag('--provider <name>', 'whose errors they are, if the report does not tell').argParser(provider),
    )
    .option('--operation <name>', 'what was asked for, such as UploadPart', operation)
    .option('--status <number>', 'the HTTP status of the answer', status)
    .option('--json', 'what was found, as JSON')
    .addHelpText('after', HELP)
    .action(reproduce);
}

async function reproduce(file: string, { json, ...settings }: Flags): Promise<void> {
  const source = file === '-' ? 'standard input' : basename(file);
  const { text, isCut } = await read(file);
  const found = findErrors(text, settings);
  const notes = isCut ? [`Only the first ${formatSize(MOST)} of it were read.`] : [];
  if (found.findings.length === 0) {
    throw new Error(
      `${source} has no error of an object store that brownout can read.${notes.map((note) => ` ${note}`).join('')} looked for: ${lookedFor()}`,
    );
  }
  const all = { ...found, notes: [...notes, ...found.notes] };
  console.log(json ? JSON.stringify(toJson(all), null, 2) : ruleFile(all, source).trimEnd());
}

async function read(file: string): Promise<{ text: string; isCut: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of await streamOf(file)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MOST) break;
    }
  } catch (error) {
    throw new Error(`"${file}" cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { text: textOf(Buffer.concat(chunks).subarray(0, MOST)), isCut: bytes > MOST };
}

async function streamOf(file: string): Promise<AsyncIterable<Buffer>> {
  return file === '-' ? process.stdin : (await open(file)).createReadStream();
}

/** Windows writes the output of programs in UTF-16. */
function textOf(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('utf8');
}

function operation(name: string): string {
  const known = canonicalOperation(name);
  if (known === undefined) throw new Misuse(`unknown operation "${name}"${didYouMean(name, OPERATIONS)}`);
  return known;
}

function status(text: string): number {
  if (!/^[2-5]\d\d$/.test(text)) throw new InvalidArgumentError('A status is a number from 200 to 599.');
  return Number(text);
}
