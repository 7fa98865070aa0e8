import { describe, expect, it } from 'vitest';
import { decide, explain } from '../../src/rules/decide.ts';
import { oneRule, request } from './rule-set.ts';

const part3 = 'PUT /photos/2026/a.jpg?partNumber=3&uploadId=u';

describe('a match', () => {
  it.each([
    ['{}', part3, {}, 'it matches'],
    ['{ method: PUT }', part3, {}, 'it matches'],
    ['{ method: [GET, HEAD] }', part3, {}, 'method is PUT, rule wants GET or HEAD'],
    ['{ operation: UploadPart }', part3, {}, 'it matches'],
    ['{ operation: UploadPart }', 'GET /photos/a', {}, 'operation is GetObject, rule wants UploadPart'],
    ['{ operation: InitiateMultipartUpload }', 'POST /photos/a?uploads', {}, 'it matches'],
    ['{ path: /photos/** }', part3, {}, 'it matches'],
    ['{ path: /photos/* }', part3, {}, 'path is /photos/2026/a.jpg, rule wants /photos/*'],
    ['{ path: "/photos/照片 *" }', 'PUT /photos/%E7%85%A7%E7%89%87%20a', {}, 'it matches'],
    ['{ path: "/photos/100%25" }', 'PUT /photos/100%2525', {}, 'it matches'],
    ['{ path: "/photos/a%zz" }', 'PUT /photos/a%zz', {}, 'it matches'],
    ['{ path: /photos//a }', 'PUT /photos//a', {}, 'it matches'],
    ['{ bucket: photo? }', part3, {}, 'it matches'],
    ['{ bucket: films }', part3, {}, 'bucket is photos, rule wants films'],
    ['{ bucket: films }', 'GET /', {}, 'bucket is absent, rule wants films'],
    ['{ key: ["*.png", "2026/*.jpg"] }', part3, {}, 'it matches'],
    ['{ key: "*.jpg" }', part3, {}, 'key is 2026/a.jpg, rule wants *.jpg'],
    ['{ part: 3 }', part3, {}, 'it matches'],
    ['{ part: [1, "5-"] }', part3, {}, 'part is 3, rule wants 1 or 5-'],
    ['{ part: "1-10000" }', 'PUT /photos/a', {}, 'part is absent, rule wants 1-10000'],
    ['{ query: { uploadId: u, partNumber: [2, 3] } }', part3, {}, 'it matches'],
    ['{ query: { partNumber: 4 } }', part3, {}, 'query parameter partNumber is 3, rule wants 4'],
    ['{ query: { uploads: true } }', 'POST /photos/a?uploads', {}, 'it matches'],
    ['{ query: { uploads: true } }', part3, {}, 'query parameter uploads is absent, rule wants it present'],
    [
      '{ query: { uploadId: false } }',
      part3,
      {},
      'query parameter uploadId is present, rule wants it absent',
    ],
    [
      '{ query: { v: 1.50, id: [007, 12345678901234567890] } }',
      'GET /photos/a?v=1.50&id=007',
      {},
      'it matches',
    ],
    ['{ query: { id: 12345678901234567890 } }', 'GET /photos/a?id=12345678901234567890', {}, 'it matches'],
    ['{ query: { v: 1.50 } }', 'GET /photos/a?v=1.5', {}, 'query parameter v is 1.5, rule wants 1.50'],
    ['{ headers: { x-mask: 0x10 } }', 'GET /photos/a', { 'x-mask': '0x10' }, 'it matches'],
    ['{ query: { uploads: "" } }', 'POST /photos/a?uploads', {}, 'it matches'],
    [
      '{ headers: { User-Agent: "aws-sdk-js*" } }',
      part3,
      { 'user-agent': 'aws-sdk-js/3.1 ua/2.1' },
      'it matches',
    ],
    ['{ headers: { constructor: "*" } }', part3, {}, 'header constructor is absent, rule wants *'],
    ['{ headers: { range: true } }', part3, {}, 'header range is absent, rule wants it present'],
    ['{ headers: { range: false } }', part3, {}, 'it matches'],
    ['{ size: ">= 5MiB" }', part3, { 'content-length': '5242880' }, 'it matches'],
    [
      '{ size: ["< 1KiB", "> 1GiB"] }',
      part3,
      { 'content-length': '5000' },
      'size is 5000 bytes, rule wants < 1024 bytes or > 1073741824 bytes',
    ],
    ['{ size: 0 }', part3, {}, 'size is unknown, rule wants = 0 bytes'],
    ['{ attempt: 2 }', part3, { 'amz-sdk-request': 'attempt=2; max=3' }, 'it matches'],
    ['{ attempt: "2-" }', part3, { 'amz-sdk-request': 'attempt=1; max=3' }, 'attempt is 1, rule wants 2-'],
    ['{ accessKey: AKIA* }', part3, { authorization: 'AWS AKIA7:c2ln' }, 'it matches'],
    ['{ accessKey: AKIA* }', part3, {}, 'accessKey is absent, rule wants AKIA*'],
    ['{ client: [10.0.0.0/8, 127.0.0.1] }', part3, {}, 'it matches'],
    ['{ client: 10.0.0.0/8 }', part3, {}, 'client is 127.0.0.1, rule wants 10.0.0.0/8'],
    ['{ key: a }', 'PUT /photos/%1B%5B31mb', {}, 'key is \ufffd[31mb, rule wants a'],
    ['{ callback: true }', part3, { 'x-oss-callback': 'e30=' }, 'it matches'],
    ['{ callback: true }', part3, {}, 'the request asks for no callback, rule wants one'],
    [
      '{ callback: false }',
      part3,
      { 'x-oss-callback': 'e30=' },
      'the request asks for a callback, rule wants none',
    ],
    ['{ method: GET, part: 4 }', part3, {}, 'method is PUT, rule wants GET; part is 3, rule wants 4'],
  ])('%s on %s %j: %s', (match, line, headers, why) => {
    const rules = oneRule({ match });
    const facts = request(line, { headers });
    expect(explain(rules, facts)[0]).toMatchObject({ fires: why === 'it matches', why });
    expect(decide(rules, facts).fired?.rule.name).toBe(why === 'it matches' ? 'slow' : undefined);
  });

  it.each([
    ['2001:db8::/32', '2001:db8::7', true],
    ['2001:db8::/32', '2001:db9::7', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['0.0.0.0/0', '::1', false],
    ['::1', '', false],
  ])('with client %s matches %s: %s', (client, address, taken) => {
    const rules = oneRule({ match: `{ client: "${client}" }` });
    expect(decide(rules, request('GET /', { client: address })).fired !== undefined).toBe(taken);
  });

  it('matches CORS preflights and OBS version probes only if it names them', () => {
    const preflight = request('OPTIONS /photos/a', {
      headers: { origin: 'http://a', 'access-control-request-method': 'PUT' },
    });
    const probe = request('HEAD /?apiversion');
    const all = oneRule({});
    expect([decide(all, preflight).fired, decide(all, probe).fired]).toEqual([undefined, undefined]);
    expect(explain(all, probe)[0]?.why).toBe('ApiVersionProbe is matched only by a rule that names it');
    expect(all.rules[0]?.counts.matched).toBe(0);
    const named = oneRule({ match: '{ operation: [PutObject, CorsPreflight] }' });
    expect(decide(named, preflight).fired?.rule.name).toBe('slow');
    expect(decide(named, probe).fired).toBeUndefined();
  });
});
