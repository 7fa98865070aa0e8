import { createAdmin } from '../admin/server.ts';
import type { Outcome } from '../exchange/outcome.ts';
import { urlOf } from '../http/listener.ts';
import { parseSize } from '../notation/units.ts';
import { type JournalFile, openJournalFile } from '../observe/journal-file.ts';
import { selects } from '../observe/journal-filter.ts';
import { createProxy, type ProxyServer } from '../proxy/proxy.ts';
import { openRecorder, type Recorder } from '../record/recorder.ts';
import { ruleInForce } from '../rulebook/entry.ts';
import { RuleBook } from '../rulebook/rulebook.ts';
import { watchFiles } from '../rulebook/watch.ts';
import type { Session } from '../sessions/session.ts';
import { startStore } from '../store/store.ts';
import { parseUpstream } from '../upstream/upstream.ts';
import { checkedFilter, checkedSeed, checkOptions } from './option-schema.ts';
import { checkedToken, type ProxyOptions, settingsOf } from './options.ts';
import { rulePathsOf, rulesOf } from './rule-sources.ts';
import type { RunningProxy, RunningSession } from './running-proxy.ts';
import { safeCallback } from './safe-callback.ts';

/**
 * Starts a proxy in this process. Rejects with {@link BadRules}, or with an Error that says in a sentence which other
 * option is wrong.
 *
 * @example
 * ```ts
 * import { startProxy } from 'brownout';
 *
 * const proxy = await startProxy({
 *   upstream: 'memory:',
 *   rules: [{ provider: 'aws-s3', rules: [{ match: { operation: 'PutObject' }, fault: { error: 'SlowDown' } }] }],
 * });
 * const { status } = await fetch(`${proxy.url}/photos/a.jpg`, { method: 'PUT', body: 'a' });
 * console.log(status); // 503
 * await proxy.close();
 * ```
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  checkOptions(options);
  const { seed, provider } = options;
  const book = await RuleBook.open({ rules: rulesOf(options), seed, provider });
  const settings = settingsOf(options);
  const token = checkedToken(options);
  const maxBytes = parseSize(options.memoryLimit ?? '1GiB');
  // Started after all checks: if one of them threw, nobody would close the store.
  const store =
    options.upstream === 'memory:'
      ? await startStore({ maxBytes, addressing: settings.addressing })
      : undefined;
  const upstreamUrl = parseUpstream(store?.url ?? options.upstream);
  let closing = false;
  let file: JournalFile | undefined;
  const proxy = createProxy(
    { ...settings, upstream: { ...settings.upstream, url: upstreamUrl } },
    { rules: () => book.set, journalDropped: () => file?.dropped ?? 0 },
  );
  const stopWatching = subscribe(proxy, book, options);
  let recorder: Recorder | undefined;
  const admin = createAdmin(
    { proxy, book, isReady: () => !closing, reset: () => resetAll(proxy, book) },
    { token, onChange: safeCallback('onAdminChange', options.onAdminChange ?? (() => {})) },
  );
  const close = async (grace = 8000) => {
    closing = true;
    stopWatching();
    await proxy.close(grace);
    await admin.close();
    await store?.close();
    await file?.close();
    await recorder?.close();
  };
  try {
    file = await openJournal(proxy, options);
    recorder = await openRecord(proxy, options);
    const { host = '127.0.0.1', port = 0, adminHost = '127.0.0.1', adminPort } = options;
    const url = urlOf(await proxy.listen(port, host), settings.tls ? 'https' : 'http');
    const adminUrl = adminPort === undefined ? undefined : urlOf(await admin.listen(adminPort, adminHost));
    const isOpen = () => !closing;
    return toRunningProxy(
      { proxy, book, file, isOpen },
      { url, adminUrl, upstreamUrl: upstreamUrl.origin, close },
    );
  } catch (error) {
    await close(0);
    throw error;
  }
}

/** Subscribes the callbacks of the options, and watches rule files. Returns a function that stops the watching. */
function subscribe(proxy: ProxyServer, book: RuleBook, options: ProxyOptions): () => void {
  const { onEntry, onFault, watch } = options;
  const onReload = safeCallback('onReload', options.onReload ?? (() => {}));
  book.subscribe((reload) => {
    proxy.metrics.reloaded(reload.diagnostics.length === 0 ? 'success' : 'failure');
    onReload(reload);
  });
  if (onEntry) proxy.journal.subscribe(safeCallback('onEntry', onEntry));
  if (onFault) proxy.journal.subscribe(safeCallback('onFault', onFault), isFaultOrFailure);
  const paths = rulePathsOf(options);
  if (watch === undefined || paths.length === 0) return () => {};
  const watcher = watchFiles(paths, watch, () => {
    // `onReload` gets the error.
    book.refresh().catch(() => {});
  });
  return () => watcher.close();
}

