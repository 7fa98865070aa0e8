import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Brownout, startBrownout } from '../support/brownout.ts';
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
  ];
  let folder = '';
  let file = '';
  let brownout: Brownout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brownout-curl-'));
    file = join(folder, 'large');
    await writeFile(file, Buffer.alloc(LARGE, 'x'));
    await curl(...signed, '-X', 'PUT', `${backend.url}/${BUCKET}`);
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
    const unsigned = ['-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'];
    expect(await curl(...report, ...signed, ...unsigned, '-T', file, target)).toBe(`200 ${LARGE}`);
  });

  it('reads the 503 over a plain socket after all 32 MiB have been pushed', async () => {
    brownout = await startBrownout(backend.url, SLOW);
    const head = `PUT /${BUCKET}/large HTTP/1.1\r\nHost: h\r\nContent-Length: ${LARGE}\r\nConnection: close\r\n\r\n`;
    const answer = await rawExchange(
      brownout.port,
      Buffer.concat([Buffer.from(head), Buffer.alloc(LARGE, 'x')]),
    );
    expect(answer.toString('latin1')).toMatch(
      /^HTTP\/1\.1 503 Slow Down\r\n[\s\S]*<Code>SlowDown<\/Code>[\s\S]*<\/Error>$/,
    );
  });

  /** The same bytes, signed for the backend, sent to it or to brownout in its place; ids, dates and hop-by-hop lines masked. */
  const answerOf = async (port: number, args: readonly string[]) => {
    const { host, port: backendPort } = new URL(backend.url);
    const detour = ['--connect-to', `${host}:127.0.0.1:${port}`];
    const unsigned = ['-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'];
    expect(backendPort).not.toBe('');
    const answer = await curl('-i', ...detour, ...signed, ...unsigned, ...args);
    return answer
      .replace(/^(Date|Connection|Keep-Alive|Last-Modified): .*\r\n/gim, '')
      .replace(/tx[0-9a-f]{21}-[0-9a-f]+/g, 'tx')
      .replace(/<(LastModified|UploadId|CreationDate)>[^<]*/g, '<$1>');
  };

  it('gets byte for byte what it would get without brownout, over the life of an object', async () => {
    brownout = await startBrownout(backend.url, everyKindOfRuleThatDoesNotFire());
    const object = `${backend.url}/${BUCKET}/life`;
    const life = [
      ['-X', 'PUT', '--data-binary', 'some bytes', '-H', 'x-amz-meta-Mixed-Case: kept', object],
      [object],
      ['-r', '2-5', object],
      ['-I', object],
      ['-H', 'If-None-Match: "none"', object],
      [`${backend.url}/${BUCKET}/missing%20key%2Fodd//twice`, '--path-as-is'],
      ['-I', `${backend.url}/${BUCKET}/missing`],
      [`${backend.url}/${BUCKET}?prefix=life`],
      [`${backend.url}/${BUCKET}?list-type=2&prefix=life`],
      [`${backend.url}/`],
      ['-X', 'POST', `${object}?uploads=`],
      ['-X', 'DELETE', object],
      ['-X', 'DELETE', object],
      [object],
      ['-X', 'PUT', '-H', 'Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==', '--data-binary', 'other bytes', object],
    ];
    const backendPort = Number(new URL(backend.url).port);
    const outcomes: Record<'direct' | 'through', string[]> = { direct: [], through: [] };
    for (const step of life) outcomes.direct.push(await answerOf(backendPort, step));
    for (const step of life) outcomes.through.push(await answerOf(brownout.port, step));
    expect(outcomes.through).toEqual(outcomes.direct);
    expect(outcomes.direct.map((answer) => answer.slice(9, 12))).toEqual([
      '200',
      '200',
      '206',
      '200',
      '200',
      '404',
      '404',
      '200',
      '200',
      '200',
      '200',
      '204',
      '204',
      '404',
      '400',
    ]);
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
