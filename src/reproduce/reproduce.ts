import { type Finding, findingOf, type Settings } from './finding.ts';
import { AROUND, merge, type Named } from './merge.ts';
import { plainOf } from './plain.ts';
import { SHAPES } from './shapes/index.ts';
import type { Sighting } from './sighting.ts';

/** Findings that are told apart; a text with more is a log, and its first ones say it all. */
const MOST_FINDINGS = 50;

/** What was found in a text. */
export interface Found {
  /** In the order of the text. */
  readonly findings: readonly Finding[];
  /** What else there is to say: findings that were left out. */
  readonly notes: readonly string[];
}

/** Finds every error of object storage in a text: a report, a log, or what a client has printed. */
export function findErrors(report: string, settings: Settings = {}): Found {
  const findings = allErrors(report, settings);
  const left = findings.length - MOST_FINDINGS;
  const notes = left > 0 ? [`${left} more errors follow, which are left out`] : [];
  return { findings: findings.slice(0, MOST_FINDINGS), notes };
}

/** The last error in what a program has printed: the one it ended in, if it ended in one. */
export function lastError(printed: string, settings: Settings = {}): Finding | undefined {
  return allErrors(printed, settings).at(-1);
}

function allErrors(text: string, settings: Settings): Finding[] {
  const plain = plainOf(text);
  return merge(plain.text, sightingsIn(plain.text)).flatMap((seen) => {
    const lines = [plain.lineOf(seen.from), plain.lineOf(Math.max(seen.from, seen.to - 1))] as const;
    return findingOf(seen, lines, settings) ?? [];
  });
}

function sightingsIn(text: string): Named[] {
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
function stretchesAround(errors: readonly Sighting[], length: number): { from: number; to: number }[] {
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
