import { loadProvider } from '../catalog/catalog.ts';
import type { Source as RuleText } from '../diagnostics/source.ts';
import { readIdentity, readPem } from '../http/tls.ts';
import { parseDuration } from '../notation/units.ts';
import type { JournalEntry } from '../observe/journal.ts';
import type { ProxySettings } from '../proxy/proxy.ts';
import type { Reload } from '../rulebook/rulebook.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** Options of a proxy. Only `upstream` is needed. */
export interface ProxyOptions {
  /** `http://host:port`, `https://host:port`, or `memory:` for the embedded store. */
  readonly upstream: string;
  /** Rule files and folders, or rules as objects or texts, but not both; left out: everything is forwarded. */
  readonly rules?: readonly (string | RuleFile | RuleText)[] | undefined;
  /** Way in which changes of rule files are noticed: by events of the system, or by a check each second. Left out: not at all. */
  readonly watch?: 'events' | 'poll' | undefined;
  /** Seed of the dice; overrides those of the files. */
  readonly seed?: number | string | undefined;
  /** Provider of rules that name none, and of the proxy's own 502 and 504. */
  readonly provider?: string | undefined;
  /** Address and port to listen at; 127.0.0.1 and a free port if left out. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** PEM files of a certificate (with the chain above it, if there is one) and its key. If given, clients speak TLS. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** Address and port of the admin server; there is none if no port is given. */
  readonly adminHost?: string | undefined;
  readonly adminPort?: number | undefined;
  /**
   * Token for changes by the admin server, and for reading if other machines reach it. Left out: changes are allowed on a
   * loopback address only.
   */
  readonly adminToken?: string | undefined;
  /** Endpoint host names that may have a bucket in front: `s3.local` for `bucket.s3.local`. */
  readonly domains?: readonly string[] | undefined;
  /** Host names that stand for one bucket each. */
  readonly cnames?: Readonly<Record<string, string>> | undefined;
  /** Always takes the bucket from the path, and never from the host name. */
  readonly pathStyle?: boolean | undefined;
  /** Send the upstream's name as Host. This breaks SigV4, which signs Host. */
  readonly rewriteHost?: boolean | undefined;
  /** PEM file of a certificate authority to trust for an HTTPS upstream. */
  readonly ca?: string | undefined;
  /** Time that the upstream may send nothing, as a duration; 2m if left out, `0s` is no limit. */
  readonly upstreamTimeout?: string | undefined;
  /** Time that a client may send and take nothing, as a duration; 5m if left out, `0s` is no limit. */
  readonly idleTimeout?: string | undefined;
  /** Number of exchanges that the journal remembers, at least 1; 1000 if left out. */
  readonly journalSize?: number | undefined;
  /** File that each exchange is also written to, one line of JSON each. */
  readonly journalFile?: string | undefined;
  /** Size at which the file is rotated: FILE becomes FILE.1, FILE.1 becomes FILE.2; 64MiB if left out. */
  readonly journalMaxSize?: string | undefined;
  /** Number of rotated files that are kept, at least 1; 3 if left out. */
  readonly journalKeep?: number | undefined;
  /** Folder that errors of the upstream are written to, as rules that repeat them, one of each kind. */
  readonly record?: string | undefined;
  /** Leave the `x-brownout-*` marks off injected answers, and `FA11ED` off their request ids. */
  readonly stealth?: boolean | undefined;
  /** Let a request ask for a fault by its `x-brownout-fault` header. For trusted clients only. */
  readonly allowHeaderFaults?: boolean | undefined;
  /** Cap of the embedded store, as a size; 1GiB if left out. */
  readonly memoryLimit?: string | undefined;
  /** Called with each exchange that has ended. */
  readonly onEntry?: ((entry: JournalEntry) => void) | undefined;
  /** Called with each exchange that met a fault or a failing upstream, or whose fault header was refused. */
  readonly onFault?: ((entry: JournalEntry) => void) | undefined;
  /** Called after each attempt to read the rules again. */
  readonly onReload?: ((reload: Reload) => void) | undefined;
  /** Called with a sentence if the journal file cannot be written. Left out: a warning of the process. */
  readonly onWarning?: ((sentence: string) => void) | undefined;
  /** Called with a sentence about each change by the admin server. */
  readonly onAdminChange?: ((sentence: string) => void) | undefined;
}

/** Settings of a proxy without the upstream's URL, which is not known before the embedded store listens. */
export type StartSettings = Omit<ProxySettings, 'upstream'> & { readonly upstream: Omit<Upstream, 'url'> };

/** Makes settings of options. Throws an Error with a sentence at a bad option. */
export function settingsOf(options: ProxyOptions): StartSettings {
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
    allowHeaderFaults: options.allowHeaderFaults ?? false,
    journalSize,
    // A client that waits for the upstream is idle too. The upstream's time-out must come first, as it has an answer.
    idleTimeout: idle === 0 ? 0 : Math.max(idle, timeout + 1000),
  };
}

/** Length of the shortest token, in characters. A shorter one could be guessed. */
const SHORTEST_TOKEN = 16;

/** Checks the token of the admin server, if there is one. Throws an Error if it is too short, or cannot be sent. */
export function checkedToken({ adminToken: token }: ProxyOptions): string | undefined {
  // RFC 6750, section 2.1: syntax of the text after `Authorization: Bearer`.
  if (token === undefined || (token.length >= SHORTEST_TOKEN && /^[\w.~+/-]+=*$/.test(token))) return token;
  throw new Error(
    `the admin token has ${SHORTEST_TOKEN} or more letters, digits and -._~+/, such as "openssl rand -hex 16" prints`,
  );
}

/** Parses a duration into ms, limited to what Node's timers can wait: 24.8 days. */
function milliseconds(duration: string): number {
  return Math.min(parseDuration(duration), 2 ** 31 - 2000);
}
