import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Which parts of src/ a part may import; ARCHITECTURE.md has the same table. */
const MAY_IMPORT: Readonly<Record<string, string>> = {
  'cli.ts': 'commands diagnostics',
  'index.ts': 'library rulebook sessions observe rules diagnostics request',
  commands: 'library replay reproduce rulebook observe rules faults upstream exchange GROUND',
  library: 'admin record store proxy rulebook sessions observe rules upstream exchange GROUND',
  admin: 'proxy rulebook sessions observe exchange GROUND',
  reproduce: 'record rules catalog notation request',
  record: 'rules exchange catalog http notation request',
  replay: 'rules exchange notation request',
  store: 'catalog http notation request',
  proxy: 'sessions observe rules faults upstream exchange GROUND',
  rulebook: 'rules diagnostics notation',
  sessions: 'rules faults exchange diagnostics catalog notation request',
  observe: 'rules exchange notation request',
  rules: 'faults diagnostics catalog notation request',
  upstream: 'exchange http',
  faults: 'exchange GROUND',
  exchange: 'catalog http request',
  diagnostics: 'notation',
  catalog: '',
  http: '',
  notation: '',
  request: '',
};
const GROUND = 'diagnostics catalog http notation request';

const allowed = (part: string): string[] =>
  (MAY_IMPORT[part] ?? '').replace('GROUND', GROUND).split(' ').filter(Boolean);

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(root, 'src', name), 'utf8') }));

const partOf = (name: string): string => name.split('/')[0] ?? name;

describe('who may import whom', () => {
  it('is kept by every file', () => {
    const wrong = files.flatMap(({ name, text }) =>
      [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(([, path = '']) => {
        const target = relative('.', join(dirname(name), path));
        const [from, to] = [partOf(name), partOf(target)];
        if (from === to || allowed(from).includes(to)) return [];
        return [`src/${name} imports src/${target}; ${from} may import: ${allowed(from).join(', ')}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('is a table without circles, which lists each part after those that import it', () => {
    const order = Object.keys(MAY_IMPORT);
    const upwards = order.flatMap((part, index) =>
      allowed(part)
        .filter((other) => order.indexOf(other) <= index)
        .map((other) => `${part} → ${other}`),
    );
    expect(upwards).toEqual([]);
  });

  it('stands in ARCHITECTURE.md as it stands here, with each part of src/ once', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const table = /^\| part \| owns \| may import \|\n.*?\n\n/ms.exec(page)?.[0] ?? '';
    const rows = [...table.matchAll(/^\| `([\w.]+)\/?` \| .+ \| (.*) \|$/gm)];
    const stated = rows.map(([, part, others = '']) => [part, others.replace('ground', 'GROUND')]);
    const words = (text: string) => text.split(' ').filter(Boolean).join(', ') || 'nothing';
    expect(stated).toEqual(Object.entries(MAY_IMPORT).map(([part, others]) => [part, words(others)]));
    expect([...new Set(files.map(({ name }) => partOf(name)))].sort()).toEqual(
      Object.keys(MAY_IMPORT).sort(),
    );
  });
});

describe('names', () => {
  it('of types are defined once in src/', () => {
    const homes = new Map<string, string[]>();
    for (const { name, text } of files) {
      for (const [, type = ''] of text.matchAll(
        /^(?:export )?(?:interface|type|(?:abstract )?class) (\w+)/gm,
      ))
        homes.set(type, [...(homes.get(type) ?? []), `src/${name}`]);
    }
    const twice = [...homes].filter(([type, where]) => where.length > 1 && !['Spec', 'Flags'].includes(type));
    expect(twice.map(([type, where]) => `${type}: ${where.join(', ')}`)).toEqual([]);
  });
});
