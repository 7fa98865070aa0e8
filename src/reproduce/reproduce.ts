import type { ErrorMatch } from './error-match.ts';
import { type Finding, findingOf, type ReproduceSettings } from './finding.ts';
import { FORMATS } from './formats/index.ts';
import { AROUND, merge, type NamedMatch } from './merge.ts';
import { plainOf } from './plain.ts';
import { withoutRepeats } from './repeats.ts';
import { nameOf, rejectionReason } from './storage.ts';

/** Largest number of findings. A text with more is a log, whose first findings are enough. */
const MOST_FINDINGS = 50;

/** Largest number of matches without a rule that are listed. */
const MOST_PASSED = 10;

/** Findings of a text, with notes. */
export interface Found {
  /** In the order of the text. */
  readonly findings: readonly Finding[];
  /** Notes about findings that were left out, and about text that only looks like an error. */
  readonly notes: readonly string[];
}

/** Finds every error of object storage in a text: a report, a log, or what a client has printed. */
export function findErrors(report: string, settings: ReproduceSettings = {}): Found {
  const { findings, passed } = allErrors(report, settings);
  const left = findings.length - MOST_FINDINGS;
  const more = passed.length - MOST_PASSED;
  return {
    findings: findings.slice(0, MOST_FINDINGS),
    notes: [
      ...(left > 0 ? [`${left} more errors follow, which are left out`] : []),
      ...passed.slice(0, MOST_PASSED),
      ...(more > 0 ? [`${more} more were seen that make no rule`] : []),
    ],
  };
}

/** Returns the last error in the output of a program. */
export function lastError(printed: string, settings: ReproduceSettings = {}): Finding | undefined {
  return allErrors(printed, settings).findings.at(-1);
}

/** Splits matches into errors of object storage and notes about other text. */
function allErrors(report: string, settings: ReproduceSettings): { findings: Finding[]; passed: string[] } {
  const { text, lineOf } = plainOf(report);
  const findings: Finding[] = [];
  const passed: string[] = [];
  const own = merge(text, sightingsIn(text)).filter((seen) => {
    const why = rejectionReason(text, seen, settings);
    if (why !== undefined)
      passed.push(`seen in line ${lineOf(seen.from)}: ${nameOf(seen.error)}, but ${why}`);
    return why === undefined;
  });
  for (const seen of withoutRepeats(own)) {
    const lines = [lineOf(seen.from), lineOf(Math.max(seen.from, seen.to - 1))] as const;
    const finding = findingOf(seen, lines, settings);
    if (finding !== undefined) findings.push(finding);
  }
  return { findings, passed };
}

function sightingsIn(text: string): NamedMatch[] {
  const named = FORMATS.map((format, rank) => ({ format, rank, name: format.name }));
  const errors = named
    .filter(({ format }) => format.isAround !== true)
    .flatMap(({ format, rank, name }) => format.find(text).map((each) => ({ ...each, format: name, rank })));
  const hints = named
    .filter(({ format }) => format.isAround === true)
    .flatMap(({ format, rank, name }) =>
      stretchesAround(errors, text.length).flatMap(({ from, to }) =>
        format
          .find(text.slice(from, to))
          .map((each) => ({ ...each, from: each.from + from, to: each.to + from, format: name, rank })),
      ),
    );
  return [...errors, ...hints];
}

/** Returns the parts of a text near errors, in which hints are searched. Each place is in one part. */
function stretchesAround(errors: readonly ErrorMatch[], length: number): { from: number; to: number }[] {
  const stretches: { from: number; to: number }[] = [];
  for (const each of [...errors].sort((a, b) => a.from - b.from)) {
    const last = stretches.at(-1);
    const from = Math.max(0, each.from - AROUND);
    const to = Math.min(length, each.to + AROUND);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else stretches.push({ from, to });
  }
  return stretches;
}

/** Lists what is searched for, for the message about a text without errors. */
export function lookedFor(): string {
  return FORMATS.map(({ name }) => name).join('; ');
}
