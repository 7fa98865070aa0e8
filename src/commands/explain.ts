import { Command } from 'commander';
import type { Document } from '../catalog/document.ts';
import { requestSigns } from '../catalog/request-signs.ts';
import { BadRules } from '../diagnostics/diagnostic.ts';
import { kindsOf } from '../exchange/injection.ts';
import { marksOf } from '../exchange/marks.ts';
import { headerText } from '../http/headers.ts';
import { printable } from '../notation/text.ts';
import type { Addressing } from '../request/address.ts';
import { type Facts, factsOf } from '../request/facts.ts';
import { explain } from '../rules/decide.ts';
import { describeRule } from '../rules/describe-rule.ts';
import { loadRules } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { cname, flag, listFlag, provider } from './flags.ts';
import type { Io } from './io.ts';
import { Misuse } from './misuse.ts';

interface Flags {
  readonly header?: readonly string[];
  readonly seed?: string;
  readonly provider?: string;
  readonly domain?: readonly string[];
  readonly cname?: readonly string[];
  readonly pathStyle?: boolean;
}

const HELP = `
The request is a method and a target, as in the first line of a request.
Without -H 'Host: …' its Host is localhost. All flags except -H can also be
variables, like those of serve: --seed as BROWNOUT_SEED.
Counts start at zero, so a rule that fires "after 3" does not fire.

Example:
  brownout explain rules/slow-down.yaml 'PUT /b/k?partNumber=3&uploadId=x' \\
    -H 'amz-sdk-request: attempt=2'`;

/** Makes the command `brownout explain`, which prints the verdict of each rule on a request, and the answer. */
export function explainCommand({ console }: Io): Command {
  return new Command('explain')
    .description('say for each rule if it fires on a request, and why or why not')
    .argument('<paths...>', "rule files or folders, and last the request: 'METHOD /target'")
    .option('-H, --header <header>', "a request header: 'name: value' (repeatable)", collect)
    .addOption(flag('--seed <seed>', "seed of the dice; overrides the rule files' seeds"))
    .addOption(flag('--provider <name>', 'provider of rules that name none').argParser(provider))
    .addOption(listFlag('--domain <suffix>', 'endpoint name that may follow a bucket: bucket.SUFFIX'))
    .addOption(listFlag('--cname <host=bucket>', 'host name that stands for a bucket'))
    .addOption(flag('--path-style', 'the bucket is always in the path, for any Host'))
    .addHelpText('after', HELP)
    .action((args, flags) => explainRequest(args, flags, console));
}

async function explainRequest(args: string[], flags: Flags, console: Io['console']): Promise<void> {
  const request = args.at(-1) ?? '';
  const paths = args.slice(0, -1);
  if (paths.length === 0)
    throw new Misuse("give rule files and a request: brownout explain FILES… 'PUT /bucket/key'");
  const addressing = {
    domains: flags.domain,
    cname: flags.cname && new Map(flags.cname.map(cname)),
    pathStyle: flags.pathStyle,
  };
  const facts = parseRequest(request, flags.header ?? [], addressing);
  const loaded = await loadRules(paths, { seed: flags.seed, provider: flags.provider });
  if ('diagnostics' in loaded) throw new BadRules(loaded.diagnostics);
  console.log(describe(facts));
  let answer = 'no rule fires: the request is forwarded';
  for (const { rule, fires, why } of explain(loaded.ok, facts)) {
    console.log(`${fires ? '✓' : '✗'} ${rule.name} (${rule.place}): ${why}`);
    console.log(`    ${describeRule(rule)}`);
    if (fires) answer = previewOf(rule, facts);
  }
  console.log(`\n${answer}`);
}

function parseRequest(request: string, headerLines: readonly string[], addressing: Addressing): Facts {
  const match = /^([!#$%&'*+.^_`|~\w-]+) (\S+)(?: HTTP\/1\.[01])?$/.exec(request.trim());
  if (!match)
    throw new Misuse(
      `"${request}" is not a request; it is written 'PUT /bucket/key?partNumber=3&uploadId=x'`,
    );
  const headers: Record<string, string> = {};
  for (const line of headerLines) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new Misuse(`"${line}" is not a header; it is written 'name: value'`);
    add(headers, name.toLowerCase(), value);
  }
  headers.host ??= 'localhost';
  return factsOf(
    { method: match[1], target: match[2], headers, client: '127.0.0.1' },
    addressing,
    requestSigns(),
  );
}

/** Headers of which Node keeps the first value and drops the others (http.IncomingMessage.headers). */
const ONCE = new Set(['authorization', 'content-length', 'content-type', 'host', 'user-agent']);

function add(headers: Record<string, string>, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (!ONCE.has(name)) headers[name] = `${before}, ${value}`;
}

function describe({ operation, bucket, key, part, attempt, accessKey }: Facts): string {
  const parts = { bucket, key, part, attempt, accessKey };
  const known = Object.entries(parts).filter(([, value]) => value !== undefined);
  return [operation, ...known.map(([name, value]) => `${name} ${printable(String(value))}`)].join(', ');
}

function previewOf({ name, faults }: Rule, facts: Facts): string {
  const marks = marksOf(headerText(name), kindsOf(faults));
  return faults.map((fault) => withPreview(fault.summary, fault.preview?.(facts), marks)).join('\n');
}

function withPreview(summary: string, document: Document | undefined, marks: readonly string[]): string {
  if (!document) return summary;
  const headers = [...document.headers, ...marks];
  const lines = [`HTTP/1.1 ${document.status} ${document.reason}`];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${summary}\n\n${lines.join('\n')}\n\n${document.body.toString('utf8')}`;
}

function collect(value: string, list: readonly string[] = []): string[] {
  return [...list, value];
}
