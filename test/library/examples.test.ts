import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import * as library from '../../src/index.ts';
import { codeBlocks, docsPages, root, tableRows } from '../support/pages.ts';

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(root, 'src', name), 'utf8') }));

/** A doc comment, and the line of code that it stands over. */
const DOC = /\/\*\*((?:(?!\*\/).)*)\*\/\n *([^\n]*)/gs;
const docs = sources.flatMap(({ name, text }) =>
  [...text.matchAll(DOC)].map(([, doc = '', line = '']) => ({
    name,
    doc: doc.replace(/^ *\* ?/gm, ''),
    line,
  })),
);
const examples = docs.flatMap(({ name, doc, line }) =>
  [...doc.matchAll(/@example\n```ts\n(.*?)^```$/gms)].map(([, code = '']) => ({
    of: `${name}: ${line}`,
    code,
  })),
);
const shown = ['README.md', ...docsPages].flatMap((page) =>
  codeBlocks(page, 'js')
    .filter((code) => code.includes("from 'brownout'"))
    .map((code) => ({ of: page, code })),
);

/** Declarations that the examples leave out. */
const GIVEN = `import { BadRules, describeEntry, type RunningProxy, type RunningSession, startProxy, summarise } from 'brownout';
declare const proxy: RunningProxy;
declare const session: RunningSession;
`;

const folder = mkdtempSync(join(tmpdir(), 'brownout-examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('each function of the library, and each method of what it gives, has an example', () => {
  const exported = Object.keys(library).map((name) =>
    docs.find(({ line }) => new RegExp(`^export (?:async )?(?:function|class) ${name}\\b`).test(line)),
  );
  const interfaces = sources.find(({ name }) => name === 'library/running-proxy.ts')?.text ?? '';
  const methods = [...interfaces.matchAll(/^ {2}(\w+\(.*);$/gm)].map(([line]) =>
    docs.find((each) => each.line === line.trim()),
  );
  expect(exported.length).toBeGreaterThanOrEqual(4);
  expect(methods.length).toBeGreaterThanOrEqual(14);
  const without = [...exported, ...methods].filter((each) => !each?.doc.includes('@example'));
  expect(without).toEqual([]);
});

it('the examples compile, in doc comments and on pages', async () => {
  const files = [...examples, ...shown].map(({ of, code }, i) => {
    const text = code.includes("from 'brownout'") ? code : `${GIVEN}{\n${code}}\n`;
    writeFileSync(join(folder, `${i}.mts`), `// ${of}\n${text}\nexport {};\n`);
    return `${i}.mts`;
  });
  const paths = { brownout: [join(root, 'src/index.ts')] };
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      paths,
      lib: ['ES2023', 'ESNext.Disposable'],
      typeRoots: [join(root, 'node_modules/@types')],
      noUnusedLocals: false,
    },
    include: files,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const run = promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', folder], { cwd: folder });
  const printed = await run.then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  );
  expect(printed).toBe('');
  expect(files.length).toBeGreaterThanOrEqual(20);
});

it('docs/library.md has each option of startProxy, in the same order', () => {
  const options = sources.find(({ name }) => name === 'library/options.ts')?.text ?? '';
  const [declared = ''] = /^export interface ProxyOptions \{.*?^\}/ms.exec(options) ?? [];
  const names = [...declared.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => `\`${name}\``);
  const rows = tableRows('docs/library.md', 'option | type | default | meaning');
  expect(rows.map(([option]) => option)).toEqual(names);
  expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
});
