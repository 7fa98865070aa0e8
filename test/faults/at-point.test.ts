import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { atPoint, type PointStage } from '../../src/faults/at-point.ts';
import { spansOfAwsChunks } from '../../src/http/aws-chunked.ts';

type Point = Parameters<typeof atPoint>[0];

/** Sends a body in chunks through a stage. Returns what comes out, and the calls that the stage makes for its point. */
async function through(chunks: readonly string[], point: Pick<Point, 'bytes'> & Partial<Point>) {
  const said: string[] = [];
  const stage = atPoint({
    length: undefined,
    onMiss: () => said.push('missed'),
    ...point,
    onReach: () => {
      said.push('reached');
      return point.onReach?.() ?? 'end';
    },
  });
  return { body: await passed(stage, chunks), said };
}

async function passed(stage: PointStage, chunks: readonly string[]): Promise<string> {
  let body = '';
  stage.on('data', (chunk: Buffer) => {
    body += chunk;
  });
  const ended = once(stage, 'end');
  for (const chunk of chunks) stage.write(chunk);
  stage.end();
  await ended;
  return body;
}

/** Upper-cases what may be changed. */
const upper: Point['onReach'] = () => (chunk, spans) => {
  const copy = Buffer.from(chunk);
  for (const [from, to] of spans)
    copy.write(chunk.toString('latin1', from, to).toUpperCase(), from, 'latin1');
  return copy;
};

describe('a point of a body', () => {
  const END = Number.POSITIVE_INFINITY;

  it.each<[string, readonly string[], Pick<Point, 'bytes'> & Partial<Point>, string, string]>([
    ['within a chunk', ['abc', 'def'], { bytes: 4 }, 'abcd', 'reached'],
    ['between two chunks', ['abc', 'def'], { bytes: 3 }, 'abc', 'reached'],
    ['at the beginning', ['abc'], { bytes: 0 }, '', 'reached'],
    ['at the beginning of an empty body', [], { bytes: 0 }, '', 'reached'],
    ['after the last byte', ['abc'], { bytes: 3 }, 'abc', 'reached'],
    ['after the last byte, which a change needs', ['abc'], { bytes: 3, isWithin: true }, 'abc', 'missed'],
    ['before the last byte, which a change needs', ['abc'], { bytes: 2, isWithin: true }, 'ab', 'reached'],
    ['at the end', ['abc', 'def'], { bytes: END }, 'abcdef', 'reached'],
    ['at the end of a body of known length', ['abc'], { bytes: END, length: 3 }, 'abc', 'reached'],
    ['behind the end', ['abc'], { bytes: 4 }, 'abc', 'missed'],
    ['behind an end that is known', ['abc'], { bytes: 4, length: 3 }, 'abc', 'missed'],
    ['at an end that is known, within', ['abc'], { bytes: 3, length: 3, isWithin: true }, 'abc', 'missed'],
    [
      'at the end, within a known length',
      ['abc'],
      { bytes: END, length: 3, isWithin: true },
      'abc',
      'missed',
    ],
  ])('%s', async (_, chunks, point, body, said) => {
    expect(await through(chunks, point)).toEqual({ body, said: [said] });
  });

  it('changes each chunk after it', async () => {
    const { body } = await through(['abc', 'def'], { bytes: 2, onReach: upper });
    expect(body).toBe('abCDEF');
  });

  it('is counted in bytes of the object', async () => {
    const chunks = ['3;sig=1\r\nab', 'c\r\n3;sig=2\r\nd', 'ef\r\n0;sig=3\r\n\r\n'];
    const { body, said } = await through(chunks, { bytes: 4, spans: spansOfAwsChunks(), onReach: upper });
    expect([body, said]).toEqual([chunks.join('').replace('ef', 'EF'), ['reached']]);
  });

  it('holds back the rest until its promise resolves', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stage = atPoint({ bytes: 2, length: undefined, onReach: () => held, onMiss: () => {} });
    const seen: string[] = [];
    stage.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
    const first = once(stage, 'data');
    stage.end('abc');
    await first;
    expect(seen).toEqual(['ab']);
    release();
    await once(stage, 'end');
    expect(seen).toEqual(['ab', 'c']);
  });

  it('breaks the body off when its promise rejects', async () => {
    const onReach = () => Promise.reject(new Error('left'));
    const stage = atPoint({ bytes: 2, length: undefined, onReach, onMiss: () => {} });
    const failed = once(stage, 'error');
    stage.write('abc');
    expect(await failed).toEqual([new Error('left')]);
  });

  it('does not act after it was missed, and is missed once', async () => {
    const said: string[] = [];
    const onReach = () => {
      said.push('reached');
      return 'end' as const;
    };
    const stage = atPoint({ bytes: 2, length: undefined, onReach, onMiss: () => said.push('missed') });
    stage.miss();
    stage.miss();
    expect([await passed(stage, ['abc']), said]).toEqual(['abc', ['missed']]);
  });
});
