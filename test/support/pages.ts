import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the project. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Pages of docs/, by their path in the project. */
export const docsPages: readonly string[] = readdirSync(join(root, 'docs'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)
  .sort();

/** Returns the text of a page. */
export function pageText(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Returns the code blocks of a page in one language. */
export function codeBlocks(page: string, language: string): string[] {
  return [...pageText(page).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, block = '']) => block,
  );
}

/** Returns the body cells of all tables of a page with these columns. */
export function tableRows(page: string, columns: string): string[][] {
  const tables = pageText(page).split(`\n| ${columns} |\n`).slice(1);
  return tables.flatMap((rest) => {
    const [, ...lines] = rest.split('\n');
    const end = lines.findIndex((line) => !line.startsWith('|'));
    return lines.slice(0, end).map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
  });
}
