import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { changedAnswer, type UpstreamAnswer } from '../../src/exchange/upstream-answer.ts';

/** An answer whose state is its own, as that of one that comes from the network is. */
class Coming implements UpstreamAnswer {
  readonly status = 200;
  readonly reason = 'OK';
  readonly rawHeaders = ['ETag', '"1"'];
  readonly body = Readable.from(['ab']);
  #isComplete = false;

  arrive(): void {
    this.#isComplete = true;
  }

  trailers(): readonly string[] {
    return this.#isComplete ? ['Check', '1'] : [];
  }

  isComplete(): boolean {
    return this.#isComplete;
  }

  discard(): void {
    this.body.destroy();
  }
}

describe('a changed copy of an answer', () => {
  it('has the changes, and does not change the original', () => {
    const answer = new Coming();
    const copy = changedAnswer(answer, { rawHeaders: ['ETag', '"2"'] });
    expect([copy.rawHeaders, answer.rawHeaders]).toEqual([
      ['ETag', '"2"'],
      ['ETag', '"1"'],
    ]);
    expect([copy.status, copy.reason, copy.body]).toEqual([200, 'OK', answer.body]);
  });

  it('reports the state of the original, even if it was copied twice', () => {
    const answer = new Coming();
    const copy = changedAnswer(changedAnswer(answer, { rawHeaders: [] }), { body: Readable.from([]) });
    expect([copy.isComplete(), copy.trailers()]).toEqual([false, []]);
    answer.arrive();
    expect([copy.isComplete(), copy.trailers()]).toEqual([true, ['Check', '1']]);
    copy.discard();
    expect(answer.body.destroyed).toBe(true);
  });
});
