import { Command } from 'commander';
import { BadRules } from '../index.ts';
import { loadRules } from '../rules/load.ts';

/** `brownout check`: says what is wrong with rule files; exit code 1 if anything is. */
export function checkCommand(): Command {
  return new Command('check')
    .description('say what is wrong with rule files, all of it at once')
    .argument('<paths...>', 'rule files, or folders of them')
    .option('--provider <name>', 'provider of rules that name none')
    .action(async (paths: string[], { provider }: { provider?: string }) => {
      const loaded = await loadRules(paths, { provider });
      if ('diagnostics' in loaded) throw new BadRules(loaded.diagnostics);
      const { rules, seeds } = loaded.ok;
      console.log(
        `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'} in ${seeds.size} files: no problems`,
      );
    });
}
