import { Command, type Option } from 'commander';
import { DEFAULT_PROVIDER } from '../catalog/catalog.ts';
import { providerOfDomain } from '../catalog/recognition.ts';
import { formatDiagnostic } from '../diagnostics/diagnostic.ts';
import { FAULT_KINDS } from '../faults/index.ts';
import type { ProxyOptions } from '../library/options.ts';
import type { RunningProxy } from '../library/running-proxy.ts';
import { startProxy } from '../library/start-proxy.ts';
import { counted } from '../notation/text.ts';
import { describeEntry } from '../observe/entry-text.ts';
import type { JournalEntry } from '../observe/journal.ts';
import { summarise } from '../rulebook/entry.ts';
import type { Reload } from '../rulebook/rulebook.ts';
import { cname, duration, flag, listFlag, port, positiveNumber, provider, size, upstream } from './flags.ts';
import type { Io } from './io.ts';
import { Misuse } from './misuse.ts';

/** Flags of `serve`. They have the names of {@link ProxyOptions} if they mean the same. */
type Flags = Omit<
  ProxyOptions,
  | 'upstream'
  | 'cnames'
  | 'journalFile'
  | 'onEntry'
  | 'onFault'
  | 'onReload'
  | 'onWarning'
  | 'onAdminChange'
  | 'rules'
  | 'watch'
> & {
  readonly upstream?: string;
  readonly rules?: readonly string[];
  readonly cname?: readonly string[];
  readonly domain?: readonly string[];
  readonly journal?: string;
  readonly watch: 'events' | 'poll' | 'off';
  readonly log: 'all' | 'faults' | 'none';
};

const HELP = `
Each flag can also be a variable: --admin-port is BROWNOUT_ADMIN_PORT. Commas
separate the values of a list.

Signals: SIGTERM and SIGINT let exchanges end and exit with 0. SIGHUP reads the
rule files again.

Faults that rules inject (docs/faults.md):
${FAULT_KINDS.map(({ name, summary }) => wrapped(name, summary)).join('\n')}

Examples:
  brownout serve --upstream memory: --rules rules/slow-down.yaml
  brownout serve --upstream http://minio:9000 --rules rules/ --seed 42`;

/** Writes a name and its description in lines of 80 columns. */
function wrapped(name: string, text: string): string {
  const lines = text.match(/\S.{0,65}(?= |$)/g) ?? [];
  return lines.map((line, i) => `  ${(i === 0 ? name : '').padEnd(11)}${line}`).join('\n');
}

/** Makes `brownout serve`, which runs the proxy until a signal stops it. */
export function serveCommand(io: Io): Command {
  const command = new Command('serve').description(
    'forward requests to an upstream and inject faults by rule',
  );
  for (const option of [...ruleFlags(), ...addressFlags(), ...clientFlags(), ...recordFlags()]) {
    command.addOption(option);
  }
  return command.addHelpText('after', HELP).action((flags) => serve(flags, io));
}

function ruleFlags(): Option[] {
  return [
    flag(
      '--upstream <url>',
      'http://host:port, https://host:port, or memory: for the embedded store',
    ).argParser(upstream),
    listFlag('--rules <path>', 'rule file, or folder of them'),
    flag('--watch <how>', 'how to notice changes of rule files; poll is for shared folders')
      .choices(['events', 'poll', 'off'])
      .default('events'),
    flag('--seed <seed>', "makes the dice repeatable; overrides the rule files' seeds"),
    flag(
      '--provider <name>',
      'provider of rules that name none, and of the 502 and 504 of brownout itself',
    ).argParser(provider),
  ];
}

function addressFlags(): Option[] {
  return [
    flag('--host <address>', 'address that clients connect to').default('127.0.0.1'),
    flag('--port <port>', 'port that clients connect to; 0: a free one').argParser(port).default(8080),
    flag('--tls-cert <file>', 'PEM file of a certificate; clients then use TLS'),
    flag('--tls-key <file>', 'PEM file of its key'),
    flag('--admin-host <address>', 'address of the admin server').default('127.0.0.1'),
    flag('--admin-port <port>', 'port of the admin server; 0: a free one').argParser(port).default(9090),
    flag('--admin-token <token>', 'token for changes; if other machines reach the port, also for reading'),
  ];
}

function clientFlags(): Option[] {
  return [
    listFlag('--domain <suffix>', 'endpoint name that may follow a bucket: bucket.SUFFIX'),
    listFlag('--cname <host=bucket>', 'host name that stands for a bucket'),
    flag('--path-style', 'the bucket is always in the path, for any Host'),
    flag('--rewrite-host', "send the upstream's own name as Host (breaks SigV4)"),
    flag('--ca <file>', 'PEM file of a certificate authority to trust for an HTTPS upstream'),
    flag('--upstream-timeout <duration>', 'how long the upstream may be silent; 0s: for ever')
      .argParser(duration)
      .default('2m'),
    flag('--idle-timeout <duration>', 'how long a client may be silent; 0s: for ever')
      .argParser(duration)
      .default('5m'),
  ];
}

