import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Exchange } from './exchange.ts';
import type { RuleSet } from './rules/decide.ts';

/** What is read at the moment the metrics are asked for. */
export interface Readings {
  inFlight(): number;
  upstreamConnections(): number;
  rules(): RuleSet;
}

/** What brownout counts about itself, for Prometheus; `docs/metrics.md` has one block per metric. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts an exchange that has ended. */
  observe(exchange: Exchange): void;
  /** Counts an attempt to replace the rules. */
  reloaded(result: 'success' | 'failure'): void;
}

/**
 * Makes the metrics of one proxy, in a registry of their own. No label ever holds a bucket, a key or an id: their
 * number is up to the clients, and every value of a label is kept for good.
 */
export function createMetrics(readings: Readings): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'brownout_requests_total',
    help: 'Exchanges that have ended, by operation and by the status the client was given (none: it left before).',
    labelNames: ['operation', 'status'],
    registers,
  });
  const injected = new Counter({
    name: 'brownout_faults_injected_total',
    help: 'Faults injected, by rule, kind of fault, code and operation.',
    labelNames: ['rule', 'fault', 'code', 'operation'],
    registers,
  });
  const storedButFailed = new Counter({
    name: 'brownout_stored_but_failed_total',
    help: 'Writes the upstream carried out while the client was told otherwise.',
    labelNames: ['operation', 'code'],
    registers,
  });
  const upstreamErrors = new Counter({
    name: 'brownout_upstream_errors_total',
    help: "Errors of the upstream's own (status 400 and above), by operation and status.",
    labelNames: ['operation', 'status'],
    registers,
  });
  const upstreamFailures = new Counter({
    name: 'brownout_upstream_failures_total',
    help: 'Exchanges the upstream failed: no-answer (client told 502), time-out (504), cut-short (cut off too).',
    labelNames: ['failure'],
    registers,
  });
  const bytes = new Counter({
    name: 'brownout_body_bytes_total',
    help: 'Body bytes received from clients (in) and sent to them (out).',
    labelNames: ['direction'],
    registers,
  });
  const duration = new Histogram({
    name: 'brownout_request_duration_seconds',
    help: 'From the head of the request to the end of the answer, injected waits included.',
    labelNames: ['operation'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const reloads = new Counter({
    name: 'brownout_rules_reloads_total',
    help: 'Attempts to replace the rules while running; a failed one leaves the old rules in force.',
    labelNames: ['result'],
    registers,
  });
  registerReadings(readings, registers);
  const bytesIn = bytes.labels('in');
  const bytesOut = bytes.labels('out');
  // Looking a child up by its labels takes longer than counting in it, so the few there can be are kept.
  const requestsOf = keep((operation, status) => requests.labels(operation, status));
  const durationOf = keep((operation) => duration.labels(operation));

  return {
    registry,
    observe(exchange) {
      const { operation } = exchange.facts;
      const { response, upstreamStatus, code } = exchange;
      requestsOf(operation, response.headersSent ? String(response.statusCode) : 'none').inc();
      durationOf(operation, '').observe(exchange.duration / 1000);
      if (exchange.bytesIn > 0) bytesIn.inc(exchange.bytesIn);
      if (exchange.bytesOut > 0) bytesOut.inc(exchange.bytesOut);
      if (exchange.rule !== undefined && exchange.outcome === 'injected') {
        injected.inc({ rule: exchange.rule, fault: exchange.fault ?? '', code: code ?? '', operation });
        if (isWriteCarriedOut(exchange)) storedButFailed.inc({ operation, code: code ?? '' });
      }
      if (upstreamStatus !== undefined && upstreamStatus >= 400) {
        upstreamErrors.inc({ operation, status: String(upstreamStatus) });
      }
      if (exchange.failure !== undefined) upstreamFailures.inc({ failure: exchange.failure });
    },
    reloaded: (result) => reloads.inc({ result }),
  };
}

/** Remembers what `make` made for each pair of labels. */
function keep<Child>(
  make: (operation: string, status: string) => Child,
): (operation: string, status: string) => Child {
  const kept = new Map<string, Child>();
  return (operation, status) => {
    const id = operation + status;
    const known = kept.get(id);
    if (known !== undefined) return known;
    const made = make(operation, status);
    kept.set(id, made);
    return made;
  };
}

function registerReadings(readings: Readings, registers: Registry[]): void {
  new Gauge({
    name: 'brownout_requests_in_flight',
    help: 'Exchanges going on now.',
    registers,
    collect() {
      this.set(readings.inFlight());
    },
  });
  new Gauge({
    name: 'brownout_upstream_connections',
    help: 'Open connections to the upstream, busy and idle.',
    registers,
    collect() {
      this.set(readings.upstreamConnections());
    },
  });
  new Counter({
    name: 'brownout_rule_matches_total',
    help: 'Requests that matched a rule and that no earlier rule took, since the rule was loaded.',
    labelNames: ['rule'],
    registers,
    collect() {
      this.reset();
      for (const { name, counts } of readings.rules().rules) this.inc({ rule: name }, counts.matched);
    },
  });
  new Gauge({
    name: 'brownout_rules_loaded',
    help: 'Rules in force.',
    registers,
    collect() {
      this.set(readings.rules().rules.length);
    },
  });
}

function isWriteCarriedOut(exchange: Exchange): boolean {
  const { method } = exchange.facts;
  return method !== 'GET' && method !== 'HEAD' && Math.floor((exchange.upstreamStatus ?? 0) / 100) === 2;
}
