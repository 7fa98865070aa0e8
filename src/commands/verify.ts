import { setTimeout as wait } from 'node:timers/promises';
import type { RunningProxy } from '../library/running-proxy.ts';
import { startProxy } from '../library/start-proxy.ts';
import { parseDuration } from '../notation/units.ts';
import { describeEntry } from '../observe/entry-text.ts';
import type { JournalEntry } from '../observe/journal.ts';
import { answerTo } from '../reproduce/answer.ts';
import type { Finding } from '../reproduce/finding.ts';
import { requestOf, titleOf } from '../reproduce/in-words.ts';
import { type Found, lastError } from '../reproduce/reproduce.ts';
import { ruleFile } from '../reproduce/rule-file.ts';
import {
  type Compared,
  compare,
  type Ending,
  endingInWords,
  endingOf,
  type RunReport,
} from '../reproduce/verify.ts';
import { summarise } from '../rulebook/entry.ts';
import type { Io } from './io.ts';
import { type ClientRun, runClient } from './verify-client.ts';

/** Settings of `--verify`. */
export interface VerifySettings {
  /** Client and its arguments. */
  readonly command: readonly string[];
  /** File or folder of rules that replace those of the report. */
  readonly rules?: string | undefined;
  readonly upstream: string;
  readonly port: number;
  /** Time limit of the client, as a duration; `0s` is none. */
  readonly timeout: string;
  readonly expect: 'same' | 'cope';
  /** True if the client reads our standard input. */
  readonly reads: boolean;
}

/** Number of journal entries that are kept, to find out how the client went on after a fault. */
const MOST_ENTRIES = 10_000;

/** Runs a client through the rules of a report, and describes the run on standard error. Resolves to true if it ended as expected. */
export async function verify(
  found: Found,
  source: string,
  settings: VerifySettings,
  { process: { stdout, stderr }, console }: Io,
): Promise<boolean> {
  const say = (line: string) => console.error(`verify: ${line}`);
  const { command, rules, upstream, port, timeout, expect, reads } = settings;
  const answered = found.findings.filter((each) => rules !== undefined || answerTo(each) !== undefined);
  const report = answered.at(-1);
  if (report === undefined) {
    throw new Error(
      `the errors of ${source} make no rule: "brownout reproduce" without --verify says what is missing, and which flag settles it`,
    );
  }
  // The reader of the output may go before the client ends.
  for (const stream of [stdout, stderr]) stream.removeAllListeners('error').on('error', ignore);
  const proxy = await startProxy({
    upstream,
    port,
    rules: [rules ?? { name: source, text: ruleFile(found, source) }],
    provider: report.provider.name,
    journalSize: MOST_ENTRIES,
  });
  let client: ClientRun;
  try {
    say(
      `proxy listening on ${proxy.url}, in front of ${upstream === 'memory:' ? 'the embedded store' : upstream}`,
    );
    const env = environment(proxy.url, upstream, say);
    const clientSettings = { env, timeout: parseDuration(timeout), reads, stdout, stderr };
    client = await runClient(command.map(fillPlaceholders(proxy.url)), clientSettings);
  } finally {
    // Requests that the client left open must be in the journal.
    await Promise.race([proxy.idle(), wait(1000, undefined, { ref: false })]);
    await proxy.close(0);
  }
  if (client.interrupted !== undefined) {
    say('broken off');
    process.kill(process.pid, client.interrupted);
    return false;
  }
  // Otherwise our first line would continue the client's last one.
  if (!/(?:^|\n)$/.test(client.printed)) console.error();
  const run = reportOf(client, report, proxy, timeout);
  const ending = endingOf(report, run);
  describe(ending, run, report, proxy, say);
  if (client.isCut) say('  of what it printed, the first and the last 512KiB were read');
  return ending === (expect === 'cope' ? 'coped' : 'same');
}

function ignore(): void {}

type Say = (line: string) => void;

/** Returns the environment of the client, with the address of the proxy. */
function environment(url: string, upstream: string, say: Say): NodeJS.ProcessEnv {
  // Variables that would send the client elsewhere: to the real service, or through another proxy.
  const { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: _, ...own } = process.env;
  const direct = [own.NO_PROXY ?? own.no_proxy, '127.0.0.1'].filter((each) => each !== undefined).join(',');
  const env = {
    ...own,
    NO_PROXY: direct,
    no_proxy: direct,
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_S3: url,
    BROWNOUT_URL: url,
  };
  const has = (...names: readonly string[]) => names.some((name) => (process.env[name] ?? '') !== '');
  // A client of a real upstream needs its own keys.
  if (upstream !== 'memory:') return env;
  const region = has('AWS_REGION', 'AWS_DEFAULT_REGION')
    ? {}
    : { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'us-east-1' };
  if (has('AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE')) return { ...env, ...region };
  say('the client is given made-up AWS keys: its environment has none, and the embedded store checks none');
  return { ...env, ...region, AWS_ACCESS_KEY_ID: 'BROWNOUT', AWS_SECRET_ACCESS_KEY: 'made-up' };
}