function recordFlags(): Option[] {
  return [
    flag('--journal-size <n>', 'how many exchanges the journal remembers')
      .argParser(positiveNumber)
      .default(1000),
    flag('--journal <file>', 'file for all exchanges, one line of JSON each'),
    flag('--journal-max-size <size>', 'size at which that file is renamed to FILE.1, and a new one begun')
      .argParser(size)
      .default('64MiB'),
    flag('--journal-keep <n>', 'how many renamed files are kept').argParser(positiveNumber).default(3),
    flag('--record <folder>', "folder for the upstream's errors, as rules that give them again"),
    flag('--stealth', 'do not mark injected answers with x-brownout-rule and x-brownout-fault'),
    flag('--allow-header-faults', 'let requests ask for faults by x-brownout-fault (docs/header-faults.md)'),
    flag('--memory-limit <size>', 'how many bytes the embedded store may hold')
      .argParser(size)
      .default('1GiB'),
    flag('--log <what>', 'which exchanges to print, one line each')
      .choices(['all', 'faults', 'none'])
      .default('faults'),
  ];
}

async function serve(flags: Flags, { process, console }: Io): Promise<void> {
  const { upstream, domain, cname: cnames, journal, log, watch, ...rest } = flags;
  if (upstream === undefined) {
    throw new Misuse(
      'say where to forward to: --upstream http://host:port, or --upstream memory: to try it out',
    );
  }
  if ((rest.tlsCert === undefined) !== (rest.tlsKey === undefined)) {
    const [given, missing] =
      rest.tlsCert === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key'];
    throw new Misuse(`${given} needs ${missing}: TLS takes a certificate and its key. give both, or neither`);
  }
  const warn = (sentence: string) => console.error(`warning: ${sentence}`);
  const print = (entry: JournalEntry) => console.log(describeEntry(entry));
  // Subscribed before the proxy listens: a signal may come as soon as its URL is printed.
  const stopped = stopSignal(process);
  // If the reader of the log goes, the proxy still runs.
  process.stdout.removeAllListeners('error').on('error', () => {});
  let running: RunningProxy | undefined;
  // Also from the start: without a handler SIGHUP ends the process. `onReload` prints what is wrong with the rules.
  process.on('SIGHUP', () => void running?.reload().catch(() => {}));
  const proxy = await startProxy({
    ...rest,
    upstream,
    domains: domain,
    journalFile: journal,
    cnames: cnames && Object.fromEntries(cnames.map(cname)),
    onEntry: log === 'all' ? print : undefined,
    onFault: log === 'faults' ? print : undefined,
    onReload: (reload) => describeReload(reload, running, console),
    onWarning: warn,
    onAdminChange: (sentence) => console.log(sentence),
    watch: watch === 'off' ? undefined : watch,
  });
  running = proxy;
  for (const warning of warnings(flags)) warn(warning);
  describeRules(proxy, console);
  console.log(
    `forwarding to ${upstream === 'memory:' ? 'the embedded store, a stand-in in memory' : proxy.upstreamUrl}`,
  );
  console.log(`proxy listening on ${proxy.url}`);
  console.log(`admin listening on ${proxy.adminUrl}`);
  await stopped;
  await proxy.close();
  console.log(summarise(proxy.exchanges, proxy.rules, proxy.journalLoss));
}

/** Warns of settings that break signatures, with a way to avoid that. */
function warnings({ upstream, rewriteHost }: Flags): string[] {
  // The embedded store checks no signatures.
  if (upstream === undefined || upstream === 'memory:') return [];
  if (rewriteHost) {
    return [
      '--rewrite-host changes Host, which AWS SigV4 signs: such requests will be SignatureDoesNotMatch. OSS V1, OBS, JSS and AWS V2 signatures survive (docs/topologies.md)',
    ];
  }
  // The default provider is AWS, whose signature covers Host.
  if (providerOfDomain(new URL(upstream).hostname) === DEFAULT_PROVIDER) {
    return [
      'the upstream is AWS and Host is passed on unchanged: clients must sign for its real name and reach brownout under it, or requests will be SignatureDoesNotMatch (docs/topologies.md)',
    ];
  }
  return [];
}

function describeRules({ rules, seeds }: RunningProxy, console: Io['console']): void {
  if (rules.length === 0) console.log('no rules: every request is forwarded');
  for (const seed of new Set(seeds.values())) {
    const files = [...seeds.keys()].filter((file) => seeds.get(file) === seed);
    const count = rules.filter(({ file }) => files.includes(file)).length;
    const place = files.length === 1 ? files[0] : counted(files.length, 'file');
    console.log(`${counted(count, 'rule')} from ${place}, seed ${seed}`);
  }
}

function describeReload(
  { diagnostics }: Reload,
  proxy: RunningProxy | undefined,
  console: Io['console'],
): void {
  if (diagnostics.length === 0) {
    console.log('rules reloaded');
    if (proxy) describeRules(proxy, console);
  } else {
    const problems = diagnostics.map(formatDiagnostic).join('\n');
    console.error(`${problems}\nerror: the rules were not replaced; the old ones stay in force`);
  }
}

function stopSignal(process: Io['process']): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}
