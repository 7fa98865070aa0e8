import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPlan } from '../../src/sessions/spec.ts';
import { closing } from '../faults/faulty.ts';
import { eventually, proxyTo } from '../support/proxy.ts';
import { rawExchange } from '../support/raw.ts';
import { OK, upstreamSaying } from '../support/through.ts';

const page = readFileSync('docs/sessions.md', 'utf8');
const blocks = [...page.matchAll(/^```(json|yaml)\n(.*?)^```$/gms)].map(([, , text = '']) => text);
const [example = '', , report = ''] = blocks;

describe('docs/sessions.md', () => {
  it.each(blocks.filter((text) => text !== report))('has a session that loads: %s', (text) => {
    expect(readPlan({ name: 'docs/sessions.md', text }, undefined).lists).not.toEqual([]);
  });

  it('has the report of its first session', async () => {
    const upstream = await upstreamSaying((socket) => socket.on('data', () => socket.write(OK)));
    const { port, proxy } = await proxyTo(upstream.url);
    const session = await proxy.sessions.open(example);
    const part = closing('PUT /b/k?partNumber=3&uploadId=u', 'Authorization: OSS AKIATEST7:c2ln');
    for (const _ of [1, 2]) await rawExchange(port, part);
    await eventually('two exchanges are over', () => proxy.journal.count === 2);
    const { id, seed, expires } = JSON.parse(report);
    expect({ ...session.report(), id, seed, expires }).toEqual(JSON.parse(report));
  });

  it('explains each key', () => {
    const { schemas } = JSON.parse(readFileSync('schema/admin-api.openapi.json', 'utf8')).components;
    const keys = [schemas.SessionSpec, schemas.SessionKey].flatMap(({ properties }) =>
      Object.keys(properties),
    );
    expect(keys.length).toBe(10);
    expect(keys.filter((key) => !page.includes(`\`${key}\``) && !page.includes(`## The ${key}`))).toEqual([]);
  });
});
