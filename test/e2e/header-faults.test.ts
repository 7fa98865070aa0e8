import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startProxy } from '../../src/index.ts';
import { awsClient } from '../support/clients.ts';
import { inFrontOfRadosgw } from '../support/in-front-of-radosgw.ts';

const BUCKET = 'header-faults';

describe.skipIf(inject('radosgw') === null)('a fault by request header in front of radosgw', () => {
  const { backend, stored } = inFrontOfRadosgw(BUCKET);

  const started = async () => {
    const proxy = await startProxy({ upstream: backend.url, allowHeaderFaults: true });
    onTestFinished(() => proxy.close());
    return proxy;
  };

  /** Adds the header to the first so many attempts, before they are signed or after. */
  const adding = (client: S3Client, fault: string, when: 'before' | 'after', attempts = 1) => {
    let left = attempts;
    const mark = <Args extends { request: unknown }>(args: Args) => {
      const { headers } = args.request as { headers: Record<string, string> }; // from the step "build" on an HttpRequest
      if (left-- > 0) headers['x-brownout-fault'] = fault;
      return args;
    };
    const { middlewareStack } = client;
    if (when === 'before') middlewareStack.add((next) => (args) => next(mark(args)), { step: 'build' });
    else {
      const behind = { step: 'finalizeRequest', priority: 'low' } as const;
      middlewareStack.add((next) => (args) => next(mark(args)), behind);
    }
    return client;
  };
  const put = (client: S3Client, key: string) =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'whole' }));

  it('meets the AWS SDK, which retries it and stores the object', async () => {
    const proxy = await started();
    const client = adding(awsClient(proxy.url, backend, 3), 'SlowDown', 'after', 2);
    await put(client, 'retried');
    expect((await stored('retried')).toString()).toBe('whole');
    await proxy.idle();
    expect(proxy.journal().map(({ outcome, code }) => code ?? outcome)).toEqual([
      'SlowDown',
      'SlowDown',
      'forwarded',
    ]);
  });

  it('lets a signed request through that it only slows down', async () => {
    const proxy = await started();
    await put(adding(awsClient(proxy.url, backend), '{ delay: 5ms }', 'after'), 'slow');
    expect((await stored('slow')).toString()).toBe('whole');
    await proxy.idle();
    expect(proxy.journal()[0]).toMatchObject({ fault: 'delay', upstreamStatus: 200 });
  });

  it('is refused where the AWS SDK has signed the header, once and with the way out', async () => {
    const proxy = await started();
    const client = adding(awsClient(proxy.url, backend, 3), 'SlowDown', 'before');
    await expect(put(client, 'signed')).rejects.toMatchObject({
      name: 'InvalidArgument',
      message: expect.stringMatching(/^brownout: .* signed .* add it after signing$/),
    });
    await proxy.idle();
    expect(proxy.journal().map(({ outcome, status }) => [outcome, status])).toEqual([['refused', 400]]);
  });

  it('meets curl, whose own signature names the header and is refused', async () => {
    const proxy = await started();
    const curl = async (...args: string[]) => {
      const url = `${proxy.url}/${BUCKET}/curl`;
      const { stdout } = await promisify(execFile)('curl', ['-sS', '-X', 'PUT', '-d', 'whole', ...args, url]);
      return stdout;
    };
    const header = ['-H', 'x-brownout-fault: { error: { code: SlowDown, message: not now } }'];
    expect(await curl(...header)).toContain('<Code>SlowDown</Code><Message>not now</Message>');
    const user = [
      '--aws-sigv4',
      'aws:amz:us-east-1:s3',
      '--user',
      `${backend.accessKey}:${backend.secretKey}`,
    ];
    expect(await curl(...user, ...header)).toContain('x-brownout-fault is among the signed headers');
  });
});
