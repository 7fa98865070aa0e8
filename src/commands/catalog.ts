import { Command } from 'commander';
import { type Entry, entriesOf, loadProvider, providerNames } from '../catalog/catalog.ts';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { flag, provider } from './flags.ts';
import type { Io } from './io.ts';

interface Flags {
  readonly provider?: string;
  readonly json?: boolean;
}

const HELP = `
Examples:
  brownout catalog --provider jd-jss
  brownout catalog SlowDown`;

/** Makes `brownout catalog`, which prints the documented errors and what the provider says about them. */
export function catalogCommand({ console }: Io): Command {
  return new Command('catalog')
    .description('show the errors that providers document')
    .argument('[code]', 'an error code; all its entries are shown in full')
    .addOption(flag('--provider <name>', 'show the errors of this provider only').argParser(provider))
    .option('--json', 'print JSON, for scripts')
    .addHelpText('after', HELP)
    .action((code, flags) => catalog(code, flags, console));
}

function catalog(code: string | undefined, { provider, json }: Flags, console: Io['console']): void {
  const providers = (provider === undefined ? providerNames() : [provider]).map(loadProvider);
  const found = providers.map((each) => ({
    provider: each,
    entries: code === undefined ? each.entries : entriesOf(each, code),
  }));
  if (found.every(({ entries }) => entries.length === 0)) {
    const codes = providers.flatMap((each) => each.entries.map((entry) => entry.code));
    const finding =
      provider === undefined
        ? `no provider documents the code "${code}"`
        : `${provider} documents no code "${code}"`;
    throw new Error(`${finding}${didYouMean(code ?? '', [...new Set(codes)])}`);
  }
  if (json) {
    const rows = found.flatMap(({ provider, entries }) =>
      entries.map((entry) => ({ provider: provider.name, ...entry })),
    );
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  for (const { provider, entries } of found) {
    if (entries.length === 0) continue;
    console.log(`${provider.name} (${provider.title})`);
    for (const entry of entries) console.log(code === undefined ? inOneLine(entry) : inFull(entry));
  }
}

function inOneLine({ status, code, variant, message }: Entry): string {
  return `  ${status} ${code}${variant === undefined ? '' : ` (${variant})`}: ${message}`;
}

function inFull(entry: Entry): string {
  const lines: (readonly [string, string | undefined])[] = [
    ['message', entry.assumed ? `${entry.message} (assumed: not in the source)` : entry.message],
    ['stored', entry.stored ? 'the object is stored although the client is told otherwise' : undefined],
    ['retryable', entry.retryable === undefined ? undefined : entry.retryable ? 'yes' : 'no'],
    ['aliases', entry.aliases.length > 0 ? entry.aliases.join(', ') : undefined],
    ['explanation', entry.en?.explanation],
    ['remedy', entry.en?.remedy],
    ['解释', entry.zh?.explanation],
    ['处理', entry.zh?.remedy],
    ['note', entry.note],
    ['source', entry.source],
  ];
  const shown = lines.filter(([, text]) => text !== undefined && text !== '');
  const title = `  ${entry.status} ${entry.code}${entry.variant === undefined ? '' : `, variant ${entry.variant}`}`;
  return [
    title,
    ...shown.map(([name, text]) => `    ${name}: ${text?.trim().replaceAll('\n', '\n      ')}`),
  ].join('\n');
}
