import { expect, it } from 'vitest';
import { describeEntry } from '../../src/observe/entry-text.ts';
import type { JournalEntry } from '../../src/observe/journal.ts';
import { summarise } from '../../src/rulebook/entry.ts';

const part: JournalEntry = {
  id: 1,
  arrival: 1,
  time: '2026-11-20T05:00:00.000Z',
  client: '127.0.0.1',
  method: 'PUT',
  target: '/b/k?partNumber=1&uploadId=u',
  operation: 'UploadPart',
  bucket: 'b',
  key: 'k',
  part: 1,
  range: undefined,
  attempt: 2,
  accessKey: undefined,
  session: undefined,
  rule: 'slow',
  fault: 'error',
  code: 'SlowDown',
  provider: 'aws-s3',
  settings: { error: 'SlowDown' },
  requestId: undefined,
  outcome: 'injected',
  status: 503,
  upstreamStatus: undefined,
  upstreamCode: undefined,
  failure: undefined,
  reason: undefined,
  bytesIn: 0,
  bytesOut: 258,
  duration: 2.3,
};

it.each<[Partial<JournalEntry>, string]>([
  [{}, 'UploadPart b/k part 1 attempt 2 → 503 SlowDown, injected by "slow" (258B out, 2ms)'],
  [{ attempt: 1 }, 'UploadPart b/k part 1 → 503 SlowDown, injected by "slow" (258B out, 2ms)'],
  [
    { code: undefined, fault: 'reset', status: undefined, upstreamStatus: 200 },
    'UploadPart b/k part 1 attempt 2 → no answer: reset, injected by "slow"; the upstream said 200 (258B out, 2ms)',
  ],
  [
    { outcome: 'refused', status: 400, reason: 'x-brownout-fault \u001b cannot be read' },
    'UploadPart b/k part 1 attempt 2 → 400, refused: x-brownout-fault � cannot be read (258B out, 2ms)',
  ],
  [
    { outcome: 'forwarded', status: 404, upstreamCode: 'NoSuchUpload', bytesIn: 1024 },
    "UploadPart b/k part 1 attempt 2 → 404 NoSuchUpload, the upstream's own (1KiB in, 2ms)",
  ],
])('an entry with %j is printed as %s', (changes, line) => {
  expect(describeEntry({ ...part, ...changes })).toBe(line);
});

it('the summary of a run lists the rules that matched, and counts the others', () => {
  const rule = (name: string, matched: number, fired: number) => ({
    name,
    file: 'r.yaml',
    line: 1,
    matched,
    fired,
  });
  expect(summarise(1, [])).toBe('1 exchange');
  expect(summarise(5, [rule('a', 4, 1), rule('b', 0, 0), rule('c', 1, 0), rule('d', 0, 0)])).toBe(
    '5 exchanges\n  a: matched 4, fired 1\n  c: matched 1, fired 0\n  2 rules never matched',
  );
});
