import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { RuleSet } from '../rules/decide.ts';

/** Values that are read when the metrics are scraped. */
export interface Readings {
  inFlight(): number;
  upstreamConnections(): number;
  /** The rules in force now. */
  rules(): RuleSet;
  /** Entries that the journal file has dropped. */
  journalDropped(): number;
}

/** Metrics of a proxy for Prometheus; `docs/metrics.md` has one block per metric. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts an exchange that has ended. */
  observe(exchange: Exchange, outcome: Outcome): void;
  /** Counts the bytes of an exchange, once no more will come. */
  addBytes(exchange: Exchange): void;
  /** Counts an attempt to replace the rules. */
  reloaded(result: 'success' | 'failure'): void;
  /** Counts an upstream error under `--record`, by the result of recording it. */
  recorded(result: string): void;
}

type Observer = (exchange: Exchange, outcome: Outcome) => void;

/**
 * Makes the metrics of one proxy, in their own registry. No label holds a bucket, a key or an id: clients decide how many
 * of these there are, and each value of a label is kept for ever.
 */
export function createMetrics(readings: Readings): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const reloads = new Counter({
    name: 'brownout_rules_reloads_total',
    help: 'Attempts to replace the rules while running; a failed one leaves the old rules in force.',
    labelNames: ['result'],
    registers,
  });
  const lastReload = new Gauge({
    name: 'brownout_rules_last_reload_ok',
    help: 'Whether the latest attempt to replace the rules while running succeeded (1), or failed (0); 1 before any.',
    registers,
  });
  lastReload.set(1);
  registerReadings(readings, registers);
  const observers = [
    requestObserver(registers),
    durationObserver(registers),
    faultObserver(registers),
    upstreamObserver(registers),
  ];
  return {
    registry,
    observe: (exchange, outcome) => {
      for (const observe of observers) observe(exchange, outcome);
    },
    addBytes: bytesObserver(registers),
    reloaded: (result) => {
      reloads.inc({ result });
      lastReload.set(result === 'success' ? 1 : 0);
    },
    recorded: recordCounter(registers),
  };
}

/** Counts in its own map and fills the counter at a scrape: counting happens for every request, a scrape is rare. */
function requestObserver(registers: Registry[]): Observer {
  const tallies = new Map<string, { readonly operation: string; readonly status: string; count: number }>();
  new Counter({
    name: 'brownout_requests_total',
    help: 'Exchanges that have ended, by operation and by the status that the client was given (none: it left before).',
    labelNames: ['operation', 'status'],
    registers,
    collect() {
      this.reset();
      for (const { operation, status, count } of tallies.values()) this.inc({ operation, status }, count);
    },
  });
  return ({ facts: { operation }, response }) => {
    const status = response.headersSent ? String(response.statusCode) : 'none';
    const tally = tallies.get(operation + status);
    if (tally) tally.count += 1;
    else tallies.set(operation + status, { operation, status, count: 1 });
  };
}

function durationObserver(registers: Registry[]): Observer {
  const histogram = new Histogram({
    name: 'brownout_request_duration_seconds',
    help: 'Time from the head of the request to the end of the answer, injected waits included.',
    labelNames: ['operation'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  // To look a child up by its labels takes longer than to observe with it. There is one child per operation.
  const children = new Map<string, Histogram.Internal<'operation'>>();
  return ({ facts: { operation }, duration }) => {
    const child = children.get(operation) ?? histogram.labels(operation);
    children.set(operation, child);
    child.observe(duration / 1000);
  };
}

function bytesObserver(registers: Registry[]): Metrics['addBytes'] {
  const moved = { in: 0, out: 0 };
  new Counter({
    name: 'brownout_body_bytes_total',
    help: 'Body bytes received from clients (in) and sent to them (out).',
    labelNames: ['direction'],
    registers,
    collect() {
      this.reset();
      for (const [direction, bytes] of Object.entries(moved)) this.inc({ direction }, bytes);
    },
  });
  return ({ bytesIn, bytesOut }) => {
    moved.in += bytesIn;
    moved.out += bytesOut;
  };
}

function faultObserver(registers: Registry[]): Observer {
  const injected = new Counter({
    name: 'brownout_faults_injected_total',
    help: 'Faults injected, by rule, kind of fault, code and operation.',
    labelNames: ['rule', 'fault', 'code', 'operation'],
    registers,
  });
  const storedButFailed = new Counter({
    name: 'brownout_stored_but_failed_total',
    help: 'Writes that the upstream carried out although the client was told otherwise.',
    labelNames: ['operation', 'code'],
    registers,
  });
  return (exchange, outcome) => {
    const { injection, facts } = exchange;
    if (injection === undefined || outcome !== 'injected') return;
    const { label, fault = '', code = '' } = injection;
    injected.inc({ rule: label, fault, code, operation: facts.operation });
    if (isWriteCarriedOut(exchange) && !isAnsweredAsSuccess(exchange))
      storedButFailed.inc({ operation: facts.operation, code });
  };
}

function isWriteCarriedOut({ facts: { method }, upstreamStatus = 0 }: Exchange): boolean {
  return method !== 'GET' && method !== 'HEAD' && Math.floor(upstreamStatus / 100) === 2;
}

/** Tells whether the client got a whole success without a code. A slow one, or one with a corrupt body, counts as a success. */
function isAnsweredAsSuccess({ injection, response }: Exchange): boolean {
  return (
    injection?.code === undefined && response.writableFinished && Math.floor(response.statusCode / 100) === 2
  );
}

function upstreamObserver(registers: Registry[]): Observer {
  const errors = new Counter({
    name: 'brownout_upstream_errors_total',
    help: 'Errors in answers of the upstream (status 400 and above), by operation and status.',
    labelNames: ['operation', 'status'],
    registers,
  });
  const failures = new Counter({
    name: 'brownout_upstream_failures_total',
    help: 'Exchanges in which the upstream failed: no-answer (client gets 502), time-out (504), cut-short (cut off too).',
    labelNames: ['failure'],
    registers,
  });
  return ({ upstreamStatus, failure, facts: { operation } }) => {
    if (upstreamStatus !== undefined && upstreamStatus >= 400) {
      errors.inc({ operation, status: String(upstreamStatus) });
    }
    if (failure !== undefined) failures.inc({ failure });
  };
}

function recordCounter(registers: Registry[]): Metrics['recorded'] {
  const recorded = new Counter({
    name: 'brownout_recorded_errors_total',
    help: 'Errors of the upstream under --record, by the result of recording them.',
    labelNames: ['result'],
    registers,
  });
  return (result) => recorded.inc({ result });
}

function registerReadings(readings: Readings, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('brownout_requests_in_flight', 'Exchanges going on now.', readings.inFlight);
  gauge(
    'brownout_upstream_connections',
    'Open connections to the upstream, busy and idle.',
    readings.upstreamConnections,
  );
  new Counter({
    name: 'brownout_journal_dropped_total',
    help: 'Entries that could not be written to the journal file, which never keeps traffic waiting.',
    registers,
    collect() {
      this.reset();
      this.inc(readings.journalDropped());
    },
  });
  gauge('brownout_rules_loaded', 'Rules in force.', () => readings.rules().rules.length);
  new Counter({
    name: 'brownout_rule_matches_total',
    help: 'Requests that matched a rule and on which no earlier rule fired, since the rule was loaded.',
    labelNames: ['rule'],
    registers,
    collect() {
      this.reset();
      for (const { name, counts } of readings.rules().rules) this.inc({ rule: name }, counts.matched);
    },
  });
}
