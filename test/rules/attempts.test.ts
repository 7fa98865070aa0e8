import { describe, expect, it } from 'vitest';
import { decide, recordSuccess } from '../../src/rules/decide.ts';
import { oneRule, request } from './rule-set.ts';

const put = request('PUT /photos/a.jpg');
const fails = (now: number, facts = put, rules = firstTry) => decide(rules, facts, now).fired !== undefined;
let firstTry = oneRule({ match: '{ attempt: 1 }' });

describe('attempts of a client that does not count them', () => {
  it('are counted per method, host, target and range', () => {
    firstTry = oneRule({ match: '{ attempt: 1 }' });
    expect([fails(0), fails(1), fails(2)]).toEqual([true, false, false]);
    expect(fails(3, request('PUT /photos/b.jpg'))).toBe(true);
    expect(fails(4, request('GET /photos/a.jpg'))).toBe(true);
    expect(fails(5, request('PUT /photos/a.jpg', { headers: { host: 'other:9000' } }))).toBe(true);
    const ranged = (range: string) => request('GET /photos/b.jpg', { headers: { range } });
    expect([fails(6, ranged('bytes=0-9')), fails(7, ranged('bytes=10-19'))]).toEqual([true, true]);
    expect(fails(8, ranged('bytes=0-9'))).toBe(false);
  });

  it('start again after a success', () => {
    firstTry = oneRule({ match: '{ attempt: 1 }' });
    expect(fails(0)).toBe(true);
    recordSuccess(firstTry, put, false);
    expect(fails(1)).toBe(false);
    recordSuccess(firstTry, put, true);
    expect(fails(2)).toBe(true);
  });

  it('start again when more than 60 s have passed since the last one', () => {
    firstTry = oneRule({ match: '{ attempt: 1 }' });
    expect([fails(0), fails(60_000), fails(120_000), fails(180_001)]).toEqual([true, false, false, true]);
  });

  it('have the number that the SDK sends', () => {
    firstTry = oneRule({ match: '{ attempt: 1 }' });
    const first = request('PUT /photos/a.jpg', { headers: { 'amz-sdk-request': 'attempt=1; max=3' } });
    expect([fails(0, first), fails(1, first)]).toEqual([true, true]);
  });

  it('are forgotten oldest first, so that memory stays bounded', () => {
    firstTry = oneRule({ match: '{ attempt: 1 }' });
    for (let key = 0; key < 10_001; key++) fails(0, request(`PUT /photos/${key}`));
    expect(fails(1, request('PUT /photos/10000'))).toBe(false);
    expect(fails(1, request('PUT /photos/0'))).toBe(true);
  });
});
