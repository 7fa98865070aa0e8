import { describe, expect, it } from 'vitest';
import { Secrets } from '../../src/record/secrets.ts';
import { expectLinear, repeated } from '../support/linear.ts';

/** Bytes of an error that are recorded. */
const LARGEST_BODY = 1024 ** 2;

const nothing = { facts: { target: '/b/k', accessKey: undefined }, requestHeaders: [] };
const masked = (text: string) => new Secrets(nothing).in(text);

describe('a text with values of secret names', () => {
  it.each([
    [
      '<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA1234</AWSAccessKeyId><RequestId>a1</RequestId></Error>',
      '<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>XXXXXXXX</AWSAccessKeyId><RequestId>a1</RequestId></Error>',
    ],
    [
      '<StringToSign>AWS4\n2026/x&amp;y&#65;</StringToSign>\n<SignatureProvided>aB+/9=</SignatureProvided>',
      '<StringToSign>XXXX\nXXXX/X&amp;XXXXXX</StringToSign>\n<SignatureProvided>XX+/X=</SignatureProvided>',
    ],
    ['<StringToSignBytes>41 57</StringToSignBytes>', '<StringToSignBytes>XX XX</StringToSignBytes>'],
    [
      '<CanonicalRequest><![CDATA[GET <a>]]></CanonicalRequest>',
      '<CanonicalRequest><![CDATA[XXX <X>]]></CanonicalRequest>',
    ],
    ['<Token-0 a="b">FwoG</Token-0><Token>', '<Token-0 a="b">XXXX</Token-0><Token>'],
    ['<StringToSign>cut off', '<StringToSign>XXX XXX'],
    [
      '{"code":"x","SecurityToken" : "a\\n\\"b1","x":"y"}',
      '{"code":"x","SecurityToken" : "X\\n\\"XX","x":"y"}',
    ],
    ['{"token":"cut off', '{"token":"XXX XXX'],
    [
      'http://h/k?X-Amz-Date=1&X-Amz-Signature=ab%2Fc%41&x-oss-credential=AK%2F1&OSSAccessKeyId=LTAI&a=b',
      'http://h/k?X-Amz-Date=1&X-Amz-Signature=XX%2FXXXX&x-oss-credential=XX%2FX&OSSAccessKeyId=XXXX&a=b',
    ],
    ['<a href="?u=1&amp;Signature=abc">', '<a href="?u=1&amp;Signature=XXX">'],
    [
      '/login?to=http%3A%2F%2Fh%3Fsecurity-token%3Dabc%26x',
      '/login?to=http%3A%2F%2Fh%3Fsecurity-token%3DXXX%26X',
    ],
    ['<Error Token="AQoD" a="b">', '<Error Token="XXXX" a="b">'],
    ['token=\'AQoD\' Signature="a1"', 'token=\'XXXX\' Signature="XX"'],
    ['<Details>x-amz-security-token:AQoD x:1</Details>', '<Details>x-amz-security-token:XXXX x:1</Details>'],
    ['{"detail":"{\\"token\\":\\"AQoD\\",\\"a\\":1}"}', '{"detail":"{\\"token\\":\\"XXXX\\",\\"a\\":1}"}'],
    ['{"tokens":["AQoD"]}', '{"tokens":["XXXX"]}'],
    ['https://user:pass@h/x#access_token=AQoD', 'https://XXXX:XXXX@h/x#access_token=XXXX'],
    [
      '<Error><Token-0 /><Code>InvalidToken</Code></Error>',
      '<Error><Token-0 /><Code>InvalidToken</Code></Error>',
    ],
    ['<Token><Part>abc</Part></Token><TokenX />', '<Token><Part>XXX</Part></Token><TokenX />'],
    ['{"token":"ab\\u0026c\\u0041"}', '{"token":"XX\\u0026X\\u0058"}'],
    ['?temp_url_sig=abc&temp_url_expires=1', '?temp_url_sig=XXX&temp_url_expires=1'],
    ['?SignatureVersion=2&X-Amz-SignedHeaders=host', '?SignatureVersion=2&X-Amz-SignedHeaders=host'],
  ])('%s', (text, expected) => {
    expect(masked(text)).toBe(expected);
    expect(expected).toHaveLength(text.length);
  });

  it('stays the same if it has no such name', () => {
    const text =
      '<?xml version="1.0"?>\r\n<Error>\n <Code>InvalidToken</Code><Message>The token is bad: x=y</Message></Error>\n';
    expect(masked(text)).toBe(text);
  });

  it.each(['<Token>', '"token":"', '?sig=', '<Token', '"token"', '&sig%3D', '<![CDATA[', 'a='])(
    'takes time in proportion to the text, however hostile: %j',
    (piece) => {
      expectLinear(repeated(piece), masked, LARGEST_BODY);
    },
  );
});

