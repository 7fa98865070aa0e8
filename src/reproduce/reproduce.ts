import { type Finding, findingOf, type Settings } from './finding.ts';
import { merge } from './merge.ts';
import { plainOf } from './plain.ts';
import { SHAPES } from './shapes/index.ts';

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
  const plain = plainOf(report);
  const sightings = SHAPES.flatMap((shape, rank) =>
    shape.find(plain.text).map((each) => ({ ...each, shape: shape.name, rank })),
  );
  const findings = merge(plain.text, sightings).flatMap((seen) => {
    const lines = [plain.lineOf(seen.from), plain.lineOf(Math.max(seen.from, seen.to - 1))] as const;
    return findingOf(seen, lines, settings) ?? [];
  });
  const left = findings.length - MOST_FINDINGS;
  const notes = left > 0 ? [`${left} more errors follow, which are left out`] : [];
  return { findings: findings.slice(0, MOST_FINDINGS), notes };
}

/** What is looked for, in words: for a text in which there is none of it. */
export function lookedFor(): string {
  return SHAPES.map(({ name }) => name).join('; ');
}
