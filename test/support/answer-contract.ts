import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { Exchange } from '../../src/exchange/exchange.ts';

/** Fails the tests in which a process, this one or one it has started, breaks the answer contract (answer-contract.mjs). */
const watcher = new URL('answer-contract.mjs', import.meta.url).href;
const file = join(tmpdir(), `brownout-answers-${randomUUID()}`);

const { watchCuts }: { watchCuts(exchange: typeof Exchange): void } = await import(watcher);
watchCuts(Exchange);
process.env.ANSWER_CONTRACT = file;
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${watcher}`;

afterEach(demandNone);
// An exchange that a test left open may break the contract after the test.
afterAll(demandNone);

/** Takes the violations that were noted since the last call. */
export function takeViolations(): string {
  if (!existsSync(file)) return '';
  const violations = readFileSync(file, 'utf8');
  rmSync(file);
  return violations;
}

function demandNone(): void {
  const violations = takeViolations();
  if (violations !== '') throw new Error(`the answer contract was broken:\n${violations}`);
}
