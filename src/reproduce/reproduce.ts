import type { ErrorMatch } from './error-match.ts';
import { type Finding, findingOf, type ReproduceSettings } from './finding.ts';
import { SHAPES } from './formats/index.ts';
import { AROUND, merge, type NamedMatch } from './merge.ts';
import { plainOf } from './plain.ts';
import { withoutRepeats } from './repeats.ts';
import { nameOf, rejectionReason } from './storage.ts';

/** Findings that are told apart; a text with more is a log, and its first ones say it all. */
const MOST_FINDINGS = 50;

/** Of what was seen and makes no rule, so much is told. */
const MOST_PASSED = 10;

/** What was found in a text. */
export interface Found {
  /** In the order of the text. */
  readonly findings: readonly Finding[];
  /** What else there is to say: findings that were left out, and what looks like an error and is none. */
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

/** The last error in what a program has printed: the one it ended in, if it ended in one. */
export function lastError(printed: string, settings: ReproduceSettings = {}): Finding | undefined {
  return allErrors(printed, settings).findings.at(-1);
}

/** What is an error of object storage, and in words what only looks so. */
function allErrors(report: string, settings: ReproduceSettings): { findings: Finding[]; passed: string[] } {
  const { text, lineOf } = plainOf(report);
  const findings: Finding[] = [];
  const passed: string[] = [];
  const own = merge(text, sightingsIn(text)).filter((seen) => {
    const why = rejectionReason(text, seen, settings);
    if (why !== undefined) passed.push(`seen in line ${lineOf(seen.from)}: ${nameOf(seen.told)}, but ${why}`);
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
  const named = SHAPES.map((shape, rank) => ({ shape, rank, name: shape.name }));
  const errors = named
    .filter(({ shape }) => shape.isAround !== true)
    .flatMap(({ shape, rank, name }) => shape.find(text).map((each) => ({ ...each, shape: name, rank })));
  const hints = named
    .filter(({ shape }) => shape.isAround === true)
    .flatMap(({ shape, rank, name }) =>
      stretchesAround(errors, text.length).flatMap(({ from, to }) =>
        shape
          .find(text.slice(from, to))
          .map((each) => ({ ...each, from: each.from + from, to: each.to + from, shape: name, rank })),
      ),
    );
  return [...errors, ...hints];
}

/** Where hints can be: no further from an error than counts, and each place once. */
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

/** What is looked for, in words: for a text in which there is none of it. */
export function lookedFor(): string {
  return SHAPES.map(({ name }) => name).join('; ');
}
