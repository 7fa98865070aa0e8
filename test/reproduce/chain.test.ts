import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FORMATS } from '../../src/reproduce/formats/index.ts';
import { ATTEMPTS } from '../../src/reproduce/plan.ts';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { startBrownout } from '../support/brownout.ts';
import { ANY_KEYS, awsClient } from '../support/clients.ts';

/** What version 3 of the AWS SDK prints when it gives up. */
const printed = (code: string, message: string, operation = 'PutObject') =>
  `${code}: ${message}\n    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:840:20)\n    at de_${operation}CommandError (/app/node_modules/@aws-sdk/client-s3/dist-cjs/index.js:4743:14)\n`;

const SLOW = 'Please reduce your request rate.';

/** What a client meets, upload after upload, behind a proxy with the rules of a report. */
async function endings(
  report: string,
  uploads: readonly ((client: S3Client) => Promise<unknown>)[],
  attempts: number,
) {
  const rules = ruleFile(findErrors(report), 'a report');
  const brownout = await startBrownout('memory:', rules);
  onTestFinished(() => brownout.stop());
  await fetch(`${brownout.url}/photos`, { method: 'PUT' });
  const client = awsClient(brownout.url, ANY_KEYS, attempts);
  const ends: string[] = [];
  for (const upload of uploads) {
    ends.push(
      await upload(client).then(
        () => 'done',
        (error: unknown) => (error instanceof Error ? error.name : ''),
      ),
    );
  }
  return { ends, rules };
}

const put = (client: S3Client) =>
  client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'k', Body: 'x' }));
const get = (client: S3Client) => client.send(new GetObjectCommand({ Bucket: 'photos', Key: 'k' }));

describe('a chain of errors', () => {
  it('makes the AWS SDK 3 end as it did for the customer, in order, where the attempts are not in the text', async () => {
    const report = `${printed('SlowDown', SLOW)}\nagain:\n${printed('AccessDenied', 'Access Denied')}`;
    const { ends, rules } = await endings(report, [put, put, put], 3);
    expect(ends).toEqual(['SlowDown', 'AccessDenied', 'AccessDenied']);
    expect(rules).toContain('by default 3, so the rule fails 3 times; with another client change the limit');
  }, 20_000);

  it('fails an error once that no client tries again', async () => {
    const report = `${printed('AccessDenied', 'Access Denied')}\nagain:\n${printed('SlowDown', SLOW)}`;
    const { ends } = await endings(report, [put, put], 3);
    expect(ends).toEqual(['AccessDenied', 'SlowDown']);
  }, 20_000);

  it('goes by the attempts that the text has, as of boto3', async () => {
    const report =
      'An error occurred (SlowDown) when calling the PutObject operation (reached max retries: 1): Please reduce your request rate.\n' +
      'An error occurred (AccessDenied) when calling the PutObject operation: Access Denied\n';
    const { ends, rules } = await endings(report, [put, put], 2);
    expect(ends).toEqual(['SlowDown', 'AccessDenied']);
    expect(rules).toContain('limit: 2');
  }, 20_000);

  it('ends in its last error, whatever the other requests are', async () => {
    const report = `${printed('SlowDown', SLOW)}\n${printed('NoSuchKey', 'The specified key does not exist.', 'GetObject')}`;
    const { ends } = await endings(report, [put, get, put, get], 3);
    expect(ends).toEqual(['SlowDown', 'NoSuchKey', 'done', 'NoSuchKey']);
  }, 20_000);

  it('knows the attempts of shapes that there are', () => {
    const names = FORMATS.map(({ name }) => name);
    expect([...ATTEMPTS.keys()].filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('a redirect', () => {
  const answer = (location: string, body = '') =>
    `> GET /b/k HTTP/1.1\n> Host: minio:9000\n< HTTP/1.1 307 Temporary Redirect\n< Date: Sat, 02 Mar 2024 09:25:53 GMT\n< Location: ${location}\n< Content-Length: ${body.length}\n<\n${body}`;
  const ruleOf = (text: string) => ruleFile(findErrors(text), 'a report');

  it('does not send a signed request to the cloud', () => {
    const rule = ruleOf(answer('https://photos.s3.us-west-2.amazonaws.com/dir/k?a=1'));
    expect(rule).toContain('Location: /photos/dir/k?a=1');
    expect(rule).toContain(
      '# answer: LOCATION: the report sends the client to https://photos.s3.us-west-2.amazonaws.com/dir/k?a=1;',
    );
    expect(ruleOf(answer('https://s3.us-west-2.amazonaws.com/photos/k'))).toContain('Location: /photos/k');
    expect(ruleOf(answer('/photos/k'))).not.toContain('LOCATION');
  });

  it('warns of a host in the body', () => {
    const body =
      '<Error><Code>TemporaryRedirect</Code><Endpoint>photos.s3.us-west-2.amazonaws.com</Endpoint></Error>';
    expect(ruleOf(answer('/photos/k', body))).toContain('# answer: ENDPOINT: ');
  });
});

describe('the Date of a report', () => {
  it('is spoken of where the rule is an error of the provider, too', () => {
    const rule = ruleFile(
      findErrors(
        'HTTP/1.1 403 Forbidden\nx-amz-request-id: M81B9V70FGJ8W5EZ\nx-amz-id-2: abc=\nContent-Type: application/xml\nTransfer-Encoding: chunked\nDate: Wed, 14 Jul 2021 07:50:23 GMT\nConnection: close\nServer: AmazonS3\n\n<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>M81B9V70FGJ8W5EZ</RequestId><HostId>abc=</HostId></Error>',
      ),
      'a report',
    );
    expect(rule).toMatch(/fault:\n\s+error:/);
    expect(rule).toContain('Date is the one of the report');
  });
});
