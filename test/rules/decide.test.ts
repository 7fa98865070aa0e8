import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/request/facts.ts';
import { drawIdentity } from '../../src/request/identity.ts';
import { decide, explain, type RuleSet } from '../../src/rules/decide.ts';
import { draw } from '../../src/rules/dice.ts';
import { request, rulesOf, since } from './rule-set.ts';

const three = `
rules:
  - { name: parts, match: { operation: UploadPart }, trigger: { probability: 0.3 }, fault: { error: SlowDown } }
  - { name: jpegs, match: { key: "**.jpg" }, trigger: { probability: 0.2 }, fault: { error: InternalError } }
  - { name: reads, match: { method: GET }, trigger: { probability: 0.5 }, fault: { error: ServiceUnavailable } }
`;

/** 600 requests: many are the same, some have an attempt number of an SDK. */
function traffic(): Facts[] {
  return Array.from({ length: 600 }, (_, n) => {
    const headers = n % 5 === 0 ? { 'amz-sdk-request': `attempt=${(n % 3) + 1}; max=3` } : {};
    const key = `/photos/${n % 40}${n % 2 ? '.jpg' : '.png'}`;
    if (n % 3 === 0) return request(`PUT ${key}?partNumber=${n % 7}&uploadId=u${n}`, { headers });
    return request(n % 3 === 1 ? `GET ${key}` : `PUT ${key}`, { headers });
  });
}

/** The same requests in another order for each number. */
function shuffled(requests: readonly Facts[], order: number): Facts[] {
  const subject = { operation: '', bucket: undefined, key: undefined, attempt: undefined, selection: '' };
  return requests
    .map((facts, part) => ({ facts, rank: draw(order, 'shuffle', drawIdentity({ ...subject, part }), 1) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ facts }) => facts);
}

