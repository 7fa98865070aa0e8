import { describe, expect, it } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { type Facts, factsOf } from '../../src/request/facts.ts';
import { splitTarget } from '../../src/request/target.ts';

function at(target: string, headers: Record<string, string> = {}, method = 'PUT'): Facts {
  return factsOf({ method, target, headers, client: '::ffff:10.0.0.7' }, {}, requestSigns());
}

describe('facts of a request', () => {
  it('hold the values of a part upload by an AWS SDK', () => {
    const facts = at('/photos/a%20b.jpg?partNumber=3&uploadId=u%2B1&x-id=UploadPart', {
      host: '127.0.0.1:9000',
      'amz-sdk-request': 'attempt=2; max=3',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '5242880',
      'content-length': '5242930',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00',
    });
    expect(facts).toMatchObject({
      method: 'PUT',
      path: '/photos/a%20b.jpg',
      host: '127.0.0.1',
      bucket: 'photos',
      key: 'a b.jpg',
      operation: 'UploadPart',
      part: 3,
      uploadId: 'u+1',
      attempt: 2,
      accessKey: 'AKIA',
      scheme: 'aws-v4',
      chunkedSigning: true,
      range: undefined,
      selection: '',
      callback: false,
      size: 5_242_880,
      client: '10.0.0.7',
    });
  });

  it('are undefined if the request does not have them', () => {
    const facts = at('/photos/a', {}, 'GET');
    expect([facts.part, facts.uploadId, facts.attempt, facts.accessKey, facts.scheme, facts.size]).toEqual(
      Array(6).fill(undefined),
    );
  });

  it('prefer the host of an absolute-form target to the Host header', () => {
    const facts = at('http://photos.s3.us-west-2.amazonaws.com:80/k?acl', { host: '127.0.0.1' }, 'GET');
    expect(facts).toMatchObject({
      host: 'photos.s3.us-west-2.amazonaws.com',
      bucket: 'photos',
      key: 'k',
      path: '/k',
      operation: 'GetObjectAcl',
    });
    expect(at('http://s3.amazonaws.com?x=1', {}, 'GET')).toMatchObject({
      path: '/',
      operation: 'ListBuckets',
    });
  });

  it.each([
    ['x-oss-callback header', '/b/k', { 'x-oss-callback': 'e30=' }],
    ['x-obs-callback header', '/b/k', { 'x-obs-callback': 'e30=' }],
    ['callback query', '/b/k?callback=e30%3D', {}],
    ['x-obs-callback query', '/b/k?x-obs-callback=e30%3D', {}],
  ])('see a callback asked for by %s', (_, target, headers) => {
    expect(at(target, headers).callback).toBe(true);
  });

  it('include the range, and read `+` as a space in a query but not in a path', () => {
    const facts = at('/b/a+b?prefix=x+y%2Bz', { range: 'bytes=0-9' }, 'GET');
    expect(facts.range).toBe('bytes=0-9');
    expect(facts.key).toBe('a+b');
    expect(facts.query.get('prefix')).toBe('x y+z');
  });

  it.each(['attempt=x', 'max=3', 'reattempt=4', ''])('do not take an attempt from "%s"', (value) => {
    expect(at('/b/k', { 'amz-sdk-request': value }).attempt).toBeUndefined();
  });

  it.each(['-1', '1e3', '0x10', '', ' 1', '99999999999999999999'])(
    'do not take a part or a size from "%s"',
    (value) => {
      const facts = at(`/b/k?partNumber=${encodeURIComponent(value)}`, { 'content-length': value });
      expect([facts.part, facts.size]).toEqual([undefined, undefined]);
    },
  );
});

describe('hostile requests', () => {
  const targets = [
    '',
    '*',
    '/',
    '//',
    '///a//b',
    '/b/../../etc/passwd',
    '/b/..%2F..%2Fetc',
    '/b/a\\..\\b',
    '/b/%zz%',
    '/%',
    '/b/%00%ff%fe',
    '/b/k?',
    '/b/k??a=b?c',
    '/b/k?=&&=x&%zz=%',
    '/b/k?partNumber=1&partNumber=2&uploadId=a&uploadId=b',
    '/__proto__/constructor?__proto__=1&constructor=2&toString=3&hasOwnProperty=4',
    '?uploads',
    'http://',
    'http:///b/k',
    'https://user@[::1]:9/b/k?x',
    'example.com:443',
    'x'.repeat(100_000),
    `/b/k?${'a'.repeat(100_000)}`,
    `/b/k?${'&a=b'.repeat(25_000)}`,
    `/b/k?${'%zz'.repeat(33_000)}`,
    `/b/${'%e7'.repeat(33_000)}`,
    `/${'/'.repeat(100_000)}`,
  ];

  it.each(targets.map((target) => [target.slice(0, 60), target]))(
    'never throw and keep their target: %s',
    (_, target) => {
      for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'BREW']) {
        expect(at(target, { host: 'photos.s3.amazonaws.com' }, method).target).toBe(target);
        expect(at(target, {}, method).target).toBe(target);
      }
    },
  );

  it('lose no character of their target when it is split', () => {
    for (const target of targets.filter((each) => each.startsWith('/'))) {
      const { authority, path, query } = splitTarget(target);
      expect(authority).toBeUndefined();
      expect(target === `${path}?${query}` || target === path).toBe(true);
    }
  });

  it('have the first value of repeated query names, and names of Object.prototype as plain data', () => {
    const facts = at('/b/k?partNumber=1&partNumber=2&__proto__=x');
    expect(facts.part).toBe(1);
    expect(facts.query.get('__proto__')).toBe('x');
    expect(at('/b?constructor', {}, 'GET').operation).toBe('ListObjects');
  });

  it('do not throw with very long hosts and signatures', () => {
    const headers = { host: 'a.'.repeat(50_000), authorization: `AWS4-X ${'Credential=/'.repeat(9000)}` };
    for (const target of targets) expect(at(target, headers).scheme).toBe('aws-v4');
  });

  it('may lack method, target and client', () => {
    const facts = factsOf(
      { method: undefined, target: undefined, headers: {}, client: undefined },
      {},
      requestSigns(),
    );
    expect(facts).toMatchObject({ method: '', target: '', operation: 'Unknown', client: '' });
  });
});
