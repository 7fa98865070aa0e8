import { describe, expect, it } from 'vitest';
import { type Entry, loadProvider, type Provider, providerNames } from '../../src/catalog/catalog.ts';
import { writeDocument } from '../../src/catalog/document.ts';
import { formatDiagnostic } from '../../src/diagnostics/diagnostic.ts';
import { answerTo } from '../../src/reproduce/answer.ts';
import { type Found, findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { parseRules } from '../../src/rules/load.ts';
import { type Met, RENDERERS } from './renderers.ts';

const SUBJECT = {
  method: 'PUT',
  host: 'bucket-a.oss-cn-hangzhou.aliyuncs.com',
  bucket: 'bucket-a',
  key: 'dir/sample.bin',
  part: 3,
  uploadId: 'dXBsb2FkLWlkLTAwMDE',
};

function met(provider: Provider, entry: Entry): Met {
  const { code, status, reason, message } = entry;
  const format = provider.dialect.formats.xml ? 'xml' : undefined;
  const document = writeDocument(provider, { code, status, reason, message, format }, SUBJECT, new Date());
  const hostId = /<HostId>(.*?)<\/HostId>/.exec(document.body.toString())?.[1] ?? 'b5a21d9e6f0c4d7b';
  // Ids are random. One that has the digits of the status would pass for a text that says the status.
  const isMistakable = `${document.requestId} ${hostId}`.includes(String(status));
  return isMistakable ? met(provider, entry) : { provider, entry, document, hostId };
}

const cases = providerNames()
  .map(loadProvider)
  .flatMap((provider) =>
    provider.entries.filter(({ code }) => code !== 'N/A').map((entry) => met(provider, entry)),
  );

/** A message as two programs may print it. */
const plainMessage = (text: string) => text.trim().replace(/\s+/g, ' ').replace(/\.$/, '');

/** The codes that have a message, by that message. */
const codesOf = new Map<string, Set<string>>();
for (const { code, message } of providerNames().flatMap((name) => loadProvider(name).entries)) {
  const codes = codesOf.get(plainMessage(message)) ?? new Set();
  codesOf.set(plainMessage(message), codes.add(code));
}

/** The codes that a text may stand for: a program that prints only the message prints it for every code that has it. */
function namesOf({ entry }: Met, renderer: string): ReadonlySet<string> {
  if (renderer !== 'restic' && renderer !== 'ClickHouse') return new Set([entry.code]);
  return codesOf.get(plainMessage(entry.message)) ?? new Set();
}

/** A 304 has no body, and then some programs print nothing but the status. */
function tellsAnything(text: string, { code, message }: Entry): boolean {
  const plain = text.replaceAll('_', '').toLowerCase();
  return plain.includes(code.toLowerCase()) || (message !== '' && text.includes(message.replace(/\.$/, '')));
}

/** Checks the errors found in a text: there is one, with its code, its status and an answer. Returns the first difference. */
function whatIsWrong(
  { findings: [first, ...more] }: Found,
  text: string,
  each: Met,
  renderer: string,
): unknown {
  const { code, status } = each.entry;
  if (first?.code === undefined || !namesOf(each, renderer).has(first.code)) return [code, first?.code];
  if (text.includes(String(status)) && first.status !== status) return [code, status, first.status];
  if (more.length > 0) return [code, 'and more', more.map((other) => other.code)];
  return answerTo(first) === undefined ? [code, 'no rule'] : undefined;
}

/** What a text has that is nobody else's: an id with the time in it, or S3's own form of one; the host of a provider. */
function signOf({ provider, document }: Met, text: string): string | undefined {
  const host = /[.-](aliyuncs|myhuaweicloud|amazonaws)\.com/.exec(text)?.[1];
  const byHost = { aliyuncs: 'aliyun-oss', myhuaweicloud: 'huawei-obs', amazonaws: 'aws-s3' }[host ?? ''];
  const hasId = text.includes(document.requestId) && ['aliyun-oss', 'huawei-obs'].includes(provider.name);
  return byHost ?? (hasId ? provider.name : undefined);
}

/** What speaks to one provider only, or has its address in every text. */
const NATIVE: readonly (readonly [renderer: RegExp, provider: string])[] = [
  [/^(?:ali-oss|oss2|ossutil|OSS )/, 'aliyun-oss'],
  [/^OBS /, 'huawei-obs'],
  [/^JD Go/, 'jd-jss'],
  [/^(?:aws-php|object_store|access log)/, 'aws-s3'],
];

/** Checks the provider of each error found: a text with a sign of it names it, and any other text has it assumed. */
function whatIsWrongWithOwner(
  { findings }: Found,
  text: string,
  each: Met,
  native: string | undefined,
): unknown[] {
  // Nobody can tell an unidentified service from the one it is like.
  if (each.provider.name === 'oss-classic') return [];
  if (native !== undefined && native !== each.provider.name) return [];
  const sign = signOf(each, text);
  if (sign !== undefined && sign !== each.provider.name) return [];
  return findings.flatMap(({ provider, assumed, code }) => {
    const isAssumed = assumed.some(({ what }) => what === 'provider');
    const isRight = provider.name === each.provider.name;
    const isWrong = sign !== undefined ? !isRight || isAssumed : !isRight && !isAssumed;
    return isWrong ? [[each.entry.code, code, provider.name, isAssumed, sign]] : [];
  });
}

describe.each(Object.entries(RENDERERS))('what %s says', (name, render) => {
  const native = NATIVE.find(([renderer]) => renderer.test(name))?.[1];

  it('is found again: one error, its code, its status, whose it is, in a rule that loads', () => {
    const wrong: unknown[] = [];
    for (const [i, each] of cases.entries()) {
      const text = render(each);
      if (text === undefined) continue;
      const alone = findErrors(text);
      wrong.push(...whatIsWrongWithOwner(alone, text, each, native));
      if (!tellsAnything(text, each.entry)) continue;
      // Every rule is like the others of its renderer; each entry has its turn with some renderer.
      const hasTurn = i % 9 === name.length % 9;
      // What a text does not tell by itself, it tells to who knows the provider.
      if (!hasTurn && whatIsWrong(alone, text, each, name) === undefined) continue;
      const found = findErrors(text, { provider: each.provider.name });
      const problem = whatIsWrong(found, text, each, name);
      if (problem !== undefined) wrong.push([each.provider.name, problem]);
      if (!hasTurn || problem !== undefined) continue;
      const rules = parseRules([{ name: 'x.yaml', text: ruleFile(found, name) }]);
      if ('diagnostics' in rules) wrong.push([each.entry.code, rules.diagnostics.map(formatDiagnostic)]);
    }
    expect(wrong.slice(0, 8)).toEqual([]);
  });
});
