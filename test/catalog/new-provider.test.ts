import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'brownout-provider-'));

async function brownout(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [join(folder, 'dist/cli.js'), ...args])).stdout;
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

// A copy of the package, with the catalog file that CONTRIBUTING.md shows.
beforeAll(() => {
  for (const name of ['dist', 'catalog', 'package.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const [, name = '', text = ''] = /^```yaml (catalog\/\S+)\n(.*?)^```$/ms.exec(page) ?? [];
  write(name, text);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a new provider in one file', () => {
  it('is recognised in a request, and answers in its own dialect', async () => {
    const rules = write('rules.yaml', 'provider: acme-store\nrules: [{ fault: { error: TooFast } }]\n');
    const headers = [
      'host: photos.store.acme.example',
      'authorization: ACME AK:c2ln',
      'x-acme-copy-source: /b/k',
    ];
    const output = await brownout(
      'explain',
      rules,
      'PUT /cat.jpg',
      ...headers.flatMap((each) => ['-H', each]),
    );
    expect(output).toContain('CopyObject, bucket photos, key cat.jpg, accessKey AK\n');
    expect(output).toMatch(/^HTTP\/1\.1 503 Service Unavailable\nServer: Acme\/2\n/m);
    expect(output).toMatch(/^x-acme-request-id: [0-9A-F]{28}$/m);
  });

  it.each([
    [
      'its server',
      'HTTP/1.1 503 Service Unavailable\nServer: Acme/3\n\n<Error><Code>TooFast</Code></Error>\n',
    ],
    ['a header', 'failed: SlowDown, status code: 503, x-acme-request-id: 0123456789\n'],
    ['its host', 'PUT https://photos.store.acme.example/cat.jpg\nfailed: SlowDown, status code: 503\n'],
    [
      'a code that it alone has',
      'upload to s3://photos/cat.jpg failed: TooFast: Please send fewer requests.\n',
    ],
  ])('is recognised in a report by %s', async (_, text) => {
    const { findErrors }: typeof import('../../src/reproduce/reproduce.ts') = await import(
      join(folder, 'dist/reproduce/reproduce.js')
    );
    expect(findErrors(text).findings.map(({ provider }) => provider.name)).toEqual(['acme-store']);
  });
});