/** Counts the requests of each kind that each rule fired on: equal requests cannot be told apart. */
function fates(rules: RuleSet, requests: readonly Facts[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const facts of requests) {
    const { operation, key, part, attempt } = facts;
    const fate = [operation, key, part, attempt, decide(rules, facts).fired?.rule.name].join(' ');
    counts.set(fate, (counts.get(fate) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort());
}

describe('the decision of all rules', () => {
  it('fires on the same requests and draws the same for their faults in every release', () => {
    const rules = rulesOf(three, 42);
    const fates = traffic().map((facts) => {
      const { fired } = decide(rules, facts);
      return fired ? `${fired.rule.name} ${fired.roll('x')}` : '';
    });
    const met = fates.filter((fate) => fate !== '');
    expect([met.length, ...met.slice(0, 3)]).toEqual([
      192,
      'reads 0.9803874804368757',
      'reads 0.37566299155230465',
      'jpegs 0.4531256290388077',
    ]);
    expect(hash('sha256', fates.join(), 'hex')).toBe(
      '9d43c23fa560a4d8f5592f22d4ca1395816adf2e69a8f9ae1c2975edbdf2ca56',
    );
  });

  it('takes the first rule that matches and fires', () => {
    const rules = rulesOf(`
rules:
  - { name: never, trigger: { probability: 0 }, fault: { error: SlowDown } }
  - { name: reads, match: { method: GET }, fault: { error: SlowDown } }
  - { name: once, trigger: { limit: 1 }, fault: { error: SlowDown } }
  - { name: rest, fault: { error: InternalError } }
`);
    const names = ['GET /photos/a', 'PUT /photos/a', 'PUT /photos/a'].map(
      (line) => decide(rules, request(line)).fired?.rule.name,
    );
    expect(names).toEqual(['reads', 'once', 'rest']);
    const counts = rules.rules.map(({ counts: { matched, fired } }) => [matched, fired]);
    // Later rules do not count a request on which an earlier rule fired.
    expect(counts).toEqual([
      [3, 0],
      [1, 1],
      [2, 1],
      [1, 1],
    ]);
  });

  it('is the same for the same requests in 20 shuffled orders', () => {
    const requests = traffic();
    const expected = fates(rulesOf(three), requests);
    expect(Object.keys(expected).some((fate) => fate.endsWith('parts'))).toBe(true);
    for (let order = 0; order < 20; order++) {
      expect(fates(rulesOf(three), shuffled(requests, order))).toEqual(expected);
    }
  });

  it.each([
    [
      'ranges of one object',
      (n: number) => request('GET /photos/a.jpg', { headers: { range: `bytes=${n}-${n + 9}` } }),
    ],
    ['prefixes of one listing', (n: number) => request(`GET /photos?list-type=2&prefix=${n}/`)],
    ['places of one listing', (n: number) => request(`GET /photos?marker=${n}&delimiter=%2F`)],
    ['places of one listing, version 2', (n: number) => request(`GET /photos?list-type=2&start-after=${n}`)],
    ['places of an appended object', (n: number) => request(`POST /photos/a.log?append&position=${n}`)],
  ])('is the same in any order for each of 200 %s', (_, ask) => {
    const requests = Array.from({ length: 200 }, (_, n) => ask(n));
    const text = 'rules: [{ name: half, trigger: { probability: 0.5 }, fault: { error: SlowDown } }]';
    const fates = (given: readonly Facts[]) => {
      const rules = rulesOf(text);
      const fired = given.filter((facts) => decide(rules, facts).fired !== undefined);
      return fired.map(({ target, range }) => `${target} ${range}`).sort();
    };
    const expected = fates(requests);
    expect(expected.length).toBeGreaterThan(70);
    for (let order = 0; order < 5; order++) expect(fates(shuffled(requests, order))).toEqual(expected);
  });

  it.each([
    ['signatures', 'GET /photos/a.jpg?X-Amz-Signature=1', 'GET /photos/a.jpg?X-Amz-Signature=2'],
    ['upload ids', 'PUT /photos/a?partNumber=1&uploadId=1', 'PUT /photos/a?partNumber=1&uploadId=2'],
    [
      'tokens',
      'GET /photos?list-type=2&continuation-token=1',
      'GET /photos?list-type=2&continuation-token=2',
    ],
  ])('does not depend on %s, which differ in each run', (_, first, second) => {
    const rules = rulesOf(
      'rules: [{ name: dice, trigger: { probability: 0.5 }, fault: { error: SlowDown } }]',
    );
    expect(request(second).selection).toBe(request(first).selection);
    expect(explain(rules, request(second))[0]?.why).toBe(explain(rules, request(first))[0]?.why);
  });

  it('is the same for each different request in any order', () => {
    const requests = Array.from({ length: 500 }, (_, n) =>
      request(`PUT /photos/${n}.jpg?partNumber=1&uploadId=u`),
    );
    const fired = (rules: RuleSet, given: Facts[]) =>
      given
        .filter((facts) => decide(rules, facts).fired)
        .map(({ target }) => target)
        .sort();
    const expected = fired(rulesOf(three), requests);
    for (let order = 0; order < 20; order++) {
      expect(fired(rulesOf(three), shuffled(requests, order))).toEqual(expected);
    }
  });

  it('differs between seeds', () => {
    expect(fates(rulesOf(three, 1), traffic())).not.toEqual(fates(rulesOf(three, 2), traffic()));
  });
});

describe('an explanation', () => {
  const many = `${three}
  - { name: some, match: { attempt: "1-2" }, trigger: { after: 3, first: 9, every: 2, per: key }, fault: { error: SlowDown } }
  - { name: few, trigger: { limit: 5, per: bucket }, fault: { error: SlowDown } }
`;

  it('names the rule that fires on the request after it', () => {
    const rules = rulesOf(many);
    for (const facts of traffic()) {
      const expected = explain(rules, facts, since(rules)).find(({ fires }) => fires)?.rule.name;
      expect(decide(rules, facts, since(rules)).fired?.rule.name).toBe(expected);
    }
  });

  it('counts nothing', () => {
    const [explained, untouched] = [rulesOf(many), rulesOf(many)];
    for (const facts of traffic()) explain(explained, facts);
    expect(fates(explained, traffic())).toEqual(fates(untouched, traffic()));
  });

  it('gives a reason for every rule', () => {
    const rules = rulesOf(`
rules:
  - { name: parts, match: { operation: UploadPart }, fault: { error: SlowDown } }
  - { name: dice, trigger: { probability: 0.1 }, fault: { error: SlowDown } }
  - { name: all, fault: { error: SlowDown } }
  - { name: late, fault: { error: SlowDown } }
`);
    expect(
      explain(rules, request('GET /photos/a')).map(({ rule, fires, why }) => [rule.name, fires, why]),
    ).toEqual([
      ['parts', false, 'operation is GetObject, rule wants UploadPart'],
      ['dice', false, 'drew 0.58, needs < 0.1'],
      ['all', true, 'it matches'],
      ['late', false, 'an earlier rule fired: all'],
    ]);
  });
});
