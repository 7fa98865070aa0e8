import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { makeCertificates } from './support/certificates.ts';
import { codeBlocks, docsPages, pageText, root } from './support/pages.ts';
import { startCli } from './support/run-cli.ts';
import { serveBrownout } from './support/serve-brownout.ts';

const pages = ['README.md', 'CONTRIBUTING.md', ...docsPages];

/** The commands of a page's shell blocks, comments and `&&` taken apart. */
function commands(page: string): [page: string, command: string][] {
  return codeBlocks(page, 'sh')
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => line.replace(/\s#.*/, '').split('&&'))
    .map((command) => command.trim())
    .filter((command) => command !== '')
    .map((command) => [page, command]);
}

/** What follows `serve` in the YAML blocks of a page: compose commands and pod arguments. */
function served(page: string): [page: string, command: string][] {
  return codeBlocks(page, 'yaml')
    .map((block) => parse(block))
    .flatMap(({ services = {}, containers = [] }) => [...Object.values(services), ...containers])
    .map(({ command, args = [] }) => command ?? args.join(' '))
    .filter((command) => command.startsWith('serve'))
    .map((command) => [page, `brownout ${command.replace('--rules /rules', '--rules rules')}`]);
}

const all = pages.flatMap((page) => [...commands(page), ...served(page)]);
const ours = /^(?:brownout|node dist\/cli\.js) /;

describe('what the documentation tells to type', () => {
  let folder: string;
  let removeCertificates: () => Promise<void>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brownout-docs-'));
    await symlink(join(root, 'rules'), join(folder, 'rules'));
    const { ca, cert, key, remove } = await makeCertificates();
    removeCertificates = remove;
    await writeFile(join(folder, 'ca.pem'), ca);
    await writeFile(join(folder, 'server.pem'), cert);
    await writeFile(join(folder, 'server.key'), key);
    process.chdir(folder);
  });

  afterAll(async () => {
    process.chdir(root);
    await removeCertificates();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(all.filter(([, command]) => ours.test(command)))('%s: %s', async (_, command) => {
    // Where its output goes is the shell's business.
    const [verb = '', ...rest] = command
      .replace(ours, '')
      .replace(/ > \S+$/, '')
      .split(/\s+/);
    // The ports it names may be taken here; the last one given counts.
    const args = verb === 'serve' ? [verb, ...rest, '--port', '0', '--admin-port', '0'] : [verb, ...rest];
    const cli = startCli(args);
    cli.onOutput(() => cli.output().includes('admin listening on http://') && cli.signal('SIGTERM'));
    const { code } = await cli.ended;
    expect([code, cli.output()]).toEqual([
      0,
      expect.stringMatching(verb === 'serve' ? /^proxy listening on/m : /./),
    ]);
  });

  it.each(all.filter(([, command]) => !ours.test(command) && !command.startsWith('curl ')))(
    '%s: %s is a script of the package',
    (_, command) => {
      const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      const script = /^npm (?:run )?(\w+)$/.exec(command)?.[1] ?? command;
      expect(['ci', ...Object.keys(scripts)]).toContain(script);
    },
  );
});

describe('what the documentation asks the admin port', () => {
  const asking = pages.filter((page) => commands(page).some(([, command]) => command.startsWith('curl ')));

  it.each(asking)('%s: every curl is answered, one after the other', async (page) => {
    const lines = commands(page).map(([, command]) => command);
    const [, ...args] =
      lines
        .find((line) => line.startsWith('brownout serve '))
        ?.split(' ')
        .slice(1) ?? [];
    const brownout = await serveBrownout(args);
    onTestFinished(async () => void (await brownout.stop()));
    for (const line of lines.filter((each) => each.startsWith('curl '))) {
      const command = line
        .replaceAll('localhost:9090', new URL(brownout.adminUrl).host)
        .replaceAll('localhost:8080', new URL(brownout.proxyUrl).host);
      // What has no end is cut off: 28.
      const toAdmin = line.includes('localhost:9090');
      const script = `${command} -sS ${toAdmin ? '--fail-with-body' : ''} --max-time 2 || [ $? = 28 ]`;
      const child = spawn('bash', ['-c', script], { cwd: root });
      let printed = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
      const [code] = await once(child, 'close');
      expect([line, code, printed]).toEqual([line, 0, printed]);
    }
  });
});

/** The anchors of a page, as GitHub makes them of its headings. */
function anchors(page: string): string[] {
  return [...pageText(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('the links of the documentation', () => {
  const examples = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('README.md') && !name.includes('node_modules'))
    .map((name) => `examples/${name}`);
  const linking = [...pages, ...examples, 'ARCHITECTURE.md', 'CHANGELOG.md'];
  const links = linking.flatMap((page) =>
    [...pageText(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
      ([, path = '', anchor]) => ({ page, path, anchor }),
    ),
  );

  it('lead to files and headings that exist', () => {
    const broken = links.filter(({ page, path, anchor }) => {
      const target = path === '' ? page : relative(root, join(root, dirname(page), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchors(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('the demo', () => {
  it('meets SlowDown by rule, tries again, gets through and reads the same bytes back', async () => {
    const child = spawn(process.execPath, [join(root, 'examples/demo/demo.mjs')]);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    const [code] = await once(child, 'close');
    expect(printed).toMatch(/^✗ UploadPart demo\/holiday\.mp4 part \d+ → 503 SlowDown, injected by/m);
    expect(printed).toMatch(/^✓ CompleteMultipartUpload demo\/holiday\.mp4 → 200/m);
    expect(printed).toMatch(/^read back: 40 MiB, the same bytes$/m);
    expect(code).toBe(0);
    // What the README shows are its own lines, but for ports and times.
    const masked = (text: string) => text.replace(/:\d{4,5}\b/g, ':PORT').replace(/[\d.]+m?s\)/g, 'TIME)');
    const shown = /^client: .*?(?=^```$)/ms.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[0] ?? '';
    const lines = shown
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '…');
    expect(lines.length).toBeGreaterThan(5);
    expect(masked(printed).split('\n')).toEqual(expect.arrayContaining(lines.map(masked)));
  }, 60_000);
});
