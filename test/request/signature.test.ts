import { describe, expect, it } from 'vitest';
import { detectProvider } from '../../src/catalog/recognition.ts';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { factsOf } from '../../src/request/facts.ts';
import { isSigned } from '../../src/request/signature.ts';

function facts(query: string, headers: Record<string, string>) {
  return factsOf({ method: 'GET', target: `/b/k${query}`, headers, client: '' }, {}, requestSigns());
}

describe('signatures', () => {
  it.each([
    [
      'AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
      'aws-v4',
      'AK',
    ],
    [
      'AWS4-HMAC-SHA256 SignedHeaders=host,Credential=a/b/20260101/us-east-1/s3/aws4_request,Signature=0',
      'aws-v4',
      'a/b',
    ],
    [
      'AWS4-ECDSA-P256-SHA256 Credential=AK/20260101/s3/aws4_request, SignedHeaders=host, Signature=0',
      'aws-v4',
      'AK',
    ],
    ['AWS4-HMAC-SHA256 nothing here', 'aws-v4', undefined],
    ['AWS AK:c2ln', 'aws-v2', 'AK'],
    ['AWS tenant:AK:c2ln', 'aws-v2', 'tenant:AK'],
    ['OSS AK:c2ln', 'oss-v1', 'AK'],
    ['OSS4-HMAC-SHA256 Credential=AK/20260101/cn-hangzhou/oss/aliyun_v4_request,Signature=0', 'oss-v4', 'AK'],
    ['OBS AK:c2ln', 'obs', 'AK'],
    ['jingdong AK:c2ln', 'jss', 'AK'],
    ['OBS', 'obs', undefined],
    ['Bearer token', undefined, undefined],
    ['__proto__ x:y', undefined, undefined],
    ['', undefined, undefined],
  ])('in the header "%s" are %s by %s', (authorization, scheme, accessKey) => {
    expect([facts('', { authorization }).scheme, facts('', { authorization }).accessKey]).toEqual([
      scheme,
      accessKey,
    ]);
  });

  it.each([
    ['X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0', 'aws-v4'],
    ['AWSAccessKeyId=AK&Signature=c2ln&Expires=1', 'aws-v2'],
    ['OSSAccessKeyId=AK&Signature=c2ln&Expires=1', 'oss-v1'],
    ['x-oss-credential=AK%2F20260101%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-signature=0', 'oss-v4'],
    ['AccessKeyId=AK&Signature=c2ln&Expires=1', 'obs'],
    ['AccessKey=AK&Signature=c2ln&Expires=1', 'jss'],
  ])('in the query %s are %s by AK', (query, scheme) => {
    expect(facts(`?${query}`, {})).toMatchObject({ scheme, accessKey: 'AK' });
  });

  it('are not found in a query that has such a name by chance', () => {
    expect(facts('?AccessKey=x', {})).toMatchObject({
      scheme: undefined,
      accessKey: undefined,
    });
  });
});

describe('a header is signed', () => {
  const V4 = 'AWS4-HMAC-SHA256 Credential=AK/20260101/r/s3/aws4_request';
  it.each([
    [`${V4}, SignedHeaders=host;x-mine, Signature=0`, '', true],
    [`${V4},SignedHeaders=Host;X-Mine,Signature=0`, '', true],
    [`${V4}, SignedHeaders=x-mine`, '', true],
    [`${V4}, SignedHeaders=host;x-mine-too, Signature=0`, '', false],
    [
      'OSS4-HMAC-SHA256 Credential=AK/20260101/r/oss/aliyun_v4_request,AdditionalHeaders=host;x-mine,Signature=0',
      '',
      true,
    ],
    ['OSS2 AccessKeyId:AK,AdditionalHeaders:host;x-mine,Signature:0', '', true],
    ['OSS x-mine:c2ln', '', false],
    ['', 'X-Amz-SignedHeaders=host%3Bx-mine', true],
    ['', 'X-Amz-SignedHeaders=host', false],
    ['', 'x-oss-additional-headers=host%3Bx-mine', true],
    ['', 'X-Amz-SignedHeaders=host&X-Amz-SignedHeaders=host%3Bx-mine', true],
    ['', 'x%2Damz-signedheaders=x-mine', true],
    [`${V4}, SignedHeaders=host, SignedHeaders=x-mine`, '', true],
    ['', '', false],
  ])('with Authorization "%s" and the query "%s": %s', (authorization, query, expected) => {
    const { headers, target } = facts(`?${query}`, { authorization });
    expect(isSigned('x-mine', { headers, target }, requestSigns().signatures)).toBe(expected);
  });
});

describe('the provider of a client', () => {
  it.each([
    [
      'AWS4-HMAC-SHA256 Credential=A/20260101/r/s3/aws4_request',
      'oss-cn-hangzhou.aliyuncs.com',
      {},
      'aws-s3',
    ],
    ['OSS A:s', '127.0.0.1', {}, 'aliyun-oss'],
    ['OBS A:s', '127.0.0.1', {}, 'huawei-obs'],
    ['jingdong A:s', '127.0.0.1', {}, 'jd-jss'],
    ['AWS A:s', '127.0.0.1', {}, 'aws-s3'],
    ['AWS A:s', 'b.obs.cn-north-4.myhuaweicloud.com', {}, 'huawei-obs'],
    ['AWS A:s', '127.0.0.1', { 'x-obs-acl': 'private' }, 'huawei-obs'],
    ['', 'b.oss-cn-hangzhou.aliyuncs.com', {}, 'aliyun-oss'],
    ['', 'storage.jcloud.com', {}, 'jd-jss'],
    ['', 'b.oss.cn-north-1.jcloudcs.com', {}, 'jd-jss'],
    ['', 'b.s3.cn-north-1.jcloudcs.com', {}, undefined],
    ['', 's3.amazonaws.com', {}, 'aws-s3'],
    ['', '127.0.0.1', { 'x-jss-acl': 'private' }, 'jd-jss'],
    ['', '127.0.0.1', { 'x-amz-acl': 'private' }, 'aws-s3'],
    ['', '127.0.0.1', {}, undefined],
  ])('with Authorization "%s" at %s %o is %s', (authorization, host, headers, provider) => {
    expect(detectProvider(facts('', { authorization, host, ...headers }))).toBe(provider);
  });
});
