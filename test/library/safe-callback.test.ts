import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BadRules } from '../../src/index.ts';
import { operator, SLOW } from '../admin/operator.ts';
import { eventually } from '../support/proxy.ts';

/** The warnings of this process from now on. */
function warnings(): { readonly message: string; readonly detail: string }[] {
  const heard: { message: string; detail: string }[] = [];
  const hear = ({ name, message, detail = '' }: Error & { detail?: string }) => {
    if (name === 'BrownoutWarning') heard.push({ message, detail });
  };
  process.on('warning', hear);
  onTestFinished(() => void process.off('warning', hear));
  return heard;
}

const throwing = (what: unknown) => () => {
  throw what;
};

describe('a callback that throws', () => {
  it.each(['onEntry', 'onFault'])('breaks no exchange: %s', async (name) => {
    const heard = warnings();
    const { proxy, exchange, send, json } = await operator({ [name]: throwing(new Error('nobody listens')) });
    const plan = '{"key": {"bucket": "b"}, "provider": "aws-s3", "plan": {"PutObject": ["SlowDown"]}}';
    const { id } = (await send('POST', '/sessions', plan)).body;
    // Each of them waits for `idle()`.
    expect([await exchange('PUT', '/b/1'), await exchange('PUT', '/b/2')]).toEqual([503, 503]);
    expect((await json(`/sessions/${id}`)).body).toMatchObject({
      complete: true,
      plan: { PutObject: [{ state: 'met', exchange: 1 }] },
    });
    expect(proxy.journal()).toHaveLength(2);
    expect(await proxy.metrics.registry.metrics()).toMatch(/^brownout_body_bytes_total\{.*\} [1-9]/m);
    await eventually('it is reported', () => heard.length > 0);
    expect(heard).toEqual([
      {
        message: `${name} threw, and what else it throws will not be reported`,
        detail: expect.stringContaining('Error: nobody listens'),
      },
    ]);
  });

  it('leaves a reload what it is, good or bad', async () => {
    const heard = warnings();
    const folder = mkdtempSync(join(tmpdir(), 'brownout-callback-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'rules.yaml');
    writeFileSync(path, SLOW);
    const { proxy, json } = await operator({ rules: [path], onReload: throwing(Object.create(null)) });
    await proxy.reload();
    expect((await json('/rules/reload', { method: 'POST' })).status).toBe(200);
    writeFileSync(path, SLOW.replace('SlowDown', 'SlowDwon'));
    await expect(proxy.reload()).rejects.toThrow(BadRules);
    expect((await json('/rules/reload', { method: 'POST' })).status).toBe(422);
    await eventually('it is reported', () => heard.length > 0);
    expect(heard).toHaveLength(1);
  });

  it('leaves a change by the admin port made, and says so', async () => {
    const { json } = await operator({ onAdminChange: throwing('nobody listens') });
    expect((await json('/rules/slow/disable', { method: 'POST' })).status).toBe(200);
    expect((await json('/rules/slow')).body).toMatchObject({ enabled: false });
  });

  it('may do so later as well: a promise that rejects is reported the same', async () => {
    const heard = warnings();
    const { exchange } = await operator({ onEntry: () => Promise.reject(new Error('too late')) });
    await exchange('PUT', '/b/k');
    await eventually('it is reported', () => heard.length > 0);
    expect(heard[0]?.detail).toContain('too late');
  });
});