describe('the credentials of a request', () => {
  const secretsOf = (requestHeaders: string[], target = '/b/k', accessKey?: string) =>
    new Secrets({ facts: { target, accessKey }, requestHeaders });

  it.each([
    [
      'a V4 signature',
      'AWS4-HMAC-SHA256 Credential=AKIA/20261120/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=0123456789abcdef',
      '0123456789abcdef',
    ],
    ['a V2 signature', 'AWS AKIA:frJIUN8DYpKDtOLCwo//yllqDzg=', 'frJIUN8DYpKDtOLCwo//yllqDzg='],
    ['a signature of JSS', 'jingdong key:frJIUN8DYpKDtOLCwo//yllqDzg=', 'frJIUN8DYpKDtOLCwo//yllqDzg='],
    ['a bearer token', 'Bearer eyJhbGciOiJub25lIn0', 'eyJhbGciOiJub25lIn0'],
  ])('are removed everywhere: %s', (_, authorization, secret) => {
    const secrets = secretsOf(['Host', 'h', 'AUTHORIZATION', authorization]);
    expect(secrets.in(`<Message>${secret}</Message> host;x-amz-date jingdong AWS4-HMAC-SHA256`)).toBe(
      `<Message>${secret.replace(/[a-z0-9]/gi, 'X')}</Message> host;x-amz-date jingdong AWS4-HMAC-SHA256`,
    );
    expect(secrets.removed).toEqual(['what the request was signed with']);
  });

  it('are removed: tokens, cookies, customer keys, access key ids, and parameters of the query', () => {
    const secrets = secretsOf(
      [
        'Cookie',
        'sid=cookie-one; b=cookie-two',
        'x-amz-security-token',
        'session-token',
        'x-amz-server-side-encryption-customer-key',
        'c3NlLWMta2V5',
        'X-Auth-Token',
        'AUTH_tk1234',
      ],
      '/b/k?Signature=query%2Bsigned&x=1',
      'AKIAEXAMPLE',
    );
    const repeated =
      'cookie-one cookie-two session-token c3NlLWMta2V5 AUTH_tk1234 query%2Bsigned query+signed AKIAEXAMPLE';
    expect(secrets.in(repeated)).toBe(
      repeated
        .replace(/%2B/g, '\0')
        .replace(/[a-z0-9]/gi, 'X')
        .replace(/\0/g, '%2B'),
    );
  });

  it.each([
    ['JSON that escapes slashes and signs', 'zz\\u002byy\\/xx12345678\\u003d'],
    ['XML that counts characters', 'zz&#43;yy&#x2F;xx12345678&#61;'],
    ['a URL in a URL', 'zz%252Byy%252Fxx12345678%253D'],
    ['the value as it is', 'zz+yy/xx12345678='],
  ])('are removed from %s', (_, repeated) => {
    const secrets = secretsOf(['Authorization', 'AWS AKIA:zz+yy/xx12345678=']);
    expect(secrets.in(`<a>${repeated}</a>`)).not.toMatch(/zz|yy|xx12345678/);
    expect(secrets.in('{"code":"SlowDown"}')).toBe('{"code":"SlowDown"}');
  });

  it('stay if they are short, as they may be any word', () => {
    expect(secretsOf(['x-auth-token', 'Key'], '/', 'minio').in('<Key>minio</Key>')).toBe('<Key>minio</Key>');
  });
});

describe('a header of the answer', () => {
  const header = (name: string, value: string) => new Secrets(nothing).inHeader(name, value);

  it.each([
    ['Set-Cookie', 'sid=a1b2; Path=/; HttpOnly', 'sid=XXXX; Path=/; HttpOnly'],
    ['set-cookie', 'bare', 'XXXX'],
    ['X-Auth-Token', 'AUTH_tk12', 'XXXX_XXXX'],
    ['x-amz-security-token', 'a/b==', 'X/X=='],
    ['Location', 'http://h/b?Signature=abc&Expires=1', 'http://h/b?Signature=XXX&Expires=1'],
    ['x-amz-request-id', 'tx00-abc', 'tx00-abc'],
    ['ETag', '"abc"', '"abc"'],
  ])('%s: %s', (name, value, expected) => {
    expect(header(name, value)).toBe(expected);
  });

  it('without secrets is also x-oss-err, which has a whole document in base64', () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const document = (key: string) => `<Error><OSSAccessKeyId>${key}</OSSAccessKeyId></Error>`;
    expect(header('x-oss-err', base64(document('LTAI1234')))).toBe(base64(document('XXXXXXXX')));
    expect(header('x-oss-err', 'no base64!')).toBe('no base64!');
  });
});
