import { Command } from 'commander';
import { BadRules, diagnosticJson } from '../diagnostics/diagnostic.ts';
import { counted } from '../notation/text.ts';
import { describeRule } from '../rules/describe-rule.ts';
import { loadRules } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { flag, provider } from './flags.ts';
import type { Io } from './io.ts';

const HELP = `
Each problem has a kind, such as [unknown-key]. docs/diagnostics.md explains
each kind, and the form of the JSON.

Example:
  brownout check rules/slow-down.yaml my-rules/`;

interface Flags {
  readonly provider?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Makes the command `brownout check`, which reports the problems of rule files; exit code 1 if there are any. */
export function checkCommand(io: Io): Command {
  return new Command('check')
    .description('report all problems of rule files at once')
    .argument('<paths...>', 'rule files, or folders of them')
    .addOption(flag('--provider <name>', 'provider of rules that name none').argParser(provider))
    .option('--verbose', 'say each rule in one sentence')
    .option('--json', 'print JSON, for editors and CI')
    .addHelpText('after', HELP)
    .action((paths: string[], flags: Flags) => check(paths, flags, io));
}

async function check(paths: string[], flags: Flags, { console, process }: Io): Promise<void> {
  const loaded = await loadRules(paths, { provider: flags.provider });
  if (flags.json) {
    const diagnostics = 'ok' in loaded ? [] : loaded.diagnostics;
    const sentences = 'ok' in loaded && flags.verbose ? loaded.ok.rules.map(sentenceJson) : undefined;
    const report = { ok: 'ok' in loaded, diagnostics: diagnostics.map(diagnosticJson), rules: sentences };
    console.log(JSON.stringify(report, undefined, 2));
    if (!report.ok) process.exitCode = 1;
    return;
  }
  if ('diagnostics' in loaded) throw new BadRules(loaded.diagnostics);
  const { rules, seeds } = loaded.ok;
  for (const rule of flags.verbose ? rules : []) {
    console.log(`${rule.name} (${rule.place}): ${describeRule(rule)}`);
  }
  const forwards = rules.length === 0 ? ', and every request is forwarded' : '';
  console.log(`${counted(rules.length, 'rule')} in ${counted(seeds.size, 'file')}: no problems${forwards}`);
}

function sentenceJson(rule: Rule): Record<string, unknown> {
  const { file, line, name } = rule;
  return { file, line, name, sentence: describeRule(rule) };
}
