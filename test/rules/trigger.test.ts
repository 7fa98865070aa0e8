import { describe, expect, it } from 'vitest';
import { decide, explain } from '../../src/rules/decide.ts';
import { oneRule, request, since } from './rule-set.ts';

/** Sends so many equal `requests`, and returns the numbers of those on which the rule fires. */
function firing(trigger: string, requests: number): number[] {
  const rules = oneRule({ trigger });
  const numbers = Array.from({ length: requests }, (_, index) => index + 1);
  return numbers.filter(() => decide(rules, request('PUT /photos/a')).fired !== undefined);
}

describe('a trigger', () => {
  it.each([
    ['{}', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['{ after: 6 }', [7, 8]],
    ['{ first: 2 }', [1, 2]],
    ['{ after: 2, first: 2 }', [3, 4]],
    ['{ every: 3 }', [3, 6]],
    ['{ after: 1, every: 3 }', [4, 7]],
    ['{ after: 1, first: 3, every: 3 }', [4]],
    ['{ limit: 2 }', [1, 2]],
    ['{ every: 2, limit: 2 }', [2, 4]],
    ['{ probability: 0 }', []],
    ['{ probability: 1 }', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['{ probability: 1, first: 1 }', [1]],
  ])('%s fires on requests %j of 8', (trigger, numbers) => {
    expect(firing(trigger, 8)).toEqual(numbers);
  });

  it.each([
    ['{ from: 10s }', [10, 11, 12, 59, 70, 71, 72, 1000]],
    ['{ for: 10s }', [0, 9]],
    ['{ from: 10s, for: 2s }', [10, 11]],
    ['{ from: 10s, for: 2s, every: 1m }', [10, 11, 70, 71]],
  ])('window %s is open at %j seconds', (window, open) => {
    const rules = oneRule({ trigger: `{ window: ${window} }` });
    const seconds = [0, 9, 10, 11, 12, 59, 70, 71, 72, 1000];
    // A little later, because rounding may make the sum a little too small.
    const at = (second: number) => since(rules) + second * 1000 + 0.001;
    expect(seconds.filter((second) => decide(rules, request('GET /photos/a'), at(second)).fired)).toEqual(
      open,
    );
  });

  it.each([
    ['rule', 1],
    ['key', 3],
    ['bucket', 2],
    ['client', 2],
    ['accessKey', 2],
  ])('per %s counts %i scopes in the same four requests', (per, fires) => {
    const rules = oneRule({ trigger: `{ first: 1, per: ${per} }` });
    const signed = { authorization: 'AWS AKIA7:c2ln' };
    const requests = [
      request('PUT /photos/a', { headers: signed }),
      request('PUT /photos/a', { client: '10.0.0.1' }),
      request('PUT /photos/b', { headers: signed }),
      request('PUT /films/a'),
    ];
    expect(requests.filter((facts) => decide(rules, facts).fired)).toHaveLength(fires);
    expect(rules.rules[0]?.counts).toMatchObject({ matched: 4, fired: fires });
  });

  it('remembers 100,000 keys, and forgets the one that was not used for the longest time', () => {
    const rules = oneRule({ trigger: '{ first: 1, per: key }' });
    const fires = (key: number) => decide(rules, request(`PUT /photos/${key}`)).fired !== undefined;
    for (let key = 0; key < 100_000; key++) fires(key);
    expect([fires(0), fires(50_000)]).toEqual([false, false]);
    // One more than it can hold: key 0 was just used, so it forgets key 1.
    expect([fires(100_000), fires(0), fires(1)]).toEqual([true, false, true]);
  });

  it.each([
    ['{ after: 2 }', 1, 'request 2, fires from request 3 on'],
    ['{ first: 1 }', 1, 'request 2, fires on request 1 only'],
    ['{ first: 2 }', 2, 'request 3, fires on requests 1 to 2 only'],
    ['{ after: 1, first: 2 }', 3, 'request 4, fires on requests 2 to 3 only'],
    ['{ after: 1, first: 1 }', 2, 'request 3, fires on request 2 only'],
    ['{ every: 3 }', 1, 'request 2, fires on requests 3, 6, 9, …'],
    ['{ after: 1, every: 2 }', 3, 'request 4, fires on requests 3, 5, 7, …'],
    ['{ after: 3, every: 2 }', 0, 'request 1, fires from request 4 on'],
    [
      '{ after: 2, every: 2 }',
      0,
      'request 1, fires from request 3 on; request 1, fires on requests 4, 6, 8, …',
    ],
    ['{ limit: 3 }', 3, 'limit of 3 reached'],
    ['{ first: 1, per: key }', 1, 'request 2 of this key, fires on request 1 only'],
    ['{ limit: 1, per: accessKey }', 1, 'limit of 1 reached for this access key'],
    ['{ every: 2, per: bucket }', 2, 'request 3 of this bucket, fires on requests 2, 4, 6, …'],
    ['{ after: 1, per: client }', 0, 'request 1 of this client, fires from request 2 on'],
    [
      '{ window: { from: 1h, for: 1m, every: 2h } }',
      0,
      '0ms after the rule was loaded, its window opens after 1h for 1m, again every 2h',
    ],
    ['{ window: { from: 10s } }', 0, '0ms after the rule was loaded, its window opens after 10s'],
    ['{ probability: 0.1 }', 0, 'drew 0.57, needs < 0.1'],
    ['{ probability: 0.9 }', 0, 'drew 0.57, needs < 0.9'],
    ['{ first: 1, limit: 1 }', 1, 'request 2, fires on request 1 only; limit of 1 reached'],
  ])('%s says after %i requests: %s', (trigger, earlier, why) => {
    const rules = oneRule({ trigger });
    for (let n = 0; n < earlier; n++) decide(rules, request('PUT /photos/a'), since(rules)).fired;
    expect(explain(rules, request('PUT /photos/a'), since(rules))[0]?.why).toBe(why);
  });
});
