import { describe, expect, it } from 'vitest';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';

const BOTO =
  'An error occurred (SlowDown) when calling the UploadPart operation (reached max retries: 4): Please reduce your request rate.';

/** Whose the first error is, its status, and whether the provider was assumed. */
function ownerIn(text: string) {
  const [finding] = findErrors(text).findings;
  return [
    finding?.provider.name,
    finding?.status,
    finding?.assumed.some(({ what }) => what === 'provider') === true ? 'assumed' : 'told',
  ];
}

describe('whose an error is', () => {
  it.each([
    ['an SDK that many clouds are asked by', BOTO, ['aws-s3', 503, 'assumed']],
    [
      'the address the SDK was given, of JD',
      `${BOTO}\n+ aws --endpoint-url https://s3.cn-north-1.jdcloud-oss.com s3 cp a.bin s3://photos/a.bin`,
      ['jd-jss', 400, 'told'],
    ],
    [
      'the address the SDK was given, of Alibaba Cloud',
      `$ aws --endpoint-url https://oss-cn-hangzhou.aliyuncs.com s3 cp a s3://photos/a\n${BOTO}`,
      ['aliyun-oss', 503, 'told'],
    ],
    [
      'the address the SDK was given, of Huawei Cloud',
      `endpoint obs.cn-north-4.myhuaweicloud.com\n${BOTO}`,
      ['huawei-obs', 503, 'told'],
    ],
    ['the address of AWS itself', `PUT https://photos.s3.amazonaws.com/a\n${BOTO}`, ['aws-s3', 503, 'told']],
    [
      'an address of another service of a cloud',
      `https://sts.us-east-1.amazonaws.com/ was asked before\n${BOTO}`,
      ['aws-s3', 503, 'assumed'],
    ],
    [
      'headers as Node.js prints them',
      "error: { [AccessDenied: Access denied]\n  code: 'AccessDenied',\n  headers:\n   { server: 'AliyunOSS',\n     'x-oss-request-id': '65E2F0A10123456789ABCDEF' },\n  statusCode: 403 }",
      ['aliyun-oss', 403, 'told'],
    ],
    [
      "an id of S3's own form, in hex and other letters",
      'AccessDenied: Access Denied\n\tstatus code: 403, request id: M81B9V70FGJ8W5EZ, host id: abc=',
      ['aws-s3', 403, 'told'],
    ],
    [
      'an id with the time in it, from behind an SDK for S3',
      'AccessDenied: Access Denied\n\tstatus code: 403, request id: 0000018DFE4B5A886407C4CE01234567, host id: abc=',
      ['huawei-obs', 403, 'told'],
    ],
    [
      "Ceph's id",
      'AccessDenied: Access Denied\n\tstatus code: 403, request id: tx000000000000000000001-0065e2f0a1-1000-zone-a, host id: abc=',
      ['aws-s3', 403, 'assumed'],
    ],
    [
      "S3's headers, which others have, too",
      'HTTP/1.1 403 Forbidden\nx-amz-request-id: 0AA8879080750357\n\n<Error><Code>AccessDenied</Code></Error>',
      ['aws-s3', 403, 'assumed'],
    ],
    [
      'the name of the server',
      'HTTP/1.1 403 Forbidden\nServer: AmazonS3\nx-amz-request-id: 0AA8879080750357\n\n<Error><Code>AccessDenied</Code></Error>',
      ['aws-s3', 403, 'told'],
    ],
    [
      'not where an answer sends its client',
      '> GET /b/k HTTP/1.1\n> Host: minio:9000\n< HTTP/1.1 307 Temporary Redirect\n< Location: https://photos.s3.us-west-2.amazonaws.com/k\n< Content-Length: 0\n<',
      ['aws-s3', 307, 'assumed'],
    ],
  ])('goes by %s', (_, text, owner) => {
    expect(ownerIn(text)).toEqual(owner);
  });

  it('is said with what is lost if it is another, and the way out', () => {
    const text = ruleFile(findErrors(BOTO), 'a report');
    expect(text).toMatch(/# assumed: provider: .*\(SlowDown is 400 at jd-jss\); --provider settles it/);
    expect(ruleFile(findErrors(BOTO, { provider: 'jd-jss' }), 'a report')).not.toContain('assumed: provider');
  });

  it("is answered as the provider's S3 API writes it, where the client speaks that", () => {
    const text = `${BOTO}\nhttps://s3.cn-north-1.jdcloud-oss.com/`;
    expect(ruleFile(findErrors(text), 'a report')).toContain('format: xml');
  });
});
