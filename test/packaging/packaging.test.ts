import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(root + file, 'utf8');
const run = async (command: string, ...args: string[]) =>
  (await promisify(execFile)(command, args, { cwd: root })).stdout;

describe('rules/', () => {
  const files = readdirSync(`${root}rules`);

  it.each(files)('%s has the schema for editors and a comment on what it proves', (file) => {
    const [schema, comment] = read(`rules/${file}`).split('\n');
    expect(schema).toBe('# yaml-language-server: $schema=../schema/rules.schema.json');
    expect(comment).toMatch(/^# Proves /);
  });

  it('loads without a complaint, all files at once', async () => {
    expect(files.length).toBeGreaterThanOrEqual(10);
    await run(process.execPath, 'dist/cli.js', 'check', 'rules');
  });
});

const packed = z.tuple([z.object({ files: z.array(z.object({ path: z.string() })) })]);

describe('the npm package', () => {
  it('has what it needs at run time, and neither sources nor tests', async () => {
    const printed: unknown = JSON.parse(await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts'));
    const [pack] = packed.parse(printed);
    const paths = pack.files.map((file) => file.path);
    for (const needed of [
      'dist/cli.js',
      'dist/index.js',
      'dist/index.d.ts',
      'catalog/aws-s3.yaml',
      'schema/rules.schema.json',
      'rules/slow-down.yaml',
      'LICENSE',
      'package.json',
    ]) {
      expect(paths).toContain(needed);
    }
    expect(paths.filter((path) => /^(src|test|examples|bench|docs)\//.test(path))).toEqual([]);
    expect(paths.filter((path) => path.startsWith('schema/')).sort()).toEqual([
      'schema/admin-api.openapi.json',
      'schema/catalog.schema.json',
      'schema/rules.schema.json',
    ]);
    const compiled = paths.filter((path) => /^dist\/.*\.js$/.test(path));
    const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    expect(compiled.sort()).toEqual(sources.map((path) => `dist/${path.replace(/ts$/, 'js')}`).sort());
  });

  it('lets a user name its rules, its schemas and its own description', async () => {
    const names = ['rules/slow-down.yaml', 'schema/rules.schema.json', 'package.json'];
    const script = `for (const name of ${JSON.stringify(names)}) console.log(import.meta.resolve('brownout/' + name))`;
    const resolved = (await run(process.execPath, '--input-type=module', '--eval', script))
      .trim()
      .split('\n');
    expect(resolved.map((url) => fileURLToPath(url))).toEqual(names.map((name) => root + name));
  });
});

describe('the container image', () => {
  const dockerfile = read('Dockerfile');

  it('copies files that exist and that .dockerignore lets through', () => {
    const admitted = read('.dockerignore').split('\n');
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, list = '']) =>
      list.split(' '),
    );
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      expect(existsSync(root + source)).toBe(true);
      expect(admitted).toContain(`!${source}`);
    }
  });

  it('does not run as root, and asks the admin port for its health', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('FROM'));
    expect(last).toMatch(/^USER node$/m);
    expect(last).toMatch(/^HEALTHCHECK /m);
    expect(last).toContain('/healthz');
    expect(last).not.toContain('BROWNOUT_ADMIN_HOST=');
  });
});

describe('docs/topologies.md', () => {
  const blocks = [...read('docs/topologies.md').matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)];
  const of = (language: string) =>
    blocks.filter(([, name]) => name === language).map(([, , text = '']) => text);

  it('has YAML that parses', () => {
    expect(of('yaml').length).toBeGreaterThan(0);
    for (const text of of('yaml')) expect(() => parse(text)).not.toThrow();
  });

  it('uses commands, flags and files that exist', async () => {
    const help = await run(process.execPath, 'dist/cli.js', 'serve', '--help');
    const lines = [...of('sh').join('').split('\n'), ...of('yaml').join('').split('\n')].filter((line) =>
      line.includes('--upstream'),
    );
    expect(lines.length).toBeGreaterThan(3);
    for (const flag of lines.flatMap((line) => line.match(/--[a-z-]+/g) ?? [])) expect(help).toContain(flag);
    for (const [, file = ''] of read('docs/topologies.md').matchAll(/(?<!\/)\b(rules\/[a-z-]+\.yaml)/g)) {
      expect([file, existsSync(root + file)]).toEqual([file, true]);
    }
  });
});

describe('.ci/run', () => {
  it('can be executed', () => {
    for (const script of ['.ci/run', 'test/support/other-nodes.sh']) {
      expect(() => accessSync(root + script, constants.X_OK)).not.toThrow();
    }
  });
});
