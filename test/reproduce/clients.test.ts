import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import AWS from 'aws-sdk';
import { Client as Minio } from 'minio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { startBrownout } from '../support/brownout.ts';
import { ANY_KEYS, awsClient, obsClient, ossClient } from '../support/clients.ts';

/** Uploads an object to the bucket photos, and gives what the program would print of it. */
type Upload = (port: number) => Promise<unknown>;

const CLIENTS: readonly (readonly [client: string, report: string, upload: Upload])[] = [
  [
    'the AWS SDK 3',
    'aws-sdk-js-v3-metadata-InternalError.txt',
    (port) =>
      awsClient(`http://127.0.0.1:${port}`, ANY_KEYS, 2).send(
        new PutObjectCommand({ Bucket: 'photos', Key: 'k', Body: 'x' }),
      ),
  ],
  [
    'the AWS SDK 2',
    'aws-sdk-java-SlowDown.txt',
    (port) =>
      new AWS.S3({
        endpoint: `http://127.0.0.1:${port}`,
        s3ForcePathStyle: true,
        maxRetries: 0,
        accessKeyId: ANY_KEYS.accessKey,
        secretAccessKey: ANY_KEYS.secretKey,
      })
        .putObject({ Bucket: 'photos', Key: 'k', Body: 'x' })
        .promise(),
  ],
  [
    'ali-oss',
    'aliyun-oss-java-sdk-AccessDenied.txt',
    (port) => ossClient(port, 'photos').put('k', Buffer.from('x')),
  ],
  ['ali-oss', 'oss-xml-CallbackFailed.txt', (port) => ossClient(port, 'photos').put('k', Buffer.from('x'))],
  [
    'esdk-obs-nodejs',
    'obs-java-NoSuchUpload.txt',
    async (port) =>
      (await obsClient(`http://127.0.0.1:${port}`)).putObject({ Bucket: 'photos', Key: 'k', Body: 'x' }),
  ],
  [
    'minio',
    'minio-java-NoSuchUpload.txt',
    (port) =>
      new Minio({
        endPoint: '127.0.0.1',
        port,
        useSSL: false,
        region: 'us-east-1',
        accessKey: ANY_KEYS.accessKey,
        secretKey: ANY_KEYS.secretKey,
      }).putObject('photos', 'k', 'x'),
  ],
];

describe('what a client prints that has met the rule of a report', () => {
  it.each(CLIENTS)('%s and %s: is the error of the report', async (_, name, upload) => {
    const { findings } = findErrors(readFileSync(`test/fixtures/reports/${name}`, 'utf8'));
    const [finding] = findings;
    if (finding === undefined) throw new Error('nothing was found');
    // The report's own bucket and key are not the client's.
    const own = { ...finding, operations: ['PutObject'], bucket: undefined, key: undefined, part: undefined };
    const brownout = await startBrownout('memory:', ruleFile({ findings: [own], notes: [] }, name));
    onTestFinished(() => brownout.stop());
    await fetch(`${brownout.url}/photos`, { method: 'PUT' });
    const printed = inspect(await upload(brownout.port).catch((error: unknown) => error), { depth: 6 });
    const met = findErrors(printed).findings.map(({ code, requestId }) => [code, requestId]);
    expect(met, printed).toEqual([[finding.code, finding.requestId]]);
  });
});
