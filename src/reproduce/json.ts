import { answerTo } from './answer.ts';
import type { Finding } from './finding.ts';
import type { Found } from './reproduce.ts';

/** Converts findings to JSON for scripts. */
export function toJson({ findings, notes }: Found): unknown {
  return { findings: findings.map(finding), notes };
}

function finding(each: Finding): unknown {
  const { provider, entry, operations, time, body, headers, fields: _fields, api: _api, ...rest } = each;
  return {
    ...rest,
    provider: provider.name,
    variant: entry?.variant,
    operation: operations.length === 1 ? operations[0] : operations,
    time: time?.toISOString(),
    stored: entry?.stored === true,
    documented:
      entry === undefined
        ? undefined
        : { message: entry.message, zh: entry.zh, en: entry.en, source: entry.source },
    headers: headers?.map(([name, value]) => ({ name, value })),
    body: body?.text,
    bodyIsWhole: body?.whole,
    fault: answerTo(each)?.fault,
  };
}
