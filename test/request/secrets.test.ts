import { describe, expect, it } from 'vitest';
import { isSecret, withoutSecrets } from '../../src/request/secrets.ts';
import { parseQuery, splitTarget } from '../../src/request/target.ts';

const shown = (target: string) => withoutSecrets({ target, query: parseQuery(splitTarget(target).query) });

describe('a target without secrets', () => {
  it.each([
    [
      'SigV4',
      '/b/k?X-Amz-Credential=AK%2F20261120%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=dead&X-Amz-Security-Token=beef',
      '/b/k?X-Amz-Credential=AK%2F20261120%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=***&X-Amz-Security-Token=***',
    ],
    [
      'SigV2',
      '/b/k?AWSAccessKeyId=AK&Expires=1&Signature=a%2Bb%3D',
      '/b/k?AWSAccessKeyId=AK&Expires=1&Signature=***',
    ],
    [
      'OSS V1',
      '/k?OSSAccessKeyId=AK&Signature=x&security-token=CAIS',
      '/k?OSSAccessKeyId=AK&Signature=***&security-token=***',
    ],
    [
      'OSS V4',
      '/k?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=dead&x-oss-security-token=t',
      '/k?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=***&x-oss-security-token=***',
    ],
    [
      'OBS',
      '/k?AccessKeyId=AK&Signature=x&x-obs-security-token=t',
      '/k?AccessKeyId=AK&Signature=***&x-obs-security-token=***',
    ],
    [
      'repeated and encoded names',
      '/k?signature=1&%53ignature=2&Signature=3&a',
      '/k?signature=***&%53ignature=***&Signature=***&a',
    ],
    ['empty values and bare names', '/k?Signature=&Signature&token', '/k?Signature=***&Signature&token'],
  ])('lacks what lets it ask: %s', (_, target, wanted) => {
    expect(shown(target)).toBe(wanted);
  });

  it.each([
    '/b//k',
    '/b/Signature=1',
    '/b?list-type=2&continuation-token=1ueGcx&prefix=a',
    '/b/k?partNumber=2&uploadId=VXBsb2FkIElE',
    '/b/k?SignatureVersion=2&SignatureMethod=HmacSHA1&X-Amz-SignedHeaders=host',
    '*',
    '',
  ])('is unchanged if it has no secret: %s', (target) => {
    expect(shown(target)).toBe(target);
  });
});

it.each(['authorization', 'Cookie', 'x-amz-security-token', 'x-amz-server-side-encryption-customer-key'])(
  'the header %s is a secret',
  (name) => expect(isSecret(name)).toBe(true),
);
