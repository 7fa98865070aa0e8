import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdmin } from './admin.ts';
import { loadProvider } from './catalog/catalog.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { listen } from './listener.ts';
import type { Metrics } from './metrics.ts';
import { createProxy, type ProxyServer, type ProxySettings } from './proxy.ts';
import { newSeed } from './random.ts';
import { type RuleInForce, rulesInForce } from './report.ts';
import type { RuleSet } from './rules/decide.ts';
import { type Diagnostic, formatDiagnostic, type Source as RuleText } from './rules/diagnose.ts';
import { type Loaded, loadRules, parseRules } from './rules/load.ts';
import { startStore } from './store/store.ts';
import { readIdentity, readPem } from './tls.ts';
import { parseDuration, parseSize } from './units.ts';
import { parseUpstream, type Upstream } from './upstream.ts';

export { describeEntry, summarise } from './report.ts';
export type { Facts } from './request/facts.ts';
export type { Diagnostic, Journal, JournalEntry, Metrics, RuleInForce, RuleText };

/** How to start a proxy. Only `upstream` is needed. */
export interface ProxyOptions {
  /** `http://host:port`, `https://host:port`, or `memory:` for the embedded store. */
  readonly upstream: string;
  /** Rule files and folders, or rules as text; left out: everything is forwarded. */
  readonly rules?: readonly (string | RuleText)[] | undefined;
  /** Seed of the dice; overrides those of the files. */
  readonly seed?: number | string | undefined;
  /** Provider of rules that name none, and of the proxy's own 502 and 504. */
  readonly provider?: string | undefined;
  /** Where to listen; 127.0.0.1 and a free port if left out. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** PEM files of a certificate, with those above it if there are any, and its key: clients speak TLS then. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** Where the admin server listens; there is none if no port is given. */
  readonly adminHost?: string | undefined;
  readonly adminPort?: number | undefined;
  /** Endpoint host names before which a bucket may stand: `s3.local` for `bucket.s3.local`. */
  readonly domains?: readonly string[] | undefined;
  /** Host names that stand for one bucket each. */
  readonly cnames?: Readonly<Record<string, string>> | undefined;
  /** The bucket is always in the path, whatever Host says. */
  readonly pathStyle?: boolean | undefined;
  /** Send the upstream's own name as Host. Breaks SigV4, which signs it. */
  readonly rewriteHost?: boolean | undefined;
  /** PEM file of a certificate authority to trust for an HTTPS upstream. */
  readonly ca?: string | undefined;
  /** How long the upstream may send nothing, as a duration; 2m if left out, `0s` is for ever. */
  readonly upstreamTimeout?: string | undefined;
  /** How long a client may send and take nothing, as a duration; 5m if left out, `0s` is for ever. */
  readonly idleTimeout?: string | undefined;
  /** Exchanges the journal remembers, at least 1; 1000 if left out. */
  readonly journalSize?: number | undefined;
  /** Leave the `x-brownout-*` marks off injected answers. */
  readonly stealth?: boolean | undefined;
  /** Bytes the embedded store may hold, as a size; 1GiB if left out. */
  readonly memoryLimit?: string | undefined;
  /** Called with each exchange that has ended. */
  readonly onEntry?: ((entry: JournalEntry) => void) | undefined;
  /** Called only with those that met a fault or a failing upstream. */
  readonly onFault?: ((entry: JournalEntry) => void) | undefined;
}

/** A running proxy. Also closed by `await using`. */
export interface RunningProxy extends AsyncDisposable {
  /** Where clients point: `http://127.0.0.1:40123`, or `https://…`. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  readonly upstreamUrl: string;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** The rules in force, in the order in which they are asked, with their counts of this moment. */
  readonly rules: readonly RuleInForce[];
  /** The seed of each rule file, by the file's name. */
  readonly seeds: ReadonlyMap<string, number | string>;
  /** Reads the rules again; if they are bad, throws {@link BadRules} and leaves the old ones in force. */
  reload(): Promise<void>;
  /** Lets exchanges end for up to `grace` ms (8000 if left out: docker kills after 10 s), then cuts them off and frees every port. */
  close(grace?: number): Promise<void>;
}

/** Rules that were refused; the message has every diagnostic, as it is to be shown. */
export class BadRules extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'));
    this.name = 'BadRules';
    this.diagnostics = diagnostics;
  }
}