/** Replaces `{url}`, `{host}` and `{port}` in arguments, but not curl's `%{url}` and the shell's `${url}`. */
function fillPlaceholders(url: string): (argument: string) => string {
  const { hostname: host, port } = new URL(url);
  const places: Readonly<Record<string, string>> = { url, host, port };
  return (argument) => argument.replace(/(?<![%$])\{(url|host|port)\}/g, (_, name) => places[name] ?? '');
}

function reportOf(client: ClientRun, report: Finding, proxy: RunningProxy, timeout: string): RunReport {
  const { code, signal, timedOut, printed } = client;
  return {
    exit: timedOut ? `stopped after ${timeout}` : signal === null ? `exit ${code}` : `killed by ${signal}`,
    succeeded: code === 0 && !timedOut,
    timedOut,
    met: lastError(printed, { provider: report.provider.name }),
    injected: proxy.journal({ outcome: 'injected' }).length,
    recovered: hasRecovered(proxy.journal()),
  };
}

/** Tells whether each request that met a fault was answered with success later. */
function hasRecovered(entries: readonly JournalEntry[]): boolean {
  const last = new Map<string, JournalEntry>();
  const faulted = new Set<string>();
  for (const entry of entries) {
    const { operation, method, bucket, key, part, outcome } = entry;
    const identity = JSON.stringify([operation, method, bucket, key, part]);
    last.set(identity, entry);
    if (outcome === 'injected') faulted.add(identity);
  }
  const isGood = (entry: JournalEntry | undefined) =>
    entry?.outcome === 'forwarded' && entry.status !== undefined && entry.status < 300;
  return faulted.size > 0 && [...faulted].every((identity) => isGood(last.get(identity)));
}

function describe(ending: Ending, run: RunReport, report: Finding, proxy: RunningProxy, say: Say): void {
  say(plain(endingInWords(ending, run)));
  if (run.met !== undefined && ending !== 'unmet')
    for (const field of compare(report, run.met)) say(`  ${inWords(field)}`);
  if (ending === 'unmet') for (const line of hintsFor(report, proxy)) say(`  ${line}`);
  if (ending === 'hung')
    say('  a fault that stalls holds for as long as the client waits; --timeout gives it longer');
  for (const line of summarise(proxy.exchanges, proxy.rules).split('\n')) say(line);
}

function inWords({ name, wanted, isAssumed, got, agrees }: Compared): string {
  const [ours, theirs] = [wanted, got].map((text) => (name === 'message' ? `"${plain(text)}"` : plain(text)));
  const source = isAssumed ? 'the rule' : 'the report';
  if (got === undefined) return `${name}: ${ours} in ${source}, and the client says nothing of it`;
  if (wanted === undefined) return `${name}: ${theirs}, and the report says nothing of it`;
  return `${name}: ${theirs}, ${agrees ? `as in ${source}` : `but ${ours} in ${source}`}`;
}

/** Longest text that is shown, in characters. */
const LONGEST = 200;

/** Makes a text safe to print. Reports and clients may send commands to the terminal. */
function plain(text = ''): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ');
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}

/** Number of exchanges that are shown. */
const SHOWN = 5;

/** Says which requests the client sent instead of those that the rule is for, and what to do. */
function hintsFor(report: Finding, proxy: RunningProxy): string[] {
  const entries = proxy.journal();
  if (entries.length === 0) {
    return [
      'it sent nothing to the proxy. its address is AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 and BROWNOUT_URL in its',
      'environment, and {url}, {host} and {port} in its arguments',
    ];
  }
  const more = entries.length - SHOWN;
  const matched = proxy.rules.some((rule) => rule.matched > 0);
  return [
    `${plain(titleOf(report))} is for ${plain(requestOf(report) ?? 'every request')}. it sent:`,
    ...(more > 0 ? [`  ${more} before, and then`] : []),
    ...entries.slice(-SHOWN).map((entry) => `  ${describeEntry(entry)}`),
    ...(matched ? TRIGGER_HINT : REQUEST_HINT),
  ];
}

const TRIGGER_HINT = [
  'a rule matched, but its trigger did not fire, or there was nothing to break in the answer: have the client upload',
  'first what it asks for, or an --upstream that has it',
];

const REQUEST_HINT = [
  'have it ask for that; or write the rule file, change what it matches, and give it by --rules: bucket and key of',
  'the report need not be those of your client',
];
