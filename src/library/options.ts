import { loadProvider } from '../catalog/catalog.ts';
import type { Source as RuleText } from '../diagnostics/source.ts';
import { readIdentity, readPem } from '../http/tls.ts';
import { parseDuration } from '../notation/units.ts';
import type { JournalEntry } from '../observe/journal.ts';
import type { ProxySettings } from '../proxy/proxy.ts';
import type { Reload } from '../rulebook/rulebook.ts';
import type { RuleFile } from '../rules/rule-schema.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** How to start a proxy. Only `upstream` is needed. */
export interface ProxyOptions {
  /** `http://host:port`, `https://host:port`, or `memory:` for the embedded store. */
  readonly upstream: string;
  /** Rule files and folders, or rules as objects or texts, but not both; left out: everything is forwarded. */
  readonly rules?: readonly (string | RuleFile | RuleText)[] | undefined;
  /** How changes of rule files are noticed: by the system's events, by looking once a second, or (left out) not at all. */
  readonly watch?: 'events' | 'poll' | undefined;
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
  /** What changes by the admin server must bear, and reading where others reach it; left out, it takes changes on a loopback address only. */
  readonly adminToken?: string | undefined;
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
  /** File that each exchange is written to as well, a line of JSON each. */
  readonly journalFile?: string | undefined;
  /** Size at which it is put aside as FILE.1, and FILE.1 as FILE.2; 64MiB if left out. */
  readonly journalMaxSize?: string | undefined;
  /** Number of files put aside that are kept, at least 1; 3 if left out. */
  readonly journalKeep?: number | undefined;
  /** Folder that errors of the upstream are written to as rules that give them again, one of each kind. */
  readonly record?: string | undefined;
  /** Leave the `x-brownout-*` marks off injected answers, and `FA11ED` off their request ids. */
  readonly stealth?: boolean | undefined;
  /** Let a request ask for a fault by its `x-brownout-fault` header: for clients that are trusted with that. */
  readonly allowHeaderFaults?: boolean | undefined;
  /** Bytes the embedded store may hold, as a size; 1GiB if left out. */
  readonly memoryLimit?: string | undefined;
  /** Called with each exchange that has ended. */
  readonly onEntry?: ((entry: JournalEntry) => void) | undefined;
  /** Called only with those that met a fault or a failing upstream, or asked for a fault that there is not. */
  readonly onFault?: ((entry: JournalEntry) => void) | undefined;
  /** Called when the rules were read again, or could not be. */
  readonly onReload?: ((reload: Reload) => void) | undefined;
  /** Called with a sentence where the journal file cannot be written as it should; left out: a warning of the process. */
  readonly onWarning?: ((sentence: string) => void) | undefined;
  /** Called with a sentence on each change that was made by the admin server. */
  readonly onAdminChange?: ((sentence: string) => void) | undefined;
}

/** All settings of a proxy but the upstream's URL, which is not known before the embedded store listens. */
export type StartSettings = Omit<ProxySettings, 'upstream'> & { readonly upstream: Omit<Upstream, 'url'> };

/** The settings that options amount to; throws an Error with a sentence at a bad one. */
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
    // A client that waits for the upstream is quiet too; the upstream's time-out, which has an answer, must come first.
    idleTimeout: idle === 0 ? 0 : Math.max(idle, timeout + 1000),
  };
}

/** Characters of the shortest token: fewer could be found by trying. */
const SHORTEST_TOKEN = 16;

/** The token of the admin server, if there is one; throws an Error at one that is too short, or cannot be sent. */
export function checkedToken({ adminToken: token }: ProxyOptions): string | undefined {
  // RFC 6750, section 2.1: what may follow `Authorization: Bearer`.
  if (token === undefined || (token.length >= SHORTEST_TOKEN && /^[\w.~+/-]+=*$/.test(token))) return token;
  throw new Error(
    `the admin token has ${SHORTEST_TOKEN} or more letters, digits and -._~+/, such as "openssl rand -hex 16" prints`,
  );
}

/** A duration that Node's timers can wait: 24.8 days at most. */
function milliseconds(duration: string): number {
  return Math.min(parseDuration(duration), 2 ** 31 - 2000);
}
