import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { formatSize } from '../notation/units.ts';
import { answerTo } from '../reproduce/answer.ts';
import { titleOf } from '../reproduce/in-words.ts';
import { toJson } from '../reproduce/json.ts';
import { type Found, findErrors, lookedFor } from '../reproduce/reproduce.ts';
import { ruleFile } from '../reproduce/rule-file.ts';
import { canonicalOperation, OPERATIONS } from '../request/operation.ts';
import { duration, flag, port, provider, upstream } from './flags.ts';
import type { Io } from './io.ts';
import { Misuse } from './misuse.ts';
import { type VerifySettings, verify } from './verify.ts';

interface Flags {
  readonly provider?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly json?: boolean;
  readonly verify?: boolean;
}

/** Flags that say how the client of `--verify` is run. */
interface VerifyFlags {
  readonly rules?: string | undefined;
  readonly upstream?: string | undefined;
  readonly port?: number | undefined;
  readonly timeout?: string | undefined;
  readonly expect?: VerifySettings['expect'] | undefined;
}

/** Largest part of a report that is read, in bytes. The largest reports are logs, whose first errors say what went wrong. */
const LARGEST_REPORT = 8 * 1024 ** 2;

const HELP = `
The report is whatever a customer has sent: an XML body, an SDK's exception,
a tool's log, the output of curl -v or mc --debug, a HAR file. brownout assumes
what the report does not say. A comment in the rule file says what was assumed,
and which flag settles it.

--verify comes last. Everything after it is the command of a client. It runs
without a shell, through a proxy with the rules. The proxy's address is in its
environment (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, BROWNOUT_URL). In its
arguments, {url}, {host} and {port} stand for it. Exit code 0: the client ended
in the error of the report (with --expect cope: it coped). 1: it did not.

Examples:
  brownout reproduce report.txt > rules/ticket-1234.yaml
  pbpaste | brownout reproduce - --provider huawei-obs
  brownout reproduce report.txt --verify aws s3 cp cat.jpg s3://photos/cat.jpg
  brownout reproduce report.txt --verify -- curl -fT a.jpg {url}/photos/a.jpg
  brownout reproduce report.txt --rules rules/ticket-1234.yaml --expect cope \\
    --verify node upload.js`;

/** Splits a command line into our own part and the client's command, which is all that comes after `--verify`. */
export function withoutClient(argv: readonly string[]): {
  own: readonly string[];
  client: readonly string[];
} {
  const at = argv[2] === 'reproduce' ? argv.indexOf('--verify') : -1;
  if (at < 0) return { own: argv, client: [] };
  return { own: argv.slice(0, at + 1), client: argv.slice(argv[at + 1] === '--' ? at + 2 : at + 1) };
}

/** Makes `brownout reproduce`, which turns a report into a rule file, or runs a client (with this command) through its rules. */
export function reproduceCommand(client: readonly string[], io: Io): Command {
  return new Command('reproduce')
    .description('make a rule file of the storage errors in a report')
    .usage('[options] [file] [--verify [--] client...]')
    .argument('[file]', 'the report; "-" or nothing: standard input', '-')
    .addOption(
      flag('--provider <name>', 'whose errors they are, if the report does not say it').argParser(provider),
    )
    .option('--operation <name>', 'what was asked for, such as UploadPart', operation)
    .option('--status <number>', 'the HTTP status of the answer', status)
    .option('--json', 'print what was found as JSON, for scripts')
    .option('--verify', 'run a client, and say whether it ends in the same error')
    .option('--rules <path>', 'with --verify: these rules, not those of the report')
    .option('--upstream <url>', 'with --verify: upstream of the proxy (default: memory:)', upstream)
    .option('--port <port>', 'with --verify: port of the proxy (default: a free one)', port)
    .option(
      '--timeout <duration>',
      'with --verify: when the client is stopped; 0s: never (default: 5m)',
      duration,
    )
    .addOption(
      new Option('--expect <end>', 'with --verify: which end exits with 0 (default: same)').choices([
        'same',
        'cope',
      ]),
    )
    .addHelpText('after', HELP)
    .action((file: string, flags: Flags & VerifyFlags) => reproduce(file, flags, client, io));
}

