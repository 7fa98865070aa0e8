import { Command } from 'commander';
import { BadRules, type JournalEntry, type ProxyOptions, type RunningProxy, startProxy } from '../index.ts';
import { describeEntry, summarise } from '../report.ts';
import { cname, duration, flag, listFlag, port, positiveNumber, provider, size, upstream } from './flags.ts';
import { Misuse } from './misuse.ts';

/** Flags of `serve`, named as in {@link ProxyOptions} where they mean the same. */
type Flags = Omit<ProxyOptions, 'upstream' | 'cnames' | 'onEntry' | 'onFault' | 'rules'> & {
  readonly upstream?: string;
  readonly rules?: readonly string[];
  readonly cname?: readonly string[];
  readonly domain?: readonly string[];
  readonly log: 'all' | 'faults' | 'none';
};

const HELP = `
Every flag can be given as a variable as well: --admin-port as BROWNOUT_ADMIN_PORT; lists separated by commas.

Signals: SIGTERM and SIGINT let exchanges end and exit with 0; SIGHUP reads the rules again.

Examples:
  brownout serve --upstream memory: --rules rules/slow-down.yaml
  brownout serve --upstream http://minio:9000 --rules rules/ --seed 42 --port 8080`;

/** `brownout serve`: the proxy, until it is told to stop. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('forward requests to an upstream and inject faults by rule')
    .addOption(
      flag(
        '--upstream <url>',
        'http://host:port, https://host:port, or memory: for the embedded store',
      ).argParser(upstream),
    )
    .addOption(listFlag('--rules <path>', 'rule file, or folder of them'))
    .addOption(flag('--seed <seed>', "makes the dice repeatable; overrides the rule files' seeds"))
    .addOption(
      flag('--provider <name>', 'provider of rules that name none, and of own 502 and 504 answers').argParser(
        provider,
      ),
    )
    .addOption(flag('--host <address>', 'where clients connect to').default('127.0.0.1'))
    .addOption(flag('--port <port>', 'and the port; 0 for a free one').argParser(port).default(8080))
    .addOption(flag('--tls-cert <file>', 'PEM file of a certificate: clients speak TLS then'))
    .addOption(flag('--tls-key <file>', 'PEM file of its key'))
    .addOption(flag('--admin-host <address>', 'where operators connect to').default('127.0.0.1'))
    .addOption(flag('--admin-port <port>', 'and the port; 0 for a free one').argParser(port).default(9090))
    .addOption(listFlag('--domain <suffix>', 'endpoint name before which a bucket may stand: bucket.SUFFIX'))
    .addOption(listFlag('--cname <host=bucket>', 'host name that stands for a bucket'))
    .addOption(flag('--path-style', 'the bucket is always in the path, whatever Host says'))
    .addOption(flag('--rewrite-host', "send the upstream's own name as Host (breaks SigV4)"))
    .addOption(flag('--ca <file>', 'PEM file of a certificate authority to trust for an HTTPS upstream'))
    .addOption(
      flag('--upstream-timeout <duration>', 'how long the upstream may be silent; 0s: for ever')
        .argParser(duration)
        .default('2m'),
    )
    .addOption(
      flag('--idle-timeout <duration>', 'how long a client may be silent; 0s: for ever')
        .argParser(duration)
        .default('5m'),
    )
    .addOption(
      flag('--journal-size <n>', 'exchanges the journal remembers').argParser(positiveNumber).default(1000),
    )
    .addOption(flag('--stealth', 'do not mark injected answers with x-brownout-rule and x-brownout-fault'))
    .addOption(
      flag('--memory-limit <size>', 'what the embedded store may hold').argParser(size).default('1GiB'),
    )
    .addOption(
      flag('--log <what>', 'exchanges to print, a line each')
        .choices(['all', 'faults', 'none'])
        .default('faults'),
    )
    .addHelpText('after', HELP)
    .action(serve);
}

async function serve(flags: Flags): Promise<void> {
  const { upstream, domain, cname: cnames, log, ...rest } = flags;
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
  // Listened for from the start: whoever reads that we are listening may tell us to stop at once.
  const stopped = stopSignal();
  // Whoever read the log has gone; the proxy is still needed.
  process.stdout.removeAllListeners('error').on('error', () => {});
  const proxy = await startProxy({
    ...rest,
    upstream,
    domains: domain,
    cnames: cnames && Object.fromEntries(cnames.map(cname)),
    onEntry: log === 'all' ? print : undefined,
    onFault: log === 'faults' ? print : undefined,
  });
  process.on('SIGHUP', () => void reload(proxy));
  for (const warning of warnings(flags)) console.error(`warning: ${warning}`);
  describeRules(proxy);
  console.log(
    `forwarding to ${upstream === 'memory:' ? 'the embedded store, a stand-in in memory' : proxy.upstreamUrl}`,
  );
  console.log(`proxy listening on ${proxy.url}`);
  console.log(`admin listening on ${proxy.adminUrl}`);
  await stopped;
  await proxy.close();
  console.log(summarise(proxy.journal.count, proxy.rules));
}

/** Settings under which signatures must break, each with the way out. */
function warnings({ upstream, rewriteHost }: Flags): string[] {
  if (rewriteHost) {
    return [
      '--rewrite-host changes Host, which AWS SigV4 signs: such requests will be SignatureDoesNotMatch. OSS V1, OBS, JSS and AWS V2 signatures survive (docs/topologies.md)',
    ];
  }
  if (/\.amazonaws\.com(\.cn)?\b/.test(upstream ?? '')) {
    return [
      'the upstream is AWS and Host is passed on unchanged: clients must sign for its real name and reach brownout under it, or requests will be SignatureDoesNotMatch (docs/topologies.md)',
    ];
  }
  return [];
}

function describeRules({ rules }: RunningProxy): void {
  if (rules.rules.length === 0) console.log('no rules: every request is forwarded');
  for (const [file, seed] of rules.seeds) {
    const count = rules.rules.filter((rule) => rule.file === file).length;
    console.log(`${count} ${count === 1 ? 'rule' : 'rules'} from ${file}, seed ${seed}`);
  }
}

async function reload(proxy: RunningProxy): Promise<void> {
  try {
    await proxy.reload();
    console.log('rules reloaded');
    describeRules(proxy);
  } catch (error) {
    if (!(error instanceof BadRules)) throw error;
    console.error(`${error.message}\nthe rules were not replaced; the old ones stay in force`);
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

function print(entry: JournalEntry): void {
  console.log(describeEntry(entry));
}
