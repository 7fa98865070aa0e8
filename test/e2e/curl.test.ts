import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Brownout, startBrownout } from '../support/brownout.ts';
import { presign } from '../support/presign.ts';
import { rawExchange } from '../support/raw.ts';

const BUCKET = 'curl';
const LARGE = 32 * 1024 * 1024;
const radosgw = inject('radosgw');

const curl = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)('curl', ['-sS', ...args], { encoding: 'buffer' });
  return stdout.toString('latin1');
};

describe.skipIf(radosgw === null)('curl in front of radosgw', () => {
  const backend = radosgw ?? { url: '', accessKey: '', secretKey: '' };
  const signed = [
    '--aws-sigv4',
    'aws:amz:us-east-1:s3',
    '--user',
    `${backend.accessKey}:${backend.secretKey}`,
    '-H',
    'x-amz-content-sha256: UNSIGNED-PAYLOAD',
  ];
  let folder = '';
  let file = '';
  let brownout: Brownout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brownout-curl-'));
    file = join(folder, 'large');
    await writeFile(file, Buffer.alloc(LARGE, 'x'));
    await curl('--fail', ...signed, '-X', 'PUT', `${backend.url}/${BUCKET}`);
  });
  afterEach(() => brownout?.stop());
  afterAll(() => rm(folder, { recursive: true }));

  const SLOW = 'provider: aws-s3\nrules: [{ name: r, fault: { error: SlowDown } }]';
  const report = ['-o', '/dev/null', '-w', '%{http_code} %{size_upload}'];

  it('sends no byte of a 32 MiB upload when it asked first and the answer is 503', async () => {
    brownout = await startBrownout(backend.url, SLOW);
    const expectation = ['-H', 'Expect: 100-continue', '--expect100-timeout', '30'];
    expect(await curl(...report, ...expectation, '-T', file, `${brownout.url}/${BUCKET}/large`)).toBe(
      '503 0',
    );
  });

  it('reads the 503 of a 32 MiB upload that it sends without asking', async () => {
    brownout = await startBrownout(backend.url, SLOW);
    const answer = await curl(...report, '-H', 'Expect:', '-T', file, `${brownout.url}/${BUCKET}/large`);
    expect(answer).toMatch(/^503 /);
  });

  it('is asked for the body by the upstream’s consent when no rule fires', async () => {
    brownout = await startBrownout(backend.url, 'rules: []');
    const target = `${brownout.url}/${BUCKET}/consent`;
    expect(await curl(...report, ...signed, '-T', file, target)).toBe(`200 ${LARGE}`);
  });

  it('reads the 503 over a plain socket after all 32 MiB have been pushed', async () => {
    brownout = await startBrownout(backend.url, SLOW);
    const head = `PUT /${BUCKET}/large HTTP/1.1\r\nHost: h\r\nContent-Length: ${LARGE}\r\nConnection: close\r\n\r\n`;
    const answer = await rawExchange(
      brownout.port,
      Buffer.concat([Buffer.from(head), Buffer.alloc(LARGE, 'x')]),
    );
    expect(answer.toString('latin1')).toMatch(
      /^HTTP\/1\.1 503 Slow Down\r\n[\s\S]*<Code>SlowDown<\/Code>[\s\S]*<\/Error>\r\n0\r\n\r\n$/,
    );
  });

  /** The same bytes, signed for the backend, sent to it or to brownout in its place; ids, dates and hop-by-hop lines masked. */
  const answerOf = async (port: number, args: readonly string[]) => {
    const detour = ['--connect-to', `${new URL(backend.url).host}:127.0.0.1:${port}`];
    const answer = await curl('-i', ...detour, ...args);
    return (
      answer
        .replace(/^(Date|Connection|Keep-Alive|Transfer-Encoding|Last-Modified): .*\r\n/gim, '')
        .replace(/tx[0-9a-f]{21}-[0-9a-f]+/g, 'tx')
        .replace(/<(LastModified|UploadId|CreationDate)>[^<]*/g, '<$1>')
        // Other tests make buckets meanwhile.
        .replace(/<Bucket><Name>([^<]*).*?<\/Bucket>/g, (bucket, name) => (name === BUCKET ? bucket : ''))
    );
  };

  it('gets byte for byte what it would get without brownout, over the life of an object', async () => {
    brownout = await startBrownout(backend.url, everyKindOfRuleThatDoesNotFire());
    const object = `${backend.url}/${BUCKET}/life`;
    const odd = `${backend.url}/${BUCKET}/odd%20key%5Cwith/..//slashes`;
    const put = (body: string, ...more: string[]) => ['-X', 'PUT', '--data-binary', body, ...more];
    const life: [expected: number, ...args: string[]][] = [
      [200, ...signed, ...put('some bytes', '-H', 'x-amz-meta-Mixed-Case: kept'), object],
      [200, ...signed, object],
      [206, ...signed, '-r', '2-5', object],
      [200, ...signed, '-I', object],
      [200, ...signed, '-H', 'If-None-Match: "none"', object],
      [200, '--path-as-is', ...put('odd'), '-H', 'Content-Type:', presign('PUT', odd, backend)],
      [200, '--path-as-is', presign('GET', odd, backend)],
      [404, ...signed, '-I', `${backend.url}/${BUCKET}/missing`],
      [200, ...signed, `${backend.url}/${BUCKET}?prefix=life`],
      [200, ...signed, `${backend.url}/${BUCKET}?list-type=2&prefix=life`],
      [200, ...signed, `${backend.url}/`],
      [200, ...signed, '-X', 'POST', `${object}?uploads=`],
      [204, ...signed, '-X', 'DELETE', object],
      [204, ...signed, '-X', 'DELETE', object],
      [404, ...signed, object],
      [400, ...signed, ...put('other bytes', '-H', 'Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=='), object],
    ];
    const backendPort = Number(new URL(backend.url).port);
    const direct: string[] = [];
    const through: string[] = [];
    for (const [, ...args] of life) direct.push(await answerOf(backendPort, args));
    for (const [, ...args] of life) through.push(await answerOf(brownout.port, args));
    expect(through).toEqual(direct);
    expect(direct.map((answer) => Number(answer.slice(9, 12)))).toEqual(life.map(([expected]) => expected));
    expect(brownout.entries()).toHaveLength(life.length);
  });
});

function everyKindOfRuleThatDoesNotFire(): string {
  return [
    'provider: aws-s3',
    'rules:',
    '  - { name: never, trigger: { probability: 0 }, fault: { error: SlowDown } }',
    '  - { name: elsewhere, match: { bucket: other }, fault: { error: SlowDown } }',
    '  - { name: other key, match: { key: "never/**" }, fault: { error: SlowDown } }',
    '  - { name: much later, trigger: { after: 1000000 }, fault: { error: SlowDown } }',
  ].join('\n');
}