async function reproduce(
  file: string,
  flags: Flags & VerifyFlags,
  client: readonly string[],
  io: Io,
): Promise<void> {
  const { json, verify: verifies = false, rules, upstream, port, timeout, expect, ...settings } = flags;
  checkVerify({ rules, upstream, port, timeout, expect }, verifies, json === true, client);
  const source = file === '-' ? 'standard input' : basename(file);
  const { text, isCut } = await read(file, io);
  const found = findErrors(text, settings);
  const notes = isCut ? [`Only the first ${formatSize(LARGEST_REPORT)} of it were read.`] : [];
  const isAnswered = found.findings.some((finding) => answerTo(finding) !== undefined);
  if (found.findings.length === 0 || !(isAnswered || verifies)) {
    throw new Error(withoutRule(found, [source, ...notes]));
  }
  const all = { ...found, notes: [...notes, ...found.notes] };
  if (!verifies) {
    io.console.log(json ? JSON.stringify(toJson(all), null, 2) : ruleFile(all, source).trimEnd());
    return;
  }
  const verifySettings = {
    command: client,
    rules,
    upstream: upstream ?? 'memory:',
    port: port ?? 0,
    timeout: timeout ?? '5m',
    expect: expect ?? 'same',
    reads: file !== '-',
  };
  if (!(await verify(all, source, verifySettings, io))) io.process.exitCode = 1;
}

/** Explains why there is no rule: which errors were found, and why no rule can be made of them. */
function withoutRule({ findings, notes }: Found, [source, ...more]: readonly string[]): string {
  const isNone = findings.length === 0;
  const head = `${source} has no error of an object store that brownout can ${isNone ? 'read' : 'make a rule of'}.`;
  const seen = findings.map(({ lines, assumed, ...finding }) => {
    const missing = assumed.find(({ what }) => what === 'status');
    const settles = missing === undefined ? '' : `: the status is ${missing.why}; ${missing.flag} settles it`;
    return `seen in line ${lines[0]}: ${titleOf({ lines, assumed, ...finding })}, but what to answer is not known${settles}`;
  });
  const end = isNone ? [`looked for: ${lookedFor()}`] : [];
  const lines = [...seen, ...notes];
  const first = [head, ...more].join(' ');
  return [first, ...lines, ...end].map(plain).join(lines.length > 0 ? '\n' : ' ');
}

/** Makes a line safe to print. A report may contain commands to the terminal. */
function plain(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ').slice(0, LONGEST_LINE);
}

/** Longest line about a report, in characters. */
const LONGEST_LINE = 4000;

/** Checks that the flags of `--verify` are given with it only. Throws {@link Misuse}. */
function checkVerify(flags: VerifyFlags, verifies: boolean, json: boolean, client: readonly string[]): void {
  if (verifies && client.length === 0) {
    throw new Misuse(
      '--verify comes last, with the command of a client behind it: --verify aws s3 ls s3://photos',
    );
  }
  if (client[0]?.startsWith('-') === true) {
    throw new Misuse(
      `"${client[0]}" is no command; flags of brownout come before --verify, a client's behind its name`,
    );
  }
  if (verifies && json) throw new Misuse('--json says what was found; it does not go with --verify');
  const [lone] = Object.entries(flags).filter(([, value]) => value !== undefined);
  if (!verifies && lone !== undefined) {
    throw new Misuse(`--${lone[0]} is for a client that is run by --verify, which comes last`);
  }
}

async function read(file: string, io: Io): Promise<{ text: string; isCut: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of await streamOf(file, io)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > LARGEST_REPORT) break;
    }
  } catch (error) {
    throw new Error(`"${file}" cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { text: textOf(Buffer.concat(chunks).subarray(0, LARGEST_REPORT)), isCut: bytes > LARGEST_REPORT };
}

async function streamOf(file: string, { process }: Io): Promise<AsyncIterable<Buffer>> {
  return file === '-' ? process.stdin : (await open(file)).createReadStream();
}

/** Decodes a report from UTF-8, or from UTF-16, in which Windows writes the output of programs. */
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
