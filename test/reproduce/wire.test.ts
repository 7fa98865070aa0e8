import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Entry, loadProvider, type Provider, providerNames } from '../../src/catalog/catalog.ts';
import { type Document, mayHaveBody, writeDocument } from '../../src/catalog/document.ts';
import { Secrets } from '../../src/record/secrets.ts';
import { plainOf } from '../../src/reproduce/plain.ts';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';
import { parseRules } from '../../src/rules/load.ts';
import { ask, closing } from '../faults/faulty.ts';
import { proxyTo } from '../support/proxy.ts';
import { OK, upstreamSaying } from '../support/through.ts';

interface Case {
  readonly provider: Provider;
  readonly entry: Entry;
  readonly document: Document;
  readonly target: string;
  readonly report: string;
}

/** How a report has an answer: with its whole head, or with no more than its first line. */
type Write = (target: string, document: Document) => string;

const whole: Write = (target, { status, reason, headers, body }) => {
  const lines = headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${headers[i + 1]}`] : []));
  return `PUT ${target} HTTP/1.1\nHost: storage.example\n\nHTTP/1.1 ${status} ${reason}\n${lines.join('\n')}\n\n${body}`;
};

const short: Write = (target, { status, reason, body }) =>
  `PUT https://storage.example${target} failed: ${status} ${reason}: ${body}`;

function casesOf(format: 'xml' | 'json', write: Write): Case[] {
  const all = providerNames()
    .map(loadProvider)
    .filter(({ dialect }) => dialect.formats[format] !== undefined)
    .flatMap((provider) => provider.entries.map((entry) => ({ provider, entry })));
  return all
    .filter(
      ({ entry: { code, status, message } }) =>
        code !== 'N/A' && message !== '' && mayHaveBody('PUT', status),
    )
    .map(({ provider, entry }, i) => {
      const target = `/bucket-a/dir/sample-${i}.bin`;
      const { code, status, reason, message } = entry;
      const subject = {
        method: 'PUT',
        host: 'storage.example',
        bucket: 'bucket-a',
        key: `dir/sample-${i}.bin`,
      };
      const document = writeDocument(
        provider,
        { code, status, reason, message, format },
        subject,
        new Date(0),
      );
      return { provider, entry, document, target, report: write(target, document) };
    });
}

/** One proxy that has the rules of all reports, each for its own key. */
async function answersTo(cases: readonly Case[]) {
  const loaded = parseRules(
    cases.map(({ provider, report }, i) => ({
      name: `${i}.yaml`,
      text: ruleFile(findErrors(report, { provider: provider.name }), 'a report'),
    })),
  );
  if ('diagnostics' in loaded) throw new Error(JSON.stringify(loaded.diagnostics[0]));
  const upstream = await upstreamSaying((socket) => void socket.on('data', () => socket.write(OK)));
  const { port } = await proxyTo(upstream.url, { rules: loaded.ok, stealth: true });
  return Promise.all(cases.map(({ target }) => ask(port, closing(`PUT ${target}`, 'Content-Length: 0'))));
}

describe('the rule made of a report answers what the report has', () => {
  it.each<['xml' | 'json', string, Write]>([
    ['xml', 'a whole answer', whole],
    ['xml', 'a status and a body', short],
    ['json', 'a whole answer', whole],
  ])(
    'in %s, of %s: the same status, reason and body for every documented error',
    async (format, _, write) => {
      const cases = casesOf(format, write);
      expect(cases.length).toBeGreaterThan(50);
      const answers = await answersTo(cases);
      for (const [i, { document, entry }] of cases.entries()) {
        const { statusLine, body, headers } = answers[i]!;
        const isEmbedded = entry.status === 200;
        expect([entry.code, statusLine]).toEqual([
          entry.code,
          isEmbedded ? 'HTTP/1.1 200 OK' : `HTTP/1.1 ${entry.status} ${document.reason}`,
        ]);
        expect(body).toBe(document.body.toString());
        if (write !== whole || isEmbedded) continue;
        for (let at = 0; at < document.headers.length; at += 2) {
          const [name = '', value = ''] = document.headers.slice(at);
          if (!/^(?:connection|transfer-encoding)$/i.test(name))
            expect(headers).toContain(`${name}: ${value}`);
        }
      }
    },
  );
});

/** The last whole error document of a text, read without the parser; what curl remarks in the midst of it is none of it. */
function documentIn(report: string): string | undefined {
  const { text } = plainOf(report);
  const found = [
    ...text.matchAll(/(<\?xml[^<>]*\?>\s*)?(?:\* [^\n]*\n)?(<Error>(?:(?!<Error>).)*?<\/Error>)/gs),
  ];
  const [, declaration = '', document] = found.at(-1) ?? [];
  const secrets = new Secrets({ facts: { target: '', accessKey: undefined }, requestHeaders: [] });
  return document === undefined || text.includes('<DeleteResult')
    ? undefined
    : secrets.in(declaration + document);
}

describe('the rule made of a pasted report', () => {
  const folder = 'test/fixtures/reports/';
  const reports = readdirSync(folder)
    .filter((name) => !name.endsWith('.yaml'))
    .map((name) => ({ name, report: readFileSync(folder + name, 'utf8') }))
    .map(({ name, report }) => ({ name, report, found: findErrors(report) }))
    .filter(
      ({ found }) => found.findings[0]?.network === undefined && found.findings[0]?.refusedKeys === undefined,
    );

  it.each(reports)(
    '$name answers its status, its body and its request id',
    async ({ name, report, found }) => {
      const [finding] = found.findings;
      if (finding === undefined) throw new Error('nothing was found');
      const isHead = finding.operations[0]?.startsWith('Head') === true;
      const only = {
        ...found,
        findings: [
          {
            ...finding,
            operations: [],
            method: undefined,
            bucket: undefined,
            key: undefined,
            part: undefined,
          },
        ],
      };
      const loaded = parseRules([{ name, text: ruleFile(only, name) }]);
      if ('diagnostics' in loaded) throw new Error(JSON.stringify(loaded.diagnostics));
      const upstream = await upstreamSaying((socket) => void socket.on('data', () => socket.write(OK)));
      const { port } = await proxyTo(upstream.url, { rules: loaded.ok });
      const answer = await ask(port, closing(isHead ? 'HEAD /b/k' : 'PUT /b/k', 'Content-Length: 0'));
      expect(answer.statusLine.split(' ')[1]).toBe(String(finding.status));
      const document = documentIn(report);
      if (document !== undefined) expect(answer.body.trimEnd()).toBe(document);
      if (finding.body?.whole) expect(answer.body.trimEnd()).toBe(finding.body.text.trimEnd());
      if (finding.body?.exact) expect(answer.body).toBe(finding.body.text);
      if (finding.requestId !== undefined) {
        const isInHead = finding.headers?.some(([, value]) => value === finding.requestId) ?? true;
        expect(answer.headers.some((line) => line.endsWith(`: ${finding.requestId}`))).toBe(isInHead);
        if (finding.code !== undefined) expect(answer.body).toContain(finding.requestId);
      }
      for (const [header, value] of finding.headers ?? []) {
        if (!/^(?:connection|content-length)$/i.test(header))
          expect(answer.headers).toContain(`${header}: ${value}`);
      }
    },
  );
});
