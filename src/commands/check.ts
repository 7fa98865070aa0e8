import { Command } from 'commander';
import { BadRules } from '../diagnostics/diagnostic.ts';
import { counted } from '../notation/text.ts';
import { loadRules } from '../rules/load.ts';
import { flag, provider } from './flags.ts';
import type { Io } from './io.ts';

const HELP = `
Example:
  brownout check rules/slow-down.yaml my-rules/`;

/** `brownout check`: says what is wrong with rule files; exit code 1 if anything is. */
export function checkCommand({ console }: Io): Command {
  return new Command('check')
    .description('say what is wrong with rule files, all of it at once')
    .argument('<paths...>', 'rule files, or folders of them')
    .addOption(flag('--provider <name>', 'provider of rules that name none').argParser(provider))
    .addHelpText('after', HELP)
    .action(async (paths: string[], flags: { provider?: string }) => {
      const loaded = await loadRules(paths, flags);
      if ('diagnostics' in loaded) throw new BadRules(loaded.diagnostics);
      const { rules, seeds } = loaded.ok;
      const forwards = rules.length === 0 ? ', and every request is forwarded' : '';
      console.log(
        `${counted(rules.length, 'rule')} in ${counted(seeds.size, 'file')}: no problems${forwards}`,
      );
    });
}
