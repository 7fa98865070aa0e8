import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = new URL('../', import.meta.url);
const path = (relative: string, base: URL = root) => fileURLToPath(new URL(relative, base));
const run = async (...args: string[]) => {
  const { BROWNOUT_URL: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: path('.'), env });
  return stdout;
};

describe('examples/aws-sdk-js', () => {
  it('uploads in parts although SlowDown is injected, and reads back the same bytes', async () => {
    const printed = await run('examples/aws-sdk-js/upload.mjs');
    expect(printed).toMatch(/^UploadPart \d+: 503/m);
    expect(printed).toMatch(/^CompleteMultipartUpload: 200$/m);
    expect(printed).toMatch(/^the object that came back is the one that was sent$/m);
  }, 60_000);
});

describe('examples/ali-oss', () => {
  it('repeats throttled requests and does not repeat one whose callback failed', async () => {
    const printed = await run('examples/ali-oss/upload.mjs');
    expect(printed).toMatch(/^put, attempt 1: 503 UploadTrafficRateLimitExceeded, request id [0-9A-F]{24}$/m);
    expect(printed).toMatch(/^put, attempt 3: 200$/m);
    expect(printed).toMatch(/^put with callback, attempt 1: 203 CallbackFailed/m);
    expect(printed).toMatch(/^the object is stored although the call failed: stored$/m);
  }, 60_000);
});

describe('examples/vitest', () => {
  it('passes, and is typed', async () => {
    const printed = await run('node_modules/vitest/vitest.mjs', 'run', '--root', 'examples/vitest');
    expect(printed).toMatch(/1 passed/);
    expect(await run('node_modules/typescript/bin/tsc', '--noEmit', '-p', 'examples/vitest')).toBe('');
  }, 60_000);
});

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      command: z.string().optional(),
      build: z.string().optional(),
      environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      volumes: z.array(z.string()).optional(),
      ports: z.array(z.string()).optional(),
    }),
  ),
});

describe('examples/docker-compose', () => {
  const folder = new URL('examples/docker-compose/', root);
  const { services } = composeFile.parse(parse(readFileSync(path('compose.yaml', folder), 'utf8')));
  const { brownout } = services;

  it('builds where there is a Dockerfile and mounts what exists', () => {
    expect(existsSync(path(`${brownout?.build}/Dockerfile`, folder))).toBe(true);
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes);
    for (const mount of mounts)
      expect([mount, existsSync(path(mount.split(':')[0] ?? '', folder))]).toEqual([mount, true]);
  });

  it('names a rule file that the mounted folder has', () => {
    const rules = /--rules \/rules\/(\S+)/.exec(brownout?.command ?? '')?.[1];
    expect(existsSync(path(`rules/${rules}`))).toBe(true);
  });

  it('passes flags, variables and ports that brownout knows', async () => {
    const help = await run('dist/cli.js', 'serve', '--help');
    const variables = Object.keys(brownout?.environment ?? {}).map(
      (name) => `--${name.replace('BROWNOUT_', '').toLowerCase().replaceAll('_', '-')}`,
    );
    for (const flag of [...(brownout?.command?.match(/--[a-z-]+/g) ?? []), ...variables]) {
      expect(help).toContain(flag);
    }
    const exposed = /^EXPOSE (.*)$/m.exec(readFileSync(path('Dockerfile'), 'utf8'))?.[1]?.split(' ');
    expect(brownout?.ports?.map((port) => port.split(':').at(-1))).toEqual(exposed);
  });

  it('has Prometheus ask the admin port', () => {
    const config: unknown = parse(readFileSync(path('prometheus.yml', folder), 'utf8'));
    expect(config).toMatchObject({ scrape_configs: [{ static_configs: [{ targets: ['brownout:9090'] }] }] });
  });

  it('is valid to docker compose', ({ skip }) => {
    const [command, ...args] = composeCommand() ?? [];
    if (command === undefined) {
      const why =
        'skipped: docker compose reads the example. To run it: apt-get install --no-install-recommends docker-compose';
      if (process.env.CI === 'true') throw new Error(why);
      console.warn(why);
      return skip(why);
    }
    execFileSync(command, [...args, '-f', path('compose.yaml', folder), 'config', '--quiet']);
  });
});

/** The compose command of this machine, if it has one; it needs no running Docker to check a file. */
function composeCommand(): string[] | undefined {
  return [['docker', 'compose'], ['docker-compose']].find(([command = '', ...args]) => {
    try {
      execFileSync(command, [...args, 'version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}