/** Starts a proxy in this process. Throws {@link BadRules}, or an Error with a sentence for any other bad option. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  // Drawn once: a reload must not change the dice of files that state no seed.
  const runSeed = newSeed();
  const rules = await rulesOf(options, runSeed);
  const settings = settingsOf(options);
  const maxBytes = parseSize(options.memoryLimit ?? '1GiB');
  // Started last, when nothing can be wrong any more: nobody would close it.
  const store =
    options.upstream === 'memory:'
      ? await startStore({ maxBytes, addressing: settings.addressing })
      : undefined;
  const upstreamUrl = parseUpstream(store?.url ?? options.upstream);
  const proxy = createProxy({ ...settings, upstream: { ...settings.upstream, url: upstreamUrl } }, rules);
  if (options.onEntry) proxy.journal.follow(options.onEntry);
  if (options.onFault) proxy.journal.follow(options.onFault, metTrouble);
  let closing = false;
  const admin = createAdmin({ proxy, isReady: () => !closing });
  const close = async (grace = 8000) => {
    closing = true;
    await proxy.close(grace);
    admin.close();
    admin.closeAllConnections();
    await store?.close();
  };
  try {
    const { host = '127.0.0.1', port = 0 } = options;
    const url = urlOf(await opened(proxy.listen(port, host), port, host), settings.tls ? 'https' : 'http');
    const adminUrl = await startAdmin(admin, options);
    return {
      url,
      adminUrl,
      upstreamUrl: upstreamUrl.origin,
      journal: proxy.journal,
      metrics: proxy.metrics,
      get rules() {
        return rulesInForce(proxy.rules);
      },
      get seeds() {
        return proxy.rules.seeds;
      },
      reload: () => reload(proxy, options, runSeed),
      close,
      [Symbol.asyncDispose]: () => close(),
    };
  } catch (error) {
    await close(0);
    throw error;
  }
}

/** All settings but the upstream's URL, which is not known before the embedded store listens. */
type Settings = Omit<ProxySettings, 'upstream'> & { readonly upstream: Omit<Upstream, 'url'> };

function settingsOf(options: ProxyOptions): Settings {
  const { provider, journalSize = 1000 } = options;
  if (provider !== undefined) loadProvider(provider);
  if (!(journalSize >= 1 && Number.isSafeInteger(journalSize))) {
    throw new Error(`the journal remembers 1 exchange or more, not ${journalSize}`);
  }
  const timeout = milliseconds(options.upstreamTimeout ?? '2m');
  const idle = milliseconds(options.idleTimeout ?? '5m');
  return {
    upstream: {
      ca: options.ca === undefined ? undefined : readPem(options.ca, 'certificate authority'),
      timeout,
      rewriteHost: options.rewriteHost ?? false,
    },
    tls: readIdentity(options.tlsCert, options.tlsKey),
    addressing: {
      domains: options.domains,
      cname: options.cnames && new Map(Object.entries(options.cnames)),
      pathStyle: options.pathStyle,
    },
    provider,
    stealth: options.stealth ?? false,
    journalSize,
    // A client that waits for the upstream is quiet too; the upstream's time-out, which has an answer, must come first.
    idleTimeout: idle === 0 ? 0 : Math.max(idle, timeout + 1000),
  };
}

function metTrouble({ outcome }: Pick<JournalEntry, 'outcome'>): boolean {
  return outcome === 'injected' || outcome === 'upstream-failed';
}

/** A duration that Node's timers can wait: 24.8 days at most. */
function milliseconds(duration: string): number {
  return Math.min(parseDuration(duration), 2 ** 31 - 2000);
}

async function startAdmin(admin: Server, options: ProxyOptions): Promise<string | undefined> {
  const { adminPort: port, adminHost: host = '127.0.0.1' } = options;
  return port === undefined ? undefined : urlOf(await opened(listen(admin, port, host), port, host));
}

async function reload(proxy: ProxyServer, options: ProxyOptions, runSeed: number): Promise<void> {
  try {
    proxy.rules = await rulesOf(options, runSeed);
    proxy.metrics.reloaded('success');
  } catch (error) {
    proxy.metrics.reloaded('failure');
    throw error;
  }
}

async function rulesOf({ rules = [], seed, provider }: ProxyOptions, runSeed: number): Promise<RuleSet> {
  const ruleOptions = { seed, runSeed, provider };
  const paths = rules.filter((each) => typeof each === 'string');
  const texts = rules.filter((each) => typeof each !== 'string');
  if (paths.length > 0 && texts.length > 0) {
    throw new Error(
      'rules are given as files or as texts, not as both: the order between them would be unclear',
    );
  }
  const loaded: Loaded =
    texts.length > 0 ? parseRules(texts, ruleOptions) : await loadRules(paths, ruleOptions);
  if ('diagnostics' in loaded) throw new BadRules(loaded.diagnostics);
  return loaded.ok;
}

/** Listens; where that cannot be, says so in a sentence. */
async function opened(listening: Promise<AddressInfo>, port: number, host: string): Promise<AddressInfo> {
  try {
    return await listening;
  } catch (cause) {
    throw new Error(unlistenable(cause, port, host), { cause });
  }
}

function unlistenable(cause: unknown, port: number, host: string): string {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is taken; port 0 takes a free one`;
    case 'EACCES':
      return `port ${port} of ${host} is not for everybody; those from 1024 on are`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine; 127.0.0.1 is, and 0.0.0.0 stands for all of them`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not resolve, so nobody can listen there`;
    default:
      return `nobody can listen at port ${port} of ${host}: ${cause instanceof Error ? cause.message : cause}`;
  }
}

function urlOf({ address, port, family }: AddressInfo, scheme = 'http'): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
