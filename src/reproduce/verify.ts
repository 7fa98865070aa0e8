import { agreeOnMessage, codeOf } from './agree.ts';
import type { Finding } from './finding.ts';
import { connectionInWords, titleOf } from './in-words.ts';

/** Facts of a client run through the rules of a report. */
export interface RunReport {
  /** `exit 1`, `killed by SIGSEGV` or `stopped after 5m`. */
  readonly exit: string;
  /** True if the exit code was 0. */
  readonly succeeded: boolean;
  readonly timedOut: boolean;
  /** Last error in the output. */
  readonly met: Finding | undefined;
  /** Number of requests that met a fault. */
  readonly injected: number;
  /** True if each request that met a fault was retried with success. */
  readonly recovered: boolean;
}

/** Ending of a client, compared with that of the report. */
export type Ending = 'same' | 'other' | 'coped' | 'unsaid' | 'hung' | 'unmet';

/** Finds the ending by the output, the exit code, and the number of injected faults. */
export function endingOf(
  report: Finding,
  { succeeded, timedOut, met, injected, recovered }: RunReport,
): Ending {
  if (injected === 0) return 'unmet';
  if (timedOut) return 'hung';
  if (succeeded && (recovered || met === undefined)) return 'coped';
  if (met === undefined) return 'unsaid';
  return isSame(compare(report, met)) ? 'same' : 'other';
}

/** Describes the ending in a sentence. */
export function endingInWords(ending: Ending, { exit, met, recovered }: RunReport): string {
  switch (ending) {
    case 'same':
      return `the client ended in the same error: ${exit}`;
    case 'other':
      return `the client ended in another error: ${exit}${inside(met)}`;
    case 'coped':
      return recovered
        ? `the client coped: ${exit}, and what met the fault was sent again and answered well`
        : `the client coped, or has not noticed: ${exit}, and no such error in what it printed`;
    case 'unsaid':
      return `the client failed, but not in the same error: ${exit}, and no error of an object store in what it printed`;
    case 'hung':
      return `the client did not end by itself: ${exit}`;
    case 'unmet':
      return `the client never met the fault: ${exit}${inside(met)}`;
  }
}

function inside(met: Finding | undefined): string {
  return met === undefined ? '' : `, ${titleOf(met)}`;
}

/** Field by which errors are compared. */
export interface Compared {
  readonly name: string;
  /** Value in the report, or else in the answer of its rule. */
  readonly wanted: string | undefined;
  readonly isAssumed: boolean;
  /** Value in the output of the client. */
  readonly got: string | undefined;
  /** True if the values agree; `undefined` if one is unknown. */
  readonly agrees: boolean | undefined;
}

/** Compares the error that a client ended in with that of the report, field by field. */
export function compare(report: Finding, met: Finding): Compared[] {
  const { network: broke } = report;
  if (broke !== undefined || met.network !== undefined) {
    return [
      {
        name: 'connection',
        wanted: broke === undefined ? titleOf(report) : connectionInWords(broke),
        isAssumed: false,
        got: met.network === undefined ? titleOf(met) : connectionInWords(met.network),
        agrees: kindOf(report) === kindOf(met),
      },
    ];
  }
  const status = statusOf(report);
  // SDKs invent a status for an error inside a 200.
  return [
    field('code', report.code, met.code, (a, b) => codeOf(a) === codeOf(b)),
    ...(report.embedded
      ? []
      : [{ ...field('status', status, toldStatus(met)), isAssumed: isAssumed(report) }]),
    field('message', report.message, met.message, agreeOnMessage),
    field('request id', report.requestId, met.requestId),
    field('body', unreadable(report), unreadable(met)),
  ].filter(({ wanted, got }) => wanted !== undefined || got !== undefined);
}

/** Tells whether two errors are the same: a field agrees, and none contradicts. */
export function isSame(fields: readonly Compared[]): boolean {
  return fields.some(({ agrees }) => agrees === true) && fields.every(({ agrees }) => agrees !== false);
}

function field(
  name: string,
  wanted: string | undefined,
  got: string | undefined,
  isAlike: (a: string, b: string) => boolean = (a, b) => a === b,
): Compared {
  const agrees = wanted === undefined || got === undefined ? undefined : isAlike(wanted, got);
  return { name, wanted, isAssumed: false, got, agrees };
}

/** Programs call the same broken connection a reset, an end or a broken pipe; a time-out is something else. */
function kindOf({ network }: Finding): string {
  if (network === undefined) return 'answered';
  return network.fault === 'timeout' ? 'timeout' : 'broken';
}

function statusOf({ status }: Finding): string | undefined {
  return status === undefined ? undefined : `${status}`;
}

/** Returns the status in the output of the client. */
function toldStatus(met: Finding): string | undefined {
  return isAssumed(met) ? undefined : statusOf(met);
}

function isAssumed({ assumed }: Finding): boolean {
  return assumed.some(({ what }) => what === 'status');
}

function unreadable({ unparsableBody: garbage }: Finding): string | undefined {
  return garbage === true ? 'unreadable' : undefined;
}
