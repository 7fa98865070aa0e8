import { describe, expect, it } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import type { RecordedExchange } from '../../src/replay/recorded.ts';
import { Replay } from '../../src/replay/replay.ts';
import { factsOf } from '../../src/request/facts.ts';
import { decide } from '../../src/rules/decide.ts';
import { parseRules } from '../../src/rules/load.ts';

const START = Date.parse('2026-11-20T05:36:07.000Z');

/** Makes an entry of an upload with this id, one ms after the entry before it. */
function entry(id: number, more: Partial<RecordedExchange> = {}): RecordedExchange {
  return {
    id,
    arrival: id,
    time: new Date(START + id).toISOString(),
    method: 'PUT',
    target: '/b/k',
    operation: 'PutObject',
    bucket: 'b',
    key: 'k',
    ...more,
  };
}

/** Fields of an entry that met this error. */
function faulted(code: string, provider = 'aws-s3') {
  return { fault: 'error', code, provider, settings: { error: code } };
}

function replayed(...entries: readonly RecordedExchange[]) {
  const replay = new Replay();
  for (const each of entries) replay.add(each);
  const { text, notes } = replay.rules();
  const loaded = parseRules([{ name: 'rules.yaml', folder: '.', text }]);
  if ('diagnostics' in loaded) throw new Error(`${JSON.stringify(loaded.diagnostics)}\n${text}`);
  return { text, notes, set: loaded.ok, body: text.replace(/^#.*\n/gm, '') };
}

function request(method: string, target: string, headers: Record<string, string> = {}) {
  return factsOf(
    { method, target, headers: { host: 'h', ...headers }, client: '127.0.0.1' },
    {},
    requestSigns(),
  );
}

/** Returns the codes that rules inject into these requests, one after the other; '' for none. */
function codes(set: ReturnType<typeof replayed>['set'], requests: readonly ReturnType<typeof request>[]) {
  return requests.map((facts) => decide(set, facts).fired?.rule.faults[0]?.code ?? '');
}

/** Makes a generator of numbers in [0, 1) that are the same in every run: a linear congruence. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the rules of a replay', () => {
  it.each([1, 2, 3, 4, 5])('inject the same faults into the same random requests (%i)', (seed) => {
    const random = numbers(seed);
    const pick = <Value>(...values: readonly Value[]) =>
      values[Math.floor(random() * values.length)] ?? values[0]!;
    const met = Array.from({ length: 600 }, (_, i) => {
      const key = pick('a', 'b', 'c/d');
      const method = pick('GET', 'PUT', 'DELETE');
      const query = pick(
        '',
        '',
        '?partNumber=1&uploadId=u',
        '?partNumber=2&uploadId=u',
        '?prefix=x',
        '?marker=',
      );
      const range = method === 'GET' ? pick(undefined, 'bytes=0-9', 'bytes=10-19') : undefined;
      const target = query.startsWith('?p') && random() < 0.2 ? `/b${query}` : `/b/${key}${query}`;
      const facts = request(method, target, range === undefined ? {} : { range });
      const code = random() < 0.3 ? pick('SlowDown', 'InternalError', 'ServiceUnavailable') : '';
      const { operation, bucket, part } = facts;
      const read = { method, target, operation, bucket, key: facts.key, part, range };
      return { facts, code, entry: entry(i + 1, { ...read, ...(code !== '' && faulted(code)) }) };
    });
    const { set } = replayed(...met.map((each) => each.entry));
    expect(
      codes(
        set,
        met.map(({ facts }) => facts),
      ),
    ).toEqual(met.map(({ code }) => code));
  });

  it('are a readable rule file, with one rule for all keys that met the same faults', () => {
    const { text, notes } = replayed(
      entry(1, { key: 'one', ...faulted('SlowDown') }),
      entry(2, { key: 'two', ...faulted('SlowDown') }),
      entry(3, { key: 'three' }),
      entry(4, { key: 'one', ...faulted('SlowDown') }),
      entry(5, { key: 'two' }),
      entry(6, { key: 'two', ...faulted('InternalError') }),
    );
    expect(notes).toEqual([]);
    expect(text).toBe(`# yaml-language-server: $schema=../schema/rules.schema.json
# Repeats 4 faults of 6 exchanges from 2026-11-20T05:36:07.001Z to 2026-11-20T05:36:07.006Z.
# "after: 2, first: 1" means the third of the requests that match. Requests on which an earlier rule fires do not count.

provider: aws-s3
rules:
  - name: "replay 1: PutObject, error SlowDown, requests 1 to 2"
    match:
      operation: PutObject
      bucket: b
      key: one
    trigger: { first: 2, per: key }
    fault:
      error: SlowDown
  - name: "replay 2: PutObject, error SlowDown, request 1"
    match:
      operation: PutObject
      bucket: b
      key: two
    trigger: { first: 1, per: key }
    fault:
      error: SlowDown
  - name: "replay 3: PutObject, error InternalError, request 3"
    match:
      operation: PutObject
      bucket: b
      key: two
    trigger: { after: 1, first: 1, per: key }
    fault:
      error: InternalError
`);
    const merged = replayed(
      ...['x', 'y', 'z'].map((key, i) => entry(i + 1, { key, ...faulted('SlowDown') })),
    );
    expect(merged.set.rules.length).toBe(1);
    expect(merged.body).toContain('key:\n        - x\n        - y\n        - z\n');
  });

  it('count requests in the order of arrival, not in the order of their ends', () => {
    const { body } = replayed(entry(1, { arrival: 2 }), entry(2, { arrival: 1, ...faulted('SlowDown') }));
    expect(body).toContain('trigger: { first: 1, per: key }');
  });

  it('count the requests of a second run after those of the first', () => {
    const later = { time: '2026-11-20T06:00:00.000Z' };
    const { body } = replayed(
      entry(1),
      entry(2, { arrival: 3 }),
      entry(1, { ...later, ...faulted('SlowDown') }),
    );
    expect(body).toContain('trigger: { after: 2, first: 1, per: key }');
  });

  it('do not depend on the times of entries', () => {
    const { body } = replayed(
      entry(1, { time: '2026-11-20T05:36:07.011Z' }),
      entry(2, { time: '2026-11-20T05:36:07.010Z', ...faulted('SlowDown') }),
    );
    expect(body).toContain('trigger: { after: 1, first: 1, per: key }');
  });

  it('have the recorded settings, and all recorded providers', () => {
    const settings = { delay: { for: '12.34ms' }, error: { code: 'SlowDown', at: 'commit' } };
    const { body, set } = replayed(
      entry(1, { fault: 'delay+error', code: 'SlowDown', provider: 'aws-s3', settings }),
      entry(2, faulted('SlowDown', 'jd-jss')),
    );
    expect(body).toContain(
      'delay:\n        for: 12.34ms\n      error:\n        code: SlowDown\n        at: commit\n',
    );
    expect(set.rules.map(({ name, provider }) => [name, provider.name])).toEqual([
      ['replay 1: PutObject, delay+error SlowDown, request 1', 'aws-s3'],
      ['replay 2: PutObject, error SlowDown, request 2', 'jd-jss'],
    ]);
  });

  it('repeat equal settings in each rule, without YAML aliases', () => {
    const settings = { error: { code: 'SlowDown' } };
    const same = { fault: 'error', code: 'SlowDown', provider: 'aws-s3', settings };
    expect(replayed(entry(1, same), entry(2), entry(3, same)).text).not.toMatch(/[&*]\w/);
  });

  it('ask for the absence of a header only if another request has it', () => {
    const get = { method: 'GET', operation: 'GetObject' };
    expect(replayed(entry(1, { ...get, ...faulted('SlowDown') })).body).not.toContain('range');
    const { body, set } = replayed(
      entry(1, { ...get, ...faulted('SlowDown') }),
      entry(2, { ...get, range: 'bytes=0-9' }),
    );
    expect(body).toContain('headers: { range: false }\n');
    const ranged = request('GET', '/b/k', { range: 'bytes=0-9' });
    expect(codes(set, [ranged, ranged, request('GET', '/b/k')])).toEqual(['', '', 'SlowDown']);
  });

  it('tell access keys apart if several sent the same request, and say so', () => {
    const one = { accessKey: 'AKONE' };
    const two = { accessKey: 'AKTWO', ...faulted('SlowDown') };
    const { body, notes } = replayed(entry(1, one), entry(2, two), entry(3, one));
    expect(body).toContain('accessKey: AKTWO\n');
    expect(body).toContain('trigger: { first: 1, per: key }');
    expect(notes).toEqual([
      'several access keys sent the same request: rules for it fire on the requests of one key only',
    ]);
    expect(replayed(entry(1, two), entry(2, { key: 'other', ...one })).body).not.toContain('accessKey');
    // No rule can match only requests without an access key.
    const { body: counted } = replayed(entry(1), entry(2, two));
    expect(counted).not.toContain('accessKey');
    expect(counted).toContain('trigger: { after: 1, first: 1, per: key }');
  });

  it('leave out faults that were skipped, and keep those whose client left', () => {
    const skipped = { key: 'k', rule: 'r', outcome: 'forwarded' };
    const { body, set } = replayed(
      entry(1, skipped),
      entry(2, { ...faulted('SlowDown'), ...{ outcome: 'client-left' } }),
    );
    expect(set.rules.length).toBe(1);
    expect(body).toContain('after: 1, first: 1');
  });

  it('are none if there are no faults', () => {
    expect(replayed().text).toContain('# Repeats nothing: the journal has no exchanges.\n');
    const { text, set } = replayed(entry(1));
    expect(text).toContain('# Repeats 0 faults of 1 exchange from ');
    expect(set.rules).toEqual([]);
  });
});

/** Makes an entry of a request with the facts that a proxy reads, with a fault or none. */
function sent(id: number, facts: ReturnType<typeof request>, code = ''): RecordedExchange {
  const { method, target, operation, bucket, key, part, range, accessKey } = facts;
  const read = { method, target, operation, bucket, key, part, range, accessKey };
  return entry(id, { ...read, ...(code !== '' && faulted(code)) });
}

/** Makes rules of these requests (`isHit`: it met SlowDown), and tells which of the same requests they fire on. */
function again(
  requests: readonly (readonly [facts: ReturnType<typeof request>, isHit?: boolean | undefined])[],
) {
  const entries = requests.map(([facts, isHit], i) => sent(i + 1, facts, isHit ? 'SlowDown' : ''));
  const { set, notes } = replayed(...entries);
  const met = codes(
    set,
    requests.map(([facts]) => facts),
  );
  return { hits: met.map((code) => code !== ''), notes };
}

describe('the rules of a replay fire on no other request', () => {
  const LEFT = 'left out, as no rule can ask for their requests and not for others of the run';

  it.each<[string, [string, string, boolean?][]]>([
    [
      'without a bucket or a key',
      [
        ['OPTIONS', '/', true],
        ['OPTIONS', '/b'],
        ['OPTIONS', '/b/k'],
        ['OPTIONS', '/b', true],
        ['OPTIONS', '/c'],
        ['OPTIONS', '/b/k', true],
        ['OPTIONS', '/'],
      ],
    ],
    [
      'of an unknown operation',
      [
        ['POST', '/?zzz', true],
        ['POST', '/b?zzz'],
        ['POST', '/b/k?zzz'],
        ['POST', '/b/?zzz', true],
        ['POST', '/b?zzz', true],
        ['PATCH', '/b/k?zzz'],
        ['PATCH', '/b/k?zzz', true],
      ],
    ],
    [
      'with an invalid part number',
      [
        ['GET', '/b/k?partNumber=abc', true],
        ['GET', '/b/k'],
        ['GET', '/b/k?partNumber=0', true],
        ['GET', '/b/k?partNumber=123456789012345', true],
        ['GET', '/b/k?partNumber=1'],
        ['GET', '/b/k?partNumber=', true],
        ['GET', '/b/k?partNumber=1', true],
        ['GET', '/b/k', true],
      ],
    ],
    [
      'with the parameters of a listing',
      [
        ['GET', '/b?list-type=2&prefix=', true],
        ['GET', '/b?list-type=2'],
        ['GET', '/b?list-type=2&prefix=a'],
        ['GET', '/b?list-type=2&prefix=&delimiter=/', true],
        ['GET', '/b?list-type=2', true],
      ],
    ],
  ])('%s', (_, lines) => {
    const { hits, notes } = again(
      lines.map(([method, target, isHit]) => [request(method, target), isHit] as const),
    );
    expect(hits).toEqual(lines.map(([, , isHit = false]) => isHit));
    expect(notes).toEqual([]);
  });

  it.each<[string, ReturnType<typeof request>, ReturnType<typeof request>, string]>([
    ['bucket', request('PUT', '/b*c/k'), request('PUT', '/bxc/k'), 'PutObject b*c/k'],
    ['key', request('PUT', '/b/a*c'), request('PUT', '/b/axc'), 'PutObject b/a*c'],
    [
      'Range header',
      request('GET', '/b/k', { range: '*' }),
      request('GET', '/b/k', { range: 'b' }),
      'GetObject b/k',
    ],
    ['query', request('GET', '/b?prefix=a%3F'), request('GET', '/b?prefix=ab'), 'ListObjects b'],
    [
      'access key',
      request('GET', '/b/k', { authorization: 'AWS A*:s' }),
      request('GET', '/b/k', { authorization: 'AWS AB:s' }),
      'GetObject b/k',
    ],
    ['method, which rules do not know', request('PROPFIND', '/b/k'), request('LINK', '/b/k'), 'Unknown b/k'],
    [
      'long key',
      request('PUT', `/b/${'x'.repeat(1500)}1`),
      request('PUT', `/b/${'x'.repeat(1500)}2`),
      `PutObject b/${'x'.repeat(78)}…`,
    ],
  ])(
    'if they differ only in the %s, and no glob can tell that: the fault is left out with a note',
    (_, one, other, place) => {
      const { hits, notes } = again([[one, true], [other]]);
      expect(hits).toEqual([false, false]);
      expect(notes.filter((note) => note.includes('left out'))).toEqual([`1 fault is ${LEFT}: ${place}`]);
      const { text, notes: none } = replayed(sent(1, one, 'SlowDown'), sent(2, request('GET', '/other/k')));
      expect(none).toEqual([]);
      expect(text).toContain('error: SlowDown');
    },
  );

  it('if the journal has only the beginning of a request: its fault is left out with a note', () => {
    const cut = { operation: 'ListObjects', method: 'GET', key: undefined };
    const target = `/b?zz=${'p'.repeat(2042)}…`;
    const { set, notes, text } = replayed(
      entry(1, { ...cut, target: '/b', ...faulted('SlowDown') }),
      entry(2, { ...cut, target }),
      entry(3, faulted('SlowDown')),
    );
    expect(notes).toEqual([
      '1 fault is left out, as the journal has only the beginning of such requests: ListObjects b',
    ]);
    expect(text).toContain(`# Repeats 1 of 2 faults of 3 exchanges from`);
    expect(text).toContain(`# ${notes[0]}\n`);
    expect(set.rules.map(({ name }) => name)).toEqual(['replay 1: PutObject, error SlowDown, request 1']);
  });

  it('if some requests asked for a fault by a header', () => {
    const asking = { rule: 'x-brownout-fault header', ...faulted('InternalError') };
    const { set } = replayed(
      entry(1, { outcome: 'refused' }),
      entry(2),
      entry(3, asking),
      entry(4, faulted('SlowDown')),
    );
    const plain = request('PUT', '/b/k');
    const withHeader = request('PUT', '/b/k', { 'x-brownout-fault': 'InternalError' });
    expect(codes(set, [plain, plain])).toEqual(['', 'SlowDown']);
    expect(codes(set, [withHeader, withHeader, withHeader])).toEqual(['', 'InternalError', '']);
  });
});

describe('a glob of a replayed rule', () => {
  it('has a question mark in place of a star or question mark, and the rule says so', () => {
    const { text, set } = replayed(entry(1, { key: 'a*b?c', ...faulted('SlowDown') }));
    expect(text).toMatch(/^ {2}# A "\*" or "\?" in the request is "\?" here,.*\n {2}- name: /m);
    expect(codes(set, [request('PUT', '/b/a**b?c'), request('PUT', '/b/a*b%3Fc')])).toEqual(['', 'SlowDown']);
  });

  it('has only the beginning of a key of more than 1024 characters, and the rule says so', () => {
    const key = '🍏'.repeat(1000);
    const { text, set } = replayed(entry(1, { key: `${key}…`, ...faulted('SlowDown') }));
    expect(text).toContain(
      '  # A text of more than 1024 characters is cut here. No other request of the run begins the same.\n',
    );
    expect(codes(set, [request('PUT', `/b/${encodeURIComponent(key)}x`)])).toEqual(['SlowDown']);
  });

  it('is in a rule whose name has no control characters', () => {
    const { set } = replayed(
      entry(1, {
        fault: 'error',
        code: '\u001b[2J你\n',
        provider: 'aws-s3',
        settings: { error: 'SlowDown' },
      }),
    );
    expect(set.rules[0]?.name).toBe('replay 1: PutObject, error ?[2J??, request 1');
  });
});

describe('a replay warns', () => {
  const slow = faulted('SlowDown');

  it('of exchanges that the journal lacks', () => {
    const message = (are: string) =>
      `${are} not in the journal, so "after" may be too low. give all files: FILE.2 FILE.1 FILE`;
    expect(replayed(entry(4, slow)).notes).toEqual([message('3 exchanges of the run are')]);
    const { notes, text } = replayed(entry(1), entry(3, slow));
    expect(notes).toEqual([message('1 exchange of the run is')]);
    expect(text).toContain(`# ${notes[0]}\n`);
  });

  it('of a journal of several runs', () => {
    const again = { time: '2026-11-20T06:00:00.000Z' };
    const message = 'the proxy was started 2 times; the rules repeat all of it as one run';
    expect(replayed(entry(1, slow), entry(2), entry(1, again)).notes).toEqual([message]);
  });

  it('of files in the wrong order', () => {
    const message =
      'the files were not given oldest first, or one was given twice: FILE.2 comes before FILE.1';
    expect(replayed(entry(3, slow), entry(4), entry(1), entry(2)).notes).toEqual([message]);
  });

  it("of faults that came from sessions' plans", () => {
    const message = '1 fault came from the plans of sessions; the rules apply to the requests of all clients';
    expect(replayed(entry(1, { ...slow, session: 's1' }), entry(2, { session: 's1' })).notes).toEqual([
      message,
    ]);
  });

  it('of refused requests, as no rule refuses a request', () => {
    const message =
      '1 request was refused the fault that a header asked for; that happens again only with --allow-header-faults';
    expect(replayed(entry(1, { outcome: 'refused' }), entry(2, slow)).notes).toEqual([message]);
  });

  it('of a file beside the rules', () => {
    const settings = { respond: { status: 200, bodyFile: 'package.json' } };
    const { notes } = replayed(entry(1, { fault: 'respond', provider: 'aws-s3', settings }));
    expect(notes).toEqual([
      'the path of a bodyFile is relative to this file; it was relative to the rule file of the recorded run',
    ]);
  });
});