async function openJournal(proxy: ProxyServer, options: ProxyOptions): Promise<JournalFile | undefined> {
  const { journalFile, journalMaxSize = '64MiB', journalKeep: keep = 3, onWarning } = options;
  if (journalFile === undefined) return undefined;
  if (!(keep >= 1 && Number.isSafeInteger(keep)))
    throw new Error(`1 rotated journal file or more is kept, not ${keep}`);
  const warn = onWarning && safeCallback('onWarning', onWarning);
  const file = await openJournalFile(journalFile, { maxBytes: parseSize(journalMaxSize), keep, warn });
  proxy.journal.subscribe((entry) => file.write(entry));
  return file;
}

async function openRecord(proxy: ProxyServer, options: ProxyOptions): Promise<Recorder | undefined> {
  const { record, provider } = options;
  if (record === undefined) return undefined;
  const rules = rulePathsOf(options);
  const recorder = await openRecorder(record, { provider, rules, report: proxy.metrics.recorded });
  proxy.forwarder.subscribe((exchange, answer) => recorder.watch(exchange, answer));
  return recorder;
}

function resetAll(proxy: ProxyServer, book: RuleBook): void {
  book.reset();
  proxy.journal.clear();
  proxy.sessions.endAll();
}

function isFaultOrFailure(outcome: Outcome): boolean {
  return outcome === 'injected' || outcome === 'refused' || outcome === 'upstream-failed';
}

interface ProxyParts {
  readonly proxy: ProxyServer;
  readonly book: RuleBook;
  readonly file: JournalFile | undefined;
  /** Returns false after the proxy was closed. */
  readonly isOpen: () => boolean;
}

function toRunningProxy(
  { proxy, book, file, isOpen }: ProxyParts,
  rest: Pick<RunningProxy, 'url' | 'adminUrl' | 'upstreamUrl' | 'close'>,
): RunningProxy {
  const openBook = () => {
    if (!isOpen()) throw new Error('the proxy is closed, and cannot be changed any more. start another one');
    return book;
  };
  return {
    ...rest,
    metrics: proxy.metrics,
    get exchanges() {
      return proxy.journal.count;
    },
    get journalLoss() {
      return file?.loss;
    },
    get rules() {
      return book.entries.map(ruleInForce);
    },
    get seeds() {
      return new Map(book.set.seeds);
    },
    journal: (filter = {}) => proxy.journal.entries().filter(selects(checkedFilter(filter))),
    addRules: (rules) => openBook().add(rules).map(ruleInForce),
    replaceRule: (name, rules) => ruleInForce(openBook().replace(name, rules)),
    removeRule: (name) => openBook().remove(name),
    enableRule: (name) => ruleInForce(openBook().enable(name, true)),
    disableRule: (name) => ruleInForce(openBook().enable(name, false)),
    reload: async () => openBook().reload(),
    reseed: (seed) => openBook().reseed(checkedSeed(seed)),
    session: async (spec) => toRunningSession(proxy, await proxy.sessions.open(spec)),
    reset: () => resetAll(proxy, openBook()),
    idle: () => proxy.idle(),
    [Symbol.asyncDispose]: () => rest.close(),
  };
}

function toRunningSession({ sessions }: ProxyServer, session: Session): RunningSession {
  const end = async () => sessions.end(session);
  return {
    id: session.id,
    url: session.url,
    report: () => session.report(),
    end,
    [Symbol.asyncDispose]: end,
  };
}
